"""The executor keeps its own promises."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from redun.errors import ExecutorError, WorkerDiedError
from redun.executors import TaskCall, TaskTarget
from redun.testing import ExecutorFixtures, call_target
from redun_executor_subprocess.executor import SubprocessExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redun.testing import RecordingSink

TASKS = """
import os, signal, subprocess
from redun import task

redun_namespace = "subprocess_tests"

@task
def say(text):
    print(text)
    subprocess.run(["echo", text], check=True)
    return text.upper()

@task
def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)

@task
def start_a_program(pipe):
    subprocess.run(["sh", "-c", 'exec 9>"$0"; echo started >&9; exec sleep 60', pipe])
"""


class TestSubprocessExecutor(ExecutorFixtures):
    """What is particular to this executor, tested with the fixtures of the suite."""

    @pytest.fixture
    def executor(self) -> SubprocessExecutor:
        return SubprocessExecutor("subprocess", slots=1)

    @pytest.fixture
    def call(self, tmp_path: Path) -> Callable[..., TaskCall]:
        """Makes calls of the tasks above, each by its name."""
        (tmp_path / "subprocess_tasks.py").write_text(TASKS)

        def make(name: str, *args: Any, **options: Any) -> TaskCall:
            target = TaskTarget(f"subprocess_tests.{name}", b"", "subprocess_tasks", (str(tmp_path),))
            return call_target(1, target, *args, options=options)

        return make

    def test_what_a_task_prints_is_no_part_of_its_result(
        self, running: SubprocessExecutor, sink: RecordingSink, call: Callable[..., TaskCall]
    ) -> None:
        running.submit([call("say", "aloud")])
        assert sink.wait([1])[0].value == "ALOUD"

    def test_an_interpreter_that_is_killed_fails_its_call_with_the_signal(
        self, running: SubprocessExecutor, sink: RecordingSink, call: Callable[..., TaskCall]
    ) -> None:
        running.submit([call("kill_itself")])
        error = sink.wait([1])[0].error
        assert isinstance(error, WorkerDiedError)
        assert "subprocess_tests.kill_itself" in str(error)
        assert "SIGKILL" in str(error)

    def test_cancelling_a_call_kills_the_programs_that_it_has_started(
        self, running: SubprocessExecutor, sink: RecordingSink, call: Callable[..., TaskCall], tmp_path: Path
    ) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        running.submit([call("start_a_program", str(pipe))])
        with pipe.open() as stream:
            assert stream.readline() == "started\n"
            running.cancel([1])
            assert sink.wait([1])[0].kind == "cancelled"
            assert stream.read() == "", "the pipe closes when the program is gone"

    def test_a_task_may_choose_its_interpreter_and_a_wrong_one_is_named(
        self, running: SubprocessExecutor, sink: RecordingSink, call: Callable[..., TaskCall]
    ) -> None:
        running.submit([call("say", "aloud", python="/no/such/python")])
        error = sink.wait([1])[0].error
        assert isinstance(error, ExecutorError)
        assert "cannot start '/no/such/python' for task subprocess_tests.say" in str(error)
