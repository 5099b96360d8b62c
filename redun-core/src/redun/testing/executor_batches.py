"""Batches of calls: their size, their order, and who submits them when."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures
from redun.testing.task_calls import make_call

if TYPE_CHECKING:
    from redun.executors.base import Executor
    from redun.testing.recording_sink import RecordingSink
    from redun.testing.task_calls import Meeting


class Batches(ExecutorFixtures):
    """Every call ends once, however calls are submitted; `submit` does not wait for them."""

    def test_an_empty_batch_is_nothing(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([])
        running.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        assert list(sink.ends) == [1]

    def test_every_call_of_a_large_batch_ends_once(self, running: Executor, sink: RecordingSink) -> None:
        self.submit(running, [make_call(number, tasks.add, number) for number in range(self.many_calls)])
        ends = sink.wait(range(self.many_calls))
        assert [end.value for end in ends] == [number + 1 for number in range(self.many_calls)]

    def test_many_small_batches_are_like_a_large_one(self, running: Executor, sink: RecordingSink) -> None:
        count = self.many_calls // 10
        for number in range(count):
            running.submit([make_call(number, tasks.add, number)])
        assert [end.value for end in sink.wait(range(count))] == [number + 1 for number in range(count)]

    def test_a_batch_may_be_any_sequence_and_is_not_kept(self, running: Executor, sink: RecordingSink) -> None:
        running.submit(tuple(make_call(number, tasks.add, number) for number in range(5)))
        batch = [make_call(number, tasks.add, number) for number in range(5, 10)]
        running.submit(batch)
        batch.clear()
        assert [end.value for end in sink.wait(range(10))] == [number + 1 for number in range(10)]

    def test_several_threads_may_submit_at_once(self, running: Executor, sink: RecordingSink) -> None:
        share = self.many_calls // 20

        def submit(first: int) -> None:
            for number in range(first, first + share):
                running.submit([make_call(number, tasks.add, number)])

        threads = [threading.Thread(target=submit, args=(first,)) for first in range(0, 4 * share, share)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [end.value for end in sink.wait(range(4 * share))] == [number + 1 for number in range(4 * share)]

    def test_calls_may_be_submitted_while_others_end(self, running: Executor, sink: RecordingSink) -> None:
        """As the scheduler does: whenever some have ended, it submits more."""
        running.submit([make_call(number, tasks.add, number) for number in range(10)])
        count = self.many_calls * 3 // 10
        for number in range(10, count):
            sink.wait([number - 10])
            running.submit([make_call(number, tasks.add, number)])
        assert [end.value for end in sink.wait(range(count))] == [number + 1 for number in range(count)]

    def test_job_ids_are_any_numbers(self, running: Executor, sink: RecordingSink) -> None:
        job_ids = [0, 7, (1 << 40) + 1, (1 << 63) + 5, 3]
        running.submit([make_call(job_id, tasks.echo, f"job {job_id}") for job_id in job_ids])
        assert [end.value for end in sink.wait(job_ids)] == [f"job {job_id}" for job_id in job_ids]
        assert sorted(sink.ends) == sorted(job_ids)

    def test_equal_calls_are_calls_of_their_own(self, running: Executor, sink: RecordingSink) -> None:
        """Whether a result is shared is the scheduler's decision: none is kept here."""
        equal = make_call(1, tasks.add, 1)
        scopes = ["NONE", "CSE", "BACKEND", "NONE"]
        running.submit([equal._replace(job_id=number, cache_scope=scope) for number, scope in enumerate(scopes)])
        assert [end.value for end in sink.wait(range(4))] == [2, 2, 2, 2]

    def test_a_later_attempt_runs_like_the_first(self, running: Executor, sink: RecordingSink) -> None:
        running.submit([make_call(1, tasks.fail, "no luck")])
        assert sink.wait([1])[0].kind == "failed"
        running.submit([make_call(2, tasks.add, 1)._replace(attempt=3)])
        assert sink.wait([2])[0].value == 2

    # Speed and order.

    def test_submit_does_not_wait_for_the_calls(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        self.submit(running, [meetings[0].call(1)])
        assert not sink.ends
        meetings[0].wait_until_started()
        meetings[0].let_go("late")
        assert sink.wait([1])[0].value == "late"

    def test_submit_does_not_wait_for_a_free_slot(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        slots = len(meetings)
        self.submit(running, [meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        waiting = range(slots, slots + self.many_calls // 5)
        self.submit(running, [make_call(number, tasks.add, number) for number in waiting])
        for meeting in meetings:
            meeting.let_go()
        assert {end.kind for end in sink.wait([*range(slots), *waiting])} == {"done"}

    def test_calls_run_side_by_side_and_end_in_any_order(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if len(meetings) == 1:
            pytest.skip("this executor runs one call at a time")
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        for number in reversed(range(len(meetings))):
            meetings[number].let_go(f"call {number}")
            assert sink.wait([number])[0].value == f"call {number}"

    def test_no_more_calls_run_than_there_are_slots(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if running.slots is None:
            pytest.skip("this executor has no number of slots")
        slots = len(meetings)
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        running.submit([make_call(slots, tasks.add, 1)])
        assert slots not in sink.ends
        meetings[0].let_go()
        assert sink.wait([slots])[0].value == 2
        for meeting in meetings[1:]:
            meeting.let_go()
        sink.wait(range(slots))
