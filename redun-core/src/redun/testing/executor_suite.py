"""The rules of the executor interface, as tests that any executor can run."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from redun.errors import ExecutorError
from redun.executors.base import ExecutorContext, TaskTarget
from redun.testing import tasks
from redun.testing.recording_sink import End, RecordingSink
from redun.testing.task_calls import Meeting, call_target, make_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redun.executors.base import Executor
    from redun.task import Task

LARGE_BATCH = 1000


class ExecutorSuite:
    """Subclass it and override the fixture `executor`.

    The executor must have at least one slot and, for the tests of cancelling, less than 50.
    """

    shares_filesystem = True
    """Tasks see the local filesystem. Otherwise the tests that hold a task by a named pipe are skipped."""
    submit_waits = False
    """`submit` returns only when its calls have ended. Only the inline executor may say so."""

    @pytest.fixture
    def executor(self) -> Executor:
        """The executor under test, not started."""
        raise NotImplementedError("override the fixture `executor`")

    @pytest.fixture
    def sink(self) -> RecordingSink:
        """Where the executor under test reports."""
        return RecordingSink()

    @pytest.fixture
    def context(self, tmp_path: Path) -> ExecutorContext:
        """The surroundings of the executor under test."""
        return ExecutorContext(tmp_path, "suite", "project", tmp_path / "scratch", logging.getLogger("redun.testing"))

    @pytest.fixture
    def running(self, executor: Executor, context: ExecutorContext, sink: RecordingSink) -> Iterator[Executor]:
        """The executor under test, started; stopped after the test."""
        executor.start(context, sink)
        yield executor
        executor.stop()

    @pytest.fixture
    def meetings(self, tmp_path: Path, running: Executor) -> list[Meeting]:
        """Enough meetings to fill the executor with calls that run until they are let go."""
        if self.submit_waits or not self.shares_filesystem:
            pytest.skip("cannot hold a task of this executor")
        return [Meeting(tmp_path, str(number)) for number in range(running.slots or 1)]

    # Outcomes.

    def test_a_call_is_done_with_what_its_task_returns(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.add, 20, b=22)])
        assert sink.wait([1])[0] == ("done", 42, None, None)

    def test_none_is_a_result(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.echo, None)])
        assert sink.wait([1])[0] == ("done", None, None, None)

    def test_a_call_fails_with_the_error_that_its_task_raises(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail, "no luck")])
        end = sink.wait([1])[0]
        assert end.kind == "failed"
        assert type(end.error) is tasks.PlainError
        assert str(end.error) == "no luck"

    def test_a_failure_says_where_it_happened(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail, "no luck")])
        assert "raise PlainError(message)" in _traceback_text(sink.wait([1])[0])

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

    # Batches.

    def test_an_empty_batch_is_nothing(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([])
        running.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        assert list(sink.ends) == [1]

    def test_every_call_of_a_large_batch_ends_once(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(number, tasks.add, number) for number in range(LARGE_BATCH)])
        ends = sink.wait(range(LARGE_BATCH))
        assert [end.value for end in ends] == [number + 1 for number in range(LARGE_BATCH)]

    def test_many_small_batches_are_like_a_large_one(self, running: Executor, sink: RecordingSink) -> None:
        for number in range(100):
            running.submit([make_call(number, tasks.add, number)])
        assert [end.value for end in sink.wait(range(100))] == [number + 1 for number in range(100)]

    def test_several_threads_may_submit_at_once(self, running: Executor, sink: RecordingSink) -> None:
        def submit(first: int) -> None:
            for number in range(first, first + 50):
                running.submit([make_call(number, tasks.add, number)])

        threads = [threading.Thread(target=submit, args=(first,)) for first in range(0, 200, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [end.value for end in sink.wait(range(200))] == [number + 1 for number in range(200)]

    def test_a_call_of_an_unknown_task_fails_alone(self, running: Executor, sink: RecordingSink) -> None:
        nobody = TaskTarget("redun_testing.nobody", b"", "redun.testing.tasks", ())
        running.submit([make_call(1, tasks.add, 1), call_target(2, nobody), make_call(3, tasks.add, 3)])
        first, bad, last = sink.wait([1, 2, 3])
        assert (first.value, last.value) == (2, 4)
        assert isinstance(bad.error, ExecutorError)
        assert "redun_testing.nobody is not defined by module 'redun.testing.tasks'" in str(bad.error)

    def test_a_call_whose_module_cannot_be_imported_fails_alone(self, running: Executor, sink: RecordingSink) -> None:
        lost = TaskTarget("lost.work", b"", "redun_testing_lost", ("/nowhere/special",))
        running.submit([call_target(1, lost), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)
        assert "'redun_testing_lost'" in str(bad.error)
        assert "/nowhere/special" in str(bad.error)
        _forget_import_path("/nowhere/special")

    # Values that do not travel.

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
        assert f"in {task.name}" in _traceback_text(end)

    # Speed and order.

    def test_submit_does_not_wait_for_the_calls(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        running.submit([meetings[0].call(1)])
        assert not sink.ends
        meetings[0].wait_until_started()
        meetings[0].let_go("late")
        assert sink.wait([1])[0].value == "late"

    def test_calls_run_side_by_side(self, running: Executor, sink: RecordingSink, meetings: list[Meeting]) -> None:
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        for meeting in reversed(meetings):
            meeting.let_go()
        assert {end.value for end in sink.wait(range(len(meetings)))} == {"released"}

    def test_no_more_calls_run_than_there_are_slots(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        slots = len(meetings)
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        running.submit([make_call(slots, tasks.add, 1)])
        for meeting in meetings:
            meeting.wait_until_started()
        assert slots not in sink.ends
        meetings[0].let_go()
        assert sink.wait([slots])[0].value == 2
        for meeting in meetings[1:]:
            meeting.let_go()
        sink.wait(range(slots))

    # Cancelling.

    def test_a_call_that_waits_can_be_cancelled(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        running.submit([make_call(100, tasks.add, 1), make_call(101, tasks.add, 1)])
        for meeting in meetings:
            meeting.wait_until_started()
        running.cancel([100])
        assert sink.wait([100])[0].kind == "cancelled"
        for meeting in meetings:
            meeting.let_go()
        ends = sink.wait([*range(len(meetings)), 101])
        assert {end.kind for end in ends} == {"done"}

    def test_a_call_that_runs_can_be_cancelled(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if not running.capabilities.cancel:
            pytest.skip("this executor cannot stop what runs")
        running.submit([meetings[0].call(1)])
        meetings[0].wait_until_started()
        running.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
        running.submit([make_call(2, tasks.add, 1)])
        assert sink.wait([2])[0].value == 2

    def test_cancelling_what_is_over_or_unknown_is_nothing(self, running: Executor, sink: RecordingSink) -> None:
        running.cancel([5])
        running.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        running.cancel([1, 77])
        running.submit([make_call(2, tasks.add, 1)])
        assert [end.kind for end in sink.wait([1, 2])] == ["done", "done"]
        assert sorted(sink.ends) == [1, 2]

    def test_a_call_submitted_right_after_a_cancel_is_not_lost(self, running: Executor, sink: RecordingSink) -> None:
        for number in range(50):
            running.submit([make_call(number, tasks.add, number)])
            running.cancel([1000])
        assert {end.kind for end in sink.wait(range(50))} == {"done"}

    # Starting and stopping.

    def test_calls_before_start_are_refused(self, executor: Executor) -> None:
        with pytest.raises(ExecutorError, match="before it was started"):
            executor.submit([make_call(1, tasks.add, 1)])

    def test_stopping_an_idle_executor_twice_is_fine(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.stop()
        executor.start(context, sink)
        executor.stop()
        executor.stop()

    def test_a_stopped_executor_can_be_started_again(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.start(context, sink)
        executor.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        executor.stop()
        second = RecordingSink()
        executor.start(context, second)
        executor.submit([make_call(2, tasks.add, 2)])
        assert second.wait([2])[0].value == 3
        executor.stop()
        assert list(sink.ends) == [1]

    def test_stop_ends_what_waits_and_what_it_does_not_abandon(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if not running.capabilities.abandons_running:
            pytest.skip("this executor waits for what runs")
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        running.submit([make_call(100, tasks.add, 1)])
        for meeting in meetings:
            meeting.wait_until_started()
        running.stop()
        assert sink.wait([100])[0].kind == "cancelled"
        assert {end.kind for ends in sink.ends.values() for end in ends} == {"cancelled"}
        if not running.capabilities.cancel:
            for meeting in meetings:
                meeting.let_go()


def _traceback_text(end: End) -> str:
    """The traceback that a user would see: the one that came along, or that of the error."""
    assert end.error is not None
    return end.traceback or "".join(traceback.format_exception(end.error))


def _forget_import_path(path: str) -> None:
    """Undo what an executor in this process did to find a module."""
    while path in sys.path:
        sys.path.remove(path)
