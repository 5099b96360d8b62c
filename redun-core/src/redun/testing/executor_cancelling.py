"""Cancelling calls that wait, run or are over."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures
from redun.testing.task_calls import is_over, make_call, within

if TYPE_CHECKING:
    from redun.executors.base import Executor
    from redun.testing.recording_sink import RecordingSink
    from redun.testing.task_calls import Meeting


class Cancelling(ExecutorFixtures):
    """Cancelled or not, a call ends once, and no other call suffers."""

    def test_a_call_that_waits_can_be_cancelled(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if running.slots is None:
            pytest.skip("no call of this executor ever waits")
        self.fill(running, meetings)
        running.submit([make_call(100, tasks.add, 1), make_call(101, tasks.add, 1)])
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
        self.fill(running, meetings)
        held = meetings[0].hold()
        try:
            running.cancel([0])
            assert sink.wait([0])[0].kind == "cancelled"
            assert is_over(held), "the task runs on"
        finally:
            os.close(held)
        running.submit([make_call(100, tasks.add, 1)])
        assert sink.wait([100])[0].value == 2
        for meeting in meetings[1:]:
            meeting.let_go()
        assert {end.kind for end in sink.wait(range(1, len(meetings)))} <= {"done"}

    def test_a_call_that_cannot_be_stopped_still_ends(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if running.capabilities.cancel:
            pytest.skip("this executor stops what runs")
        self.fill(running, meetings)
        running.cancel([0])
        for meeting in meetings:
            meeting.let_go()
        assert sink.wait([0])[0].kind in {"done", "cancelled"}
        assert {end.kind for end in sink.wait(range(1, len(meetings)))} <= {"done"}
        running.submit([make_call(100, tasks.add, 1)])
        assert sink.wait([100])[0].value == 2

    def test_everything_can_be_cancelled_at_once_and_again(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        self.fill(running, meetings)
        waiting = range(100, 100 + self.many_calls // 10)
        running.submit([make_call(number, tasks.add, 1) for number in waiting])
        everything = [*range(len(meetings)), *waiting]
        running.cancel(everything)
        running.cancel(everything)
        if not running.capabilities.cancel:
            for meeting in meetings:
                meeting.let_go()
        kinds = [end.kind for end in sink.wait(everything)]
        if running.capabilities.cancel:
            assert kinds[: len(meetings)] == ["cancelled"] * len(meetings)
        if running.slots is not None:
            assert set(kinds[len(meetings) :]) == {"cancelled"}
        running.submit([make_call(5000, tasks.add, 1)])
        assert sink.wait([5000])[0].value == 2

    def test_cancelling_what_is_over_or_unknown_is_nothing(self, running: Executor, sink: RecordingSink) -> None:
        running.cancel([])
        running.cancel([5])
        running.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        running.cancel([1, 77])
        running.submit([make_call(2, tasks.add, 1)])
        assert [end.kind for end in sink.wait([1, 2])] == ["done", "done"]
        assert sorted(sink.ends) == [1, 2]

    def test_a_call_submitted_right_after_a_cancel_is_not_lost(self, running: Executor, sink: RecordingSink) -> None:
        count = self.many_calls // 20
        for number in range(count):
            running.submit([make_call(number, tasks.add, number)])
            running.cancel([self.many_calls])
        assert {end.kind for end in sink.wait(range(count))} == {"done"}

    def test_cancelling_races_with_ending(self, running: Executor, sink: RecordingSink) -> None:
        """Whoever wins, every call ends once."""
        count = self.many_calls // 5

        def cancel() -> None:
            for number in range(count):
                running.cancel([number])

        racer = threading.Thread(target=cancel)
        racer.start()
        for number in range(count):
            running.submit([make_call(number, tasks.add, number)])
        racer.join()
        assert {end.kind for end in sink.wait(range(count))} <= {"done", "cancelled"}

    def test_cancel_does_not_wait(self, running: Executor, sink: RecordingSink, meetings: list[Meeting]) -> None:
        self.fill(running, meetings)
        within(self.wait_seconds, "the return of cancel", lambda: running.cancel(range(len(meetings))))
        if not running.capabilities.cancel:
            for meeting in meetings:
                meeting.let_go()
        sink.wait(range(len(meetings)))

    def fill(self, running: Executor, meetings: list[Meeting]) -> None:
        """Have as many calls run as can, numbered from 0."""
        self.submit(running, [meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
