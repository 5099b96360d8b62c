"""How a command ends when something from outside ends it: signals, a killed process, output that cannot be written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = """
import multiprocessing
import time
from pathlib import Path

from redun import task

redun_namespace = "acme"


@task()
def main():
    return "ran"


@task()
def wait(started: str):
    Path(started).touch()
    time.sleep(60)


def say_ready_and_wait(writer):
    writer.send("ready")
    time.sleep(60)


@task()
def fork():
    reader, writer = multiprocessing.Pipe(duplex=False)
    codes = set()
    for number in range(20):
        process = multiprocessing.get_context("fork").Process(target=say_ready_and_wait, args=(writer,))
        process.start()
        if number % 2:
            reader.recv()
        process.terminate()
        process.join()
        codes.add(process.exitcode)
    return codes


@task()
def interrupt():
    raise KeyboardInterrupt
"""
REDUN = str(Path(sys.executable).with_name("redun"))
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wf.py").write_text(WORKFLOW)
    return tmp_path


def redun(folder, *words, code=0):
    done = subprocess.run([REDUN, *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def start_waiting(folder, *command):
    """A run in the middle of a task that waits."""
    words = [*command, REDUN, "run", "wf.py", "wait", "--started", "started"]
    process = subprocess.Popen(words, cwd=folder, env=ENVIRON, stderr=subprocess.PIPE, text=True)
    while "acme.wait" not in process.stderr.readline():
        pass
    return process


def test_a_run_that_ignores_interrupts_can_be_terminated(folder):
    with start_waiting(folder, "bash", "-c", 'trap "" INT; exec "$@"', "bash") as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 143
    assert "[CANCELLED]" in redun(folder, "log")


def test_a_second_sigterm_ends_the_process_at_once():
    program = """
import time
from redun.cli.signals import Terminated, ends_in_order
try:
    with ends_in_order():
        print("ready", flush=True)
        time.sleep(60)
except Terminated:
    print("stuck", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with process:
        for word in ("ready\n", "stuck\n"):
            assert process.stdout.readline() == word
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 143


def test_a_handler_of_the_script_is_left_alone():
    program = """
import signal
from redun.cli.signals import ends_in_order
signal.signal(signal.SIGTERM, lambda *_: print("mine"))
with ends_in_order():
    signal.raise_signal(signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "mine\n"
    assert done.returncode == 0


def test_a_run_that_was_killed_is_lost(folder):
    with start_waiting(folder) as process:
        while not any(line.startswith("Job ") for line in running_lines(folder)):
            pass
        process.kill()
        process.stderr.read()
    assert "[ LOST ]" in redun(folder, "log")
    assert running_lines(folder) == []


def running_lines(folder):
    listed = subprocess.run([REDUN, "log", "-"], cwd=folder, env=ENVIRON, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if "[RUNNING]" in line]


def test_processes_that_a_task_forks_can_be_terminated(folder):
    assert redun(folder, "run", "wf.py", "fork") == "{-15}\n"


def test_a_task_that_raises_keyboard_interrupt_ends_the_run_with_130_and_a_last_word(folder):
    assert redun(folder, "run", "wf.py", "interrupt", code=130).splitlines()[-1] == "redun: interrupted"


def test_an_interrupt_before_the_run_ends_with_130_and_a_last_word(folder):
    (folder / "early.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    assert redun(folder, "run", "early.py", "main", code=130).splitlines()[-1] == "redun: interrupted"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["log"], ["run", "wf.py", "main"], ["--help"]])
def test_output_that_cannot_be_written_gives_one_line_and_code_1(folder, words, unbuffered):
    redun(folder, "run", "wf.py", "main")
    environ = {**ENVIRON, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [REDUN, "--log-level", "ERROR", *words], cwd=folder, env=environ, stdout=full, stderr=subprocess.PIPE
        )
    assert done.stderr == b"redun: error: cannot write: No space left on device\n"
    assert done.returncode == 1


def test_a_closed_stdout_is_no_obstacle(folder):
    done = subprocess.run(["bash", "-c", f"{REDUN} run wf.py main >&-"], cwd=folder, env=ENVIRON)
    assert done.returncode == 0
    assert "[ DONE ]" in redun(folder, "log")
