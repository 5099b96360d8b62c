"""Starting, stopping, and what an executor leaves behind."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from redun.errors import ExecutorError
from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import make_call, within

if TYPE_CHECKING:
    from redun.executors.base import Executor, ExecutorContext
    from redun.testing.task_calls import Meeting


class Life(ExecutorFixtures):
    """`start` and `stop` frame a run, any number of times."""

    def test_calls_before_start_are_refused(self, executor: Executor) -> None:
        with pytest.raises(ExecutorError, match="before it was started"):
            executor.submit([make_call(1, tasks.add, 1)])

    def test_calls_after_stop_are_refused(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.start(context, sink)
        executor.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        executor.stop()
        with pytest.raises(ExecutorError, match="after it was stopped"):
            executor.submit([make_call(2, tasks.add, 1)])
        assert list(sink.ends) == [1]

    def test_stopping_an_idle_executor_twice_is_fine(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.stop()
        executor.start(context, sink)
        executor.stop()
        executor.stop()

    def test_cancelling_before_start_and_after_stop_is_nothing(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.cancel([1])
        executor.start(context, sink)
        executor.stop()
        executor.cancel([1])
        assert not sink.ends

    def test_a_stopped_executor_can_be_started_again(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        executor.start(context, sink)
        executor.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        executor.stop()
        second = RecordingSink(self.wait_seconds)
        executor.start(context, second)
        executor.submit([make_call(2, tasks.add, 2)])
        assert second.wait([2])[0].value == 3
        executor.stop()
        assert list(sink.ends) == [1]

    def test_starting_an_executor_runs_nothing_yet(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        """Heavy things are made at the first call: many executors of a configuration are never used."""
        threads = threading.active_count()
        executor.start(context, sink)
        assert threading.active_count() == threads
        executor.stop()

    # Stopping while calls wait and run.

    def test_stop_ends_what_waits_and_abandons_or_ends_what_runs(
        self, running: Executor, sink: RecordingSink, meetings: list[Meeting]
    ) -> None:
        if not running.capabilities.abandons_running:
            pytest.skip("this executor waits for what runs")
        others = set(threading.enumerate())
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        running.submit([make_call(100, tasks.add, 1)])
        if running.slots is None:
            sink.wait([100])
        workers = set(threading.enumerate()) - others
        within(self.wait_seconds, "the end of the executor", running.stop)
        sink.close()
        if running.slots is not None:
            assert sink.wait([100])[0].kind == "cancelled"
        assert {end.kind for number in range(len(meetings)) for end in sink.ends.get(number, [])} <= {"cancelled"}
        if not running.capabilities.cancel:
            # Nothing is reported of what runs on: `sink` looks after the test.
            for meeting in meetings:
                meeting.let_go()
            for thread in workers:
                thread.join(self.wait_seconds)

    def test_stop_waits_for_what_runs(self, running: Executor, sink: RecordingSink, meetings: list[Meeting]) -> None:
        if running.capabilities.abandons_running:
            pytest.skip("this executor abandons what runs")
        running.submit([meeting.call(number) for number, meeting in enumerate(meetings)])
        for meeting in meetings:
            meeting.wait_until_started()
        ended_before: list[int] = []

        def stop() -> None:
            running.stop()
            ended_before.extend(sorted(sink.ends))

        stopping = threading.Thread(target=stop, daemon=True)
        stopping.start()
        for meeting in meetings:
            meeting.let_go("to its end")
        stopping.join(self.wait_seconds)
        assert not stopping.is_alive()
        assert ended_before == list(range(len(meetings))), "stop returned before what runs had ended"
        assert {end.value for end in sink.wait(range(len(meetings)))} == {"to its end"}

    def test_stopping_while_calls_come_in_ends_each_of_them_at_most_once(
        self, running: Executor, sink: RecordingSink
    ) -> None:
        if self.submit_waits:
            pytest.skip("nothing comes in while a call runs")
        running.submit([make_call(number, tasks.add, 1) for number in range(self.many_calls // 2)])
        within(self.wait_seconds, "the end of the executor", running.stop)
        sink.close()
        assert {end.kind for ends in sink.ends.values() for end in ends} <= {"done", "cancelled"}

    # What is left behind.

    def test_an_idle_executor_leaves_no_thread_behind(
        self, executor: Executor, context: ExecutorContext, sink: RecordingSink
    ) -> None:
        before = set(threading.enumerate())
        executor.start(context, sink)
        count = self.many_calls // 20
        executor.submit([make_call(number, tasks.add, number) for number in range(count)])
        sink.wait(range(count))
        executor.stop()
        for thread in set(threading.enumerate()) - before:
            thread.join(self.wait_seconds)
            assert not thread.is_alive(), f"{thread.name} runs on"

    def test_open_files_do_not_add_up(self, executor: Executor, context: ExecutorContext, sink: RecordingSink) -> None:
        opened = []
        for cycle in range(4):
            executor.start(context, sink)
            executor.submit([make_call(cycle, tasks.add, cycle)])
            sink.wait([cycle])
            executor.stop()
            opened.append(len(os.listdir("/dev/fd")))  # noqa: PTH208 - no folder like others
        assert opened[-1] <= opened[0], f"open files after each run: {opened}"

    def test_an_executor_that_cannot_go_on_says_so(self, running: Executor, sink: RecordingSink) -> None:
        self.break_executor(running)
        running.submit([make_call(1, tasks.add, 1)])
        assert isinstance(sink.wait_until_broken(), BaseException)
