"""A process for each call: the command, the worker behind it, and what is made of its end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from redun.errors import WorkerDiedError
from redun.executors import Raised, Returned, TaskTarget, encode_call, read_outcome, worker_command
from redun.testing import tasks
from redun.testing.task_calls import call_target, make_call

FLOW = """
import os, subprocess, sys, threading
from redun import task

redun_namespace = "one_call"

@task
def shout():
    print("printed")
    sys.stdout.write("unfinished")
    os.write(1, b"written")
    subprocess.run(["echo", "echoed"], check=True)
    return "result"

@task
def read():
    return sys.stdin.read()

@task
def die(code):
    os._exit(code)

@task
def leave_a_thread():
    threading.Thread(target=print, args=("from a thread",)).start()
    return 1

@task
def leave_a_process(pipe):
    if os.fork() == 0:
        open(pipe).read()
        os._exit(0)
    return 2

@task
def environment():
    return os.environ["COLOUR"], os.getcwd(), "" in sys.path or os.getcwd() in sys.path
"""


def run(call, **options):
    done = subprocess.run(worker_command(), input=encode_call(call), capture_output=True, timeout=60, **options)
    return read_outcome(call, done.stdout, done.returncode), done.stderr.decode()


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "one_call_flow.py").write_text(FLOW)

    def call(name, *args):
        return call_target(1, TaskTarget(f"one_call.{name}", b"", "one_call_flow", (str(tmp_path),)), *args)

    return call


def test_a_call_goes_out_and_its_result_comes_back():
    assert run(make_call(1, tasks.add, 20, b=22)) == (Returned(42), "")


def test_an_error_comes_back_with_its_traceback():
    outcome, _ = run(make_call(1, tasks.fail, "no luck"))
    assert isinstance(outcome, Raised)
    assert type(outcome.error) is tasks.PlainError
    assert "raise PlainError(message)" in outcome.traceback


def test_a_large_value_goes_both_ways():
    value = "x" * 20_000_000
    assert run(make_call(1, tasks.echo, value))[0] == Returned(value)


def test_what_a_task_prints_goes_to_standard_error_and_not_into_its_result(flow):
    outcome, printed = run(flow("shout"))
    assert outcome == Returned("result")
    assert [printed.count(word) for word in ("printed", "unfinished", "written", "echoed")] == [1, 1, 1, 1]


def test_a_task_that_reads_finds_nothing(flow):
    assert run(flow("read"))[0] == Returned("")


def test_a_task_has_the_environment_and_the_folder_that_its_process_was_given(flow, tmp_path, monkeypatch):
    monkeypatch.setenv("COLOUR", "green")
    (tmp_path / "elsewhere").mkdir()
    outcome, _ = run(flow("environment"), cwd=tmp_path / "elsewhere")
    assert outcome == Returned(("green", str(tmp_path / "elsewhere"), False))


def test_threads_that_a_task_leaves_end_before_the_process(flow):
    outcome, printed = run(flow("leave_a_thread"))
    assert (outcome, printed) == (Returned(1), "from a thread\n")


def test_a_process_that_a_task_leaves_keeps_nobody_waiting(flow, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    call = flow("leave_a_process", str(pipe))
    done = subprocess.run(worker_command(), input=encode_call(call), stdout=subprocess.PIPE, timeout=60)
    assert read_outcome(call, done.stdout, done.returncode) == Returned(2)
    pipe.write_text("the process may end")


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_that_ends_without_a_word_is_an_error_with_its_exit_code(flow, code):
    with pytest.raises(WorkerDiedError, match=rf"one_call\.die ended before it reported .* exit code {code}"):
        run(flow("die", code))


def test_half_an_outcome_is_none():
    call = make_call(1, tasks.add, 1)
    with pytest.raises(WorkerDiedError, match="was ended by SIGKILL: often the system has run out of memory"):
        read_outcome(call, b"R\x80\x05K", -9)


def test_an_interpreter_without_redun_is_an_error_with_its_exit_code(tmp_path):
    call = make_call(1, tasks.add, 1)
    command = [sys.executable, "-S", *worker_command()[1:]]
    done = subprocess.run(command, input=encode_call(call), capture_output=True, timeout=60, env={})
    assert b"redun" in done.stderr
    with pytest.raises(WorkerDiedError, match="exit code 1"):
        read_outcome(call, done.stdout, done.returncode)
