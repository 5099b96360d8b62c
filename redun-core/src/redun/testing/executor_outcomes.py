"""How a call ends: with the result of its task, or with its error."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from redun.errors import ExecutorError
from redun.executors.base import TaskTarget
from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures, traceback_text
from redun.testing.task_calls import call_target, make_call, make_target

if TYPE_CHECKING:
    from pathlib import Path

    from redun.executors.base import Executor
    from redun.task import Task
    from redun.testing.recording_sink import RecordingSink


class Outcomes(ExecutorFixtures):
    """Results and errors of single calls, and that neither has an effect on the calls beside it."""

    def test_a_call_is_done_with_what_its_task_returns(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.add, 20, b=22)])
        assert sink.wait([1])[0] == ("done", 42, None, None)

    def test_none_is_a_result(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.echo, None)])
        assert sink.wait([1])[0] == ("done", None, None, None)

    def test_arguments_arrive_by_position_and_by_name(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.join, "a", "b", last="c", z="26", y="25")])
        assert sink.wait([1])[0].value == "a b c y=25 z=26"

    # Errors.

    def test_a_call_fails_with_the_error_that_its_task_raises(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail, "no luck")])
        end = sink.wait([1])[0]
        assert end.kind == "failed"
        assert type(end.error) is tasks.PlainError
        assert str(end.error) == "no luck"

    def test_a_failure_says_where_it_happened(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail, "no luck")])
        assert "raise PlainError(message)" in traceback_text(sink.wait([1])[0])

    def test_a_failure_says_what_it_came_from(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail_because, "no luck")])
        text = traceback_text(sink.wait([1])[0])
        assert text.index("KeyError: 'the cause'") < text.index("PlainError: no luck")

    def test_running_out_of_stack_fails_the_call(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.recurse, 0), make_call(2, tasks.add, 1)])
        deep, plain = sink.wait([1, 2])
        assert isinstance(deep.error, RecursionError)
        assert plain.value == 2

    def test_a_task_that_exits_fails_its_own_call_only(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.leave, 3), make_call(2, tasks.add, 1)])
        left, plain = sink.wait([1, 2])
        assert isinstance(left.error, ExecutorError)
        assert "redun_testing.leave called sys.exit(3)" in str(left.error)
        assert plain.value == 2

    @pytest.mark.parametrize("kind", sorted(tasks.RAISED))
    def test_an_unusual_error_fails_its_own_call_only(self, running: Executor, sink: RecordingSink, kind: str) -> None:
        if self.submit_waits and kind == "interrupt":
            pytest.skip("a KeyboardInterrupt in the user's own thread is the user's")
        running.submit([make_call(1, tasks.raise_kind, kind), make_call(2, tasks.add, 1)])
        running.submit([make_call(3, tasks.add, 2)])
        bad, *good = sink.wait([1, 2, 3])
        assert bad.kind == "failed"
        assert [end.value for end in good] == [2, 3]

    def test_the_death_of_a_worker_fails_its_own_call_only(self, running: Executor, sink: RecordingSink) -> None:
        if running.capabilities.in_process:
            pytest.skip("a task of this executor takes the scheduler with it")
        running.submit([make_call(number, tasks.add, number) for number in range(5)])
        running.submit([make_call(5, tasks.die)])
        running.submit([make_call(number, tasks.add, number) for number in range(6, 10)])
        ends = sink.wait(range(10))
        assert isinstance(ends.pop(5).error, ExecutorError)
        assert {end.kind for end in ends} == {"done"}

    # Values and errors that do not travel.

    def test_an_argument_that_cannot_be_pickled(self, running: Executor, sink: RecordingSink) -> None:
        function = lambda: None  # noqa: E731 - the point is that it has no name
        running.submit([make_call(1, tasks.echo, function), make_call(2, tasks.add, 1)])
        end, other = sink.wait([1, 2])
        assert other.value == 2
        if running.capabilities.in_process:
            assert end.value is function
        else:
            assert isinstance(end.error, ExecutorError)
            assert "'value' of task redun_testing.echo" in str(end.error)

    def test_a_result_that_cannot_be_pickled(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.return_function), make_call(2, tasks.add, 1)])
        end, other = sink.wait([1, 2])
        assert other.value == 2
        if running.capabilities.in_process:
            assert end.value() is None
        else:
            assert isinstance(end.error, ExecutorError)
            assert "redun_testing.return_function returned a function that cannot be pickled" in str(end.error)

    @pytest.mark.parametrize("task", [tasks.fail_stubbornly, tasks.fail_in_two_parts], ids=lambda task: task.name)
    def test_an_error_that_cannot_be_pickled(
        self, running: Executor, sink: RecordingSink, task: Task[..., Any]
    ) -> None:
        args = ("this", "that")[: len(task.signature.parameters)]
        running.submit([make_call(1, task, *args)])
        end = sink.wait([1])[0]
        assert end.kind == "failed"
        assert "this" in str(end.error)
        assert f"in {task.name}" in traceback_text(end)

    # Tasks that cannot be found.

    def test_a_call_of_an_unknown_task_fails_alone(self, running: Executor, sink: RecordingSink) -> None:
        nobody = TaskTarget("redun_testing.nobody", b"", "redun.testing.tasks", ())
        running.submit([make_call(1, tasks.add, 1), call_target(2, nobody), make_call(3, tasks.add, 3)])
        first, bad, last = sink.wait([1, 2, 3])
        assert (first.value, last.value) == (2, 4)
        assert isinstance(bad.error, ExecutorError)
        assert "redun_testing.nobody is not defined by module 'redun.testing.tasks'" in str(bad.error)

    @pytest.mark.usefixtures("python_path")
    def test_a_module_that_cannot_be_imported_is_named(self, running: Executor, sink: RecordingSink) -> None:
        lost = TaskTarget("lost.task", b"", "redun_testing_lost", ("/nowhere/special",))
        running.submit([call_target(1, lost), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "'redun_testing_lost'" in str(bad.error)
        assert "/nowhere/special" in str(bad.error)

    @pytest.mark.usefixtures("python_path")
    @pytest.mark.parametrize("statement", ["raise ValueError('half-written')", "raise SystemExit('half-written')"])
    def test_a_module_that_raises_at_import_fails_its_own_call_only(
        self, running: Executor, sink: RecordingSink, tmp_path: Path, statement: str
    ) -> None:
        if not self.shares_filesystem:
            pytest.skip("a module written here is not seen by tasks")
        (tmp_path / "redun_testing_raises.py").write_text(statement)
        broken = TaskTarget("raises.task", b"", "redun_testing_raises", (str(tmp_path),))
        running.submit([call_target(1, broken), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "'redun_testing_raises'" in str(bad.error)
        assert "half-written" in str(bad.error)

    def test_other_code_than_the_scheduler_has_is_not_run(self, running: Executor, sink: RecordingSink) -> None:
        if running.capabilities.in_process:
            pytest.skip("this executor runs the scheduler's own code")
        target = make_target(tasks.add)
        changed = TaskTarget(target.full_name, b"another hash 1234567", target.load_module, ())
        running.submit([call_target(1, changed, 1), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "was changed while the workflow ran" in str(bad.error)

    # What is not declared.

    def test_an_async_task_fails_where_it_is_not_supported(self, running: Executor, sink: RecordingSink) -> None:
        if running.capabilities.async_tasks:
            pytest.skip("this executor runs async tasks")
        running.submit([make_call(1, tasks.add_async, 1), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "redun_testing.add_async is an async task" in str(bad.error)

    def test_a_script_fails_where_it_is_not_supported(self, running: Executor, sink: RecordingSink) -> None:
        if running.capabilities.scripts:
            pytest.skip("this executor runs scripts")
        running.submit([make_call(1, tasks.script, "echo hello"), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "redun_testing.script is a script task" in str(bad.error)
