"""What travels to a task and back, and what surrounds the task."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from redun.executors.base import TaskTarget
from redun.expression import TaskExpression
from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures
from redun.testing.task_calls import call_target, make_call

if TYPE_CHECKING:
    from pathlib import Path

    from redun.executors.base import Executor
    from redun.testing.recording_sink import RecordingSink

MANY_BYTES = 20_000_000

VALUES: dict[str, Any] = {
    "text": "Grüße, 世界 \N{GRINNING FACE}\0",
    "bytes": bytes(range(256)),
    "nested": {"a": [1, (2.5, None), {3}], (1, "b"): True},
    "long": 1 << 4000,
    "object": tasks.Box({"content": [tasks.Box(None)]}),
    "error": ValueError("as a value"),
    "type": int,
}

MODULE = """
from redun import task
redun_namespace = "redun_testing_written"
@task(version="1")
def work(x):
    return x * 2
"""


class Values(ExecutorFixtures):
    """Arguments, results, options and environment."""

    @pytest.mark.parametrize("kind", sorted(VALUES))
    def test_a_value_comes_back_as_it_was(self, running: Executor, sink: RecordingSink, kind: str) -> None:
        value = VALUES[kind]
        running.submit([make_call(1, tasks.echo, value)])
        end = sink.wait([1])[0]
        assert end.kind == "done"
        assert type(end.value) is type(value)
        if kind == "error":
            assert end.value.args == value.args
        else:
            assert end.value == value

    def test_an_expression_is_a_result(self, running: Executor, sink: RecordingSink) -> None:
        """Whoever evaluates it, it is not the executor."""
        running.submit([make_call(1, tasks.add_later, 1, 2)])
        value = sink.wait([1])[0].value
        assert isinstance(value, TaskExpression)
        assert (value.task_name, value.args) == ("redun_testing.add", (1, 2))

    def test_arguments_and_results_may_be_large(self, running: Executor, sink: RecordingSink) -> None:
        data = os.urandom(1000) * (MANY_BYTES // 1000)
        self.submit(
            running,
            [make_call(1, tasks.size, data), make_call(2, tasks.make_bytes, MANY_BYTES), make_call(3, tasks.add, 1)],
        )
        sized, made, small = sink.wait([1, 2, 3])
        assert (sized.value, len(made.value), small.value) == (MANY_BYTES, MANY_BYTES, 2)

    def test_options_of_others_do_no_harm(self, running: Executor, sink: RecordingSink) -> None:
        """Options of the scheduler and of executors elsewhere come along; they cannot be changed."""
        options = {"redun_suite_option": 4, "tags": [("a", 1)], "check_valid": "shallow", "nobody_knows": {"deep": [1]}}
        call = make_call(1, tasks.add, 1, options=options)
        running.submit([call])
        assert sink.wait([1])[0].value == 2
        assert dict(call.options) == options

    @pytest.mark.usefixtures("python_path")
    def test_a_task_is_found_by_module_and_import_paths(
        self, running: Executor, sink: RecordingSink, tmp_path: Path
    ) -> None:
        if not self.shares_filesystem:
            pytest.skip("a module written here is not seen by tasks")
        (tmp_path / "redun_testing_written.py").write_text(MODULE)
        target = TaskTarget("redun_testing_written.work", b"", "redun_testing_written", (str(tmp_path),))
        running.submit([call_target(1, target, 21)])
        assert sink.wait([1])[0].value == 42

    def test_a_task_may_print(self, running: Executor, sink: RecordingSink, capfd: pytest.CaptureFixture[str]) -> None:
        running.submit([make_call(1, tasks.print_lines, 2000), make_call(2, tasks.add, 1)])
        assert [end.value for end in sink.wait([1, 2])] == [2000, 2]
        capfd.readouterr()

    def test_a_task_has_the_environment_of_the_scheduler(
        self, executor: Executor, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        if not self.shares_environment:
            pytest.skip("tasks of this executor have an environment of their own")
        monkeypatch.setenv("REDUN_TESTING_VARIABLE", "säy")
        running: Executor = request.getfixturevalue("running")
        sink: RecordingSink = request.getfixturevalue("sink")
        running.submit([make_call(1, tasks.environment, "REDUN_TESTING_VARIABLE"), make_call(2, tasks.working_folder)])
        variable, folder = sink.wait([1, 2])
        assert variable.value == "säy"
        assert folder.value == os.getcwd()  # noqa: PTH109 - what the task compares with
        assert executor is running

    def test_a_task_runs_where_the_executor_says(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.process_id)])
        assert (sink.wait([1])[0].value == os.getpid()) == running.capabilities.in_process
