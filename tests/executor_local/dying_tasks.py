"""Tasks that end, maim or soil the process that runs them."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from redun.task import task

redun_namespace = "dying"


class Cry(BaseException):
    """An error that is no Exception."""


@task(version="1")
def fine(number):
    return number


@task(version="1")
def die(how):
    ENDS[how]()


def overflow_the_stack():
    """Recurse through C, in a thread whose stack is smaller than what Python reckons with."""
    sys.setrecursionlimit(10**6)
    threading.stack_size(64 * 1024)
    again = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: again() + 1)
    thread = threading.Thread(target=again)
    thread.start()
    thread.join()


def use_up_the_processor_time():
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
    while True:
        pass


ENDS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "null": lambda: ctypes.string_at(0),
    "abort": lambda: ctypes.CDLL(None).abort(),
    "stack": overflow_the_stack,
    "processor time": use_up_the_processor_time,
    "exit 0": lambda: os._exit(0),
    "exit 3": lambda: os._exit(3),
    "exit 255": lambda: os._exit(255),
    "close": lambda: os.closerange(0, 200),
    "close and go on": lambda: (os.closerange(0, 200), time.sleep(60)),
    "kill parent": lambda: (os.kill(os.getppid(), signal.SIGKILL), time.sleep(60)),
}


@task(version="1")
def raise_error(name):
    if name == "Cry":
        raise Cry("of pain")
    if name == "SystemExit":
        sys.exit(3)
    if name == "RecursionError":
        raise_error.func(name)
    if name == "MemoryError":
        return len(bytearray(1 << 60))
    raise {"KeyboardInterrupt": KeyboardInterrupt, "GeneratorExit": GeneratorExit}[name]


@task(version="1")
def run_out_of_memory(limit):
    """Hit a limit for this process. Other tasks of the same worker live with that limit."""
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        return len(bytearray(limit))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@task(version="1")
def join_group_and_fill_memory(group):
    """Have the kernel kill this process: it is the only one in its control group, which has a limit."""
    Path(group, "cgroup.procs").write_text(str(os.getpid()))
    return len(b"x" * 2**30)


class DiesWhileItIsSent:
    """Part of a result. The pickle of what stands before it is on its way, or nearly."""

    def __reduce__(self):
        os._exit(5)


@task(version="1")
def die_while_pickling():
    return [bytes(50_000_000), DiesWhileItIsSent()]


@task(version="1")
def die_while_sending(megabytes):
    """A thread ends the process as soon as the scheduler's end of the line is full."""
    from multiprocessing.connection import Connection

    send = Connection._send

    def send_a_part(self, buf, *args):
        if len(buf) > 1_000_000:
            send(self, bytes(buf[:300_000]))
            os.kill(os.getpid(), signal.SIGKILL)
        send(self, buf, *args)

    Connection._send = send_a_part
    return bytes(megabytes * 1_000_000)


@task(version="1")
def fork_and_return():
    """Both processes leave the body."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return pid > 0


@task(version="1")
def fork_and_fail(where):
    """The child leaves the body by an error, and tells its exit code."""
    pid = os.fork()
    if not pid:
        os.dup2(os.open(where, os.O_WRONLY | os.O_CREAT), 2)
        raise ValueError("only in the child")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@task(version="1")
def leave_child_and_return(started, release):
    """Fork a process that outlives this call, with copies of all that is open."""
    if os.fork() == 0:
        Path(started).write_text(str(os.getpid()))
        Path(release).read_text()
        os._exit(0)
    return os.getpid()


@task(version="1")
def start_thread(release):
    """Start a thread that the process would wait for at its end."""
    threading.Thread(target=lambda: Path(release).read_text()).start()
    return os.getpid()


@task(version="1")
def die_after_return():
    """End the process as soon as the result is out."""
    from multiprocessing.connection import Connection

    send = Connection._send

    def send_and_die(self, buf, *args):
        send(self, buf, *args)
        os._exit(4)

    Connection._send = send_and_die


@task(version="1")
def soil(folder):
    os.environ["DYING_TASKS"] = "soiled"
    sys.path.append("/nowhere/soiled")
    os.chdir(folder)


@task(version="1")
def steal_the_line(path):
    """Close everything, and open a file that gets the number of what was closed."""
    os.closerange(3, 200)
    return [os.open(path, os.O_WRONLY) for _ in range(60)]


@task(version="1")
def look_around():
    return os.getcwd(), os.environ.get("DYING_TASKS"), "/nowhere/soiled" in sys.path, os.getpid()


@task(version="1")
def hold(started, release):
    """Say the number of the process, and wait to be let go."""
    Path(started).write_text(str(os.getpid()))
    return Path(release).read_text()


@task(version="1")
def hold_and_clean_up(started, release, trace):
    """Say the number of the process, and wait for the end. What comes then is left in a file."""
    try:
        Path(started).write_text(str(os.getpid()))
        os.open(release, os.O_RDONLY)
        while True:  # a signal right before a system call that blocks would be noticed after it
            time.sleep(0.01)
    finally:
        Path(trace).write_text("cleaned up")


@task(version="1")
def hold_on(started, release, trace):
    """Refuse to end."""
    try:
        hold_and_clean_up.func(started, release, trace)
    finally:
        while True:
            time.sleep(60)
