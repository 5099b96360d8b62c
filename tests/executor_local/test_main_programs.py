"""Worker processes of scripts that start redun themselves, each run as a program of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SET_UP = """
import logging, os, sys, tempfile
from pathlib import Path
from redun.executors.base import ExecutorContext, TaskTarget
from redun.task import task
from redun.testing.task_calls import call_target, make_call
from redun.testing.recording_sink import RecordingSink
from redun_executor_local.executor import LocalExecutor

redun_namespace = "program"
logging.getLogger().addHandler(logging.NullHandler())

class Nail:
    def __init__(self, size):
        self.size = size

@task(version="1")
def size_of(nail):
    print("size is", nail.size)
    return nail.size

@task(version="1")
def process_id():
    return os.getpid()

@task(version="1")
def wait_for_input(started, release):
    Path(started).write_text(str(os.getpid()))
    Path(release).read_text()

def start(method):
    sink = RecordingSink(30)
    executor = LocalExecutor("local", mode="process", start_method=method)
    executor.start(ExecutorContext(Path("."), "e", "p", Path("."), logging.getLogger()), sink)
    return executor, sink
"""

RUN = """
    executor, sink = start(sys.argv[1])
    executor.submit([make_call(1, size_of, Nail(8))])
    print(sink.wait([1])[0], flush=True)
    executor.stop()
"""


@pytest.fixture
def program(tmp_path):
    """Writes a program and starts it; whatever it leaves running is ended with the test."""
    started = []

    def start(text, *args):
        script = tmp_path / "program.py"
        script.write_text(SET_UP + text)
        process = subprocess.Popen(
            [sys.executable, str(script), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Otherwise nothing needs flushing.
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_tasks_and_classes_of_the_main_program_reach_the_workers(program, method):
    output, errors = program("if __name__ == '__main__':" + RUN, method).communicate(timeout=60)
    assert output == "size is 8\nEnd(kind='done', value=8, error=None, traceback=None)\n"
    assert errors == ""


FLOW = """
from redun import Scheduler, task
redun_namespace = "program"
@task(executor="process")
def f(x):
    return x + 1
if __name__ == "__main__":
    Scheduler().run(f(1))
"""


@pytest.mark.parametrize("words", [["-"], ["-c", FLOW]])
def test_a_program_that_is_no_file_is_told_to_put_its_tasks_into_a_module(words, tmp_path):
    done = subprocess.run(
        [sys.executable, *words], input=FLOW, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "<stdin>'" not in done.stderr
    assert "forkserver" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "redun.errors.ExecutorError: Task program.f is not defined by module '__main__' (no file that can be imported: "
    )
    assert "Move the task into a module" in last
    assert "import paths" not in last


def test_a_program_without_the_main_guard_is_told_about_it(program):
    output, _ = program("if True:" + RUN, "spawn").communicate(timeout=60)
    assert "WorkerDiedError" in output
    assert 'if __name__ == "__main__"' in output


def test_a_program_that_is_no_file_is_told_about_it(tmp_path):
    text = SET_UP + "executor, sink = start('forkserver')\nexecutor.submit([make_call(1, process_id)])\n"
    text += "print(sink.wait([1])[0].error)\nexecutor.stop()"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert "Task program.process_id is not defined by module '__main__'" in done.stdout


def test_a_program_that_forgets_to_stop_the_executor_ends_all_the_same(program):
    text = "if __name__ == '__main__':" + RUN.replace("executor.stop()", "pass")
    process = program(text, "forkserver")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "kind='done'" in output


@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_workers_end_when_the_scheduler_is_killed(program, method):
    text = """
if __name__ == "__main__":
    executor, sink = start(sys.argv[1])
    executor.submit([make_call(number, process_id) for number in range(20)])
    sink.wait(range(20))
    print("working", flush=True)
    sys.stdin.read() if sys.stdin.isatty() else __import__("threading").Event().wait()
"""
    process = program(text, method)
    assert process.stdout.readline() == "working\n"
    process.kill()
    # The pipe reaches its end when the last process that holds it is gone.
    output, _ = process.communicate(timeout=60)
    assert output == ""


@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_ctrl_c_reaches_the_scheduler_only(program, method, tmp_path):
    started, release = tmp_path / "started", tmp_path / "release"
    os.mkfifo(started)
    os.mkfifo(release)
    text = """
if __name__ == "__main__":
    executor, sink = start(sys.argv[1])
    executor.submit([make_call(1, wait_for_input, *sys.argv[2:])])
    try:
        sink.wait([1])
    except KeyboardInterrupt:
        executor.cancel([1])
        executor.stop()
        print(sink.ends[1][0].kind)
"""
    process = program(text, method, str(started), str(release))
    worker = int(Path(started).read_text())
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (output, errors) == ("cancelled\n", "")
    assert not Path(f"/proc/{worker}").exists()
