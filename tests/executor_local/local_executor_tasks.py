"""Tasks for the tests of the local executor. Its workers find this module by the calls' import paths."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from redun.task import task

redun_namespace = "local_tests"


class Brick:
    """Can be pickled, and not unpickled where another process says so."""

    def __reduce__(self):
        return build_brick, (os.getpid(),)


def build_brick(pid):
    if pid != os.getpid():
        raise ValueError("made in another process")
    return Brick()


class Nail:
    """An argument of a class that only the workflow's own folder has."""

    def __init__(self, size):
        self.size = size


@task(version="1")
def size_of(nail):
    return nail.size


@task(version="1")
def make_brick():
    return Brick()


@task(version="1")
def process_id():
    return os.getpid()


@task(version="1")
def thread_name():
    import threading

    return threading.current_thread().name


@task(version="1")
def die(how):
    if how == "exit":
        os._exit(7)
    if how == "segfault":
        ctypes.string_at(0)
    os.kill(os.getpid(), getattr(signal, how))


@task(version="1")
def close_all_files():
    os.closerange(3, 200)


@task(version="1")
def big(megabytes):
    return b"x" * (megabytes * 1_000_000)


@task(version="1")
def length(data):
    return len(data)


@task(version="1")
def interrupt_itself():
    os.kill(os.getpid(), signal.SIGINT)
    child = subprocess.run(
        [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT))"], capture_output=True
    )
    return "default_int_handler" in child.stdout.decode()


@task(version="1")
def surroundings(variable):
    return os.getcwd(), os.environ.get(variable)


@task(version="1")
def say(text):
    print(text)
    print(text, file=sys.stderr)


@task(version="1")
def leave_child_behind(started, release):
    """Fork a process that outlives this one and holds its files open, then die."""
    if os.fork() == 0:
        Path(started).write_text(str(os.getpid()))
        Path(release).read_text()
        os._exit(0)
    Path(started).with_suffix(".forked").touch()
    os._exit(9)


@task(version="1")
def meet_and_clean_up(started, release, trace):
    try:
        Path(started).write_text("started")
        Path(release).read_text()
    finally:
        Path(trace).write_text("cleaned up")


@task(version="1")
def refuse_to_end(started, release):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(started).write_text("started")
    Path(release).read_text()


@task(version="1")
def own_children(number):
    """Use a process pool inside a worker process."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(abs, (number,))


@task(version="1", job_timeout=0.2)
def sleep_a_minute():
    time.sleep(60)


class BadSample(Exception):
    """Its constructor takes other arguments than those that it hands on."""

    def __init__(self, name, code):
        super().__init__(f"{name} is bad ({code})")
        self.name, self.code = name, code


@task(version="1")
def fail_with(name):
    raise BadSample(name, 7)


@task(version="1")
def fail_with_an_error_of_its_own(message):
    class OwnError(Exception):
        pass

    raise OwnError(message)


@task(version="1")
def same(value):
    return value
