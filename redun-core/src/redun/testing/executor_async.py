"""Async tasks, and what they await, for executors that declare them."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from redun.errors import ExecutorError
from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures, traceback_text
from redun.testing.task_calls import make_call, within

if TYPE_CHECKING:
    from pathlib import Path

    from redun.executors.base import Executor
    from redun.testing.recording_sink import RecordingSink

MANY = 1000


class AsyncTasks(ExecutorFixtures):
    """Coroutines run beside each other, and get values for the expressions that they await."""

    @pytest.fixture
    def awaiting(self, running: Executor) -> Executor:
        """The executor under test, if it runs async tasks."""
        if not running.capabilities.async_tasks:
            pytest.skip("this executor does not run async tasks")
        return running

    def test_an_async_call_is_done_with_what_its_task_returns(self, awaiting: Executor, sink: RecordingSink) -> None:
        awaiting.submit([make_call(1, tasks.add_async, 1), make_call(2, tasks.add, 2)])
        assert [end.value for end in sink.wait([1, 2])] == [2, 3]

    def test_an_async_call_fails_with_the_error_that_its_task_raises(
        self, awaiting: Executor, sink: RecordingSink
    ) -> None:
        awaiting.submit([make_call(1, tasks.fail_async, "no luck")])
        end = sink.wait([1])[0]
        assert type(end.error) is tasks.PlainError
        assert "raise PlainError(message)" in traceback_text(end)

    @pytest.mark.parametrize("kind", sorted(tasks.RAISED))
    def test_an_unusual_error_of_an_async_task_fails_its_own_call_only(
        self, awaiting: Executor, sink: RecordingSink, kind: str
    ) -> None:
        awaiting.submit([make_call(1, tasks.raise_kind_async, kind), make_call(2, tasks.add_async, 1)])
        bad, good = sink.wait([1, 2])
        assert (bad.kind, good.value) == ("failed", 2)
        awaiting.submit([make_call(3, tasks.add_async, 2)])
        assert sink.wait([3])[0].value == 3

    def test_an_async_task_that_exits_fails_its_own_call_only(self, awaiting: Executor, sink: RecordingSink) -> None:
        awaiting.submit([make_call(1, tasks.leave_async, 3), make_call(2, tasks.add_async, 1)])
        left, plain = sink.wait([1, 2])
        assert isinstance(left.error, ExecutorError)
        assert "redun_testing.leave_async called sys.exit(3)" in str(left.error)
        assert plain.value == 2

    def test_an_awaited_expression_has_its_value(self, awaiting: Executor, sink: RecordingSink) -> None:
        awaiting.submit([make_call(7, tasks.await_sum, 1)])
        assert sink.wait([7])[0].value == 2 + 112
        assert [question.job_id for question in sink.questions] == [7, 7]

    def test_several_expressions_are_awaited_at_once(self, awaiting: Executor, sink: RecordingSink) -> None:
        sink.hold_answers()
        awaiting.submit([make_call(1, tasks.await_all, 20)])
        sink.wait_for_questions(20)
        assert not sink.ends
        sink.release_answers()
        assert sink.wait([1])[0].value == list(range(1, 21))

    def test_an_error_of_what_is_awaited_is_raised_where_it_is_awaited(
        self, awaiting: Executor, sink: RecordingSink
    ) -> None:
        awaiting.submit([make_call(1, tasks.await_failure, "no luck"), make_call(2, tasks.pass_failure, "no luck")])
        caught, passed = sink.wait([1, 2])
        assert caught.value == "caught no luck"
        assert type(passed.error) is tasks.PlainError

    def test_calls_that_await_do_not_block_each_other_or_a_slot(self, awaiting: Executor, sink: RecordingSink) -> None:
        sink.hold_answers()
        self.submit(awaiting, [make_call(number, tasks.await_sum, number) for number in range(MANY)])
        sink.wait_for_questions(MANY)
        awaiting.submit([make_call(MANY, tasks.add, 1), make_call(MANY + 1, tasks.add_async, 1)])
        assert [end.value for end in sink.wait([MANY, MANY + 1])] == [2, 2]
        sink.release_answers()
        assert [end.value for end in sink.wait(range(MANY))] == [2 * number + 112 for number in range(MANY)]

    def test_a_call_that_awaits_can_be_cancelled(self, awaiting: Executor, sink: RecordingSink) -> None:
        sink.hold_answers()
        awaiting.submit([make_call(1, tasks.await_sum, 1), make_call(2, tasks.await_sum, 2)])
        sink.wait_for_questions(2)
        awaiting.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
        sink.release_answers()
        assert sink.wait([2])[0].value == 116

    def test_a_call_can_be_cancelled_before_it_begins(self, awaiting: Executor, sink: RecordingSink) -> None:
        for number in range(100):
            awaiting.submit([make_call(number, tasks.wait_for_ever, "/nowhere/note")])
            awaiting.cancel([number])
        assert {end.kind for end in sink.wait(range(100))} == {"cancelled"}

    def test_a_call_that_goes_on_after_being_cancelled_ends_once(self, awaiting: Executor, sink: RecordingSink) -> None:
        sink.hold_answers()
        awaiting.submit([make_call(1, tasks.resist)])
        sink.wait_for_questions(1)
        awaiting.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
        sink.release_answers()

    def test_stop_lets_async_tasks_clean_up(self, awaiting: Executor, sink: RecordingSink, tmp_path: Path) -> None:
        if not self.shares_filesystem or not awaiting.capabilities.abandons_running:
            pytest.skip("nothing is cleaned up where the test can see it")
        note = tmp_path / "note"
        awaiting.submit([make_call(1, tasks.wait_for_ever, str(note))])
        awaiting.submit([make_call(2, tasks.add_async, 1)])
        sink.wait([2])
        within(self.wait_seconds, "the end of the executor", awaiting.stop)
        sink.close()
        assert note.read_text() == "cleaned up"
