"""Async calls on one event loop, in a thread of the scheduler's process."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from redun.executors.async_calls import start_async_call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.executors.async_calls import AsyncCall
    from redun.executors.base import JobSink, TaskCall
    from redun.expression import Expression

CLEAN_UP_SECONDS = 2.0
"""How long tasks may clean up when they are stopped, before they are abandoned."""


class EventLoop:
    """An event loop in a daemon thread. Any number of calls run on it; a task that blocks it keeps all of them."""

    def __init__(self, name: str, sink: JobSink) -> None:
        self._reports = _Reports(sink)
        self._running: dict[int, AsyncCall] = {}
        self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"redun-{name}-event-loop", daemon=True)
        self._thread.start()

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Begin these calls."""
        self._loop.call_soon_threadsafe(self._begin, tuple(calls))

    def cancel(self, job_ids: frozenset[int]) -> None:
        """Cancel those of these calls that have not ended."""
        self._loop.call_soon_threadsafe(self._cancel, job_ids)

    def stop(self) -> None:
        """Cancel all calls, let them clean up for a moment, and end the thread. A task that blocks it is abandoned."""
        self._loop.call_soon_threadsafe(self._begin_to_stop)
        self._thread.join(CLEAN_UP_SECONDS)
        self._reports.end()

    # Everything below happens in the thread.

    def _run(self) -> None:
        while not self._stopped or self._running:
            try:
                self._loop.run_forever()
            except (KeyboardInterrupt, SystemExit):
                # Raised by an asyncio task that a call has made; that one knows of it.
                continue
        self._loop.close()

    def _begin(self, calls: Sequence[TaskCall]) -> None:
        for call in calls:
            task = self._running[call.job_id] = start_async_call(call, self._reports)
            task.add_done_callback(self._ended(call.job_id))

    def _ended(self, job_id: int) -> Callable[[AsyncCall], None]:
        def forget(_call: AsyncCall) -> None:
            del self._running[job_id]
            self._end_if_idle()

        return forget

    def _cancel(self, job_ids: frozenset[int]) -> None:
        for job_id in job_ids & self._running.keys():
            self._running[job_id].cancel()

    def _begin_to_stop(self) -> None:
        self._stopped = True
        self._cancel(frozenset(self._running))
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._stopped and not self._running:
            self._loop.stop()


class _Reports:
    """Passes reports on until the executor has stopped."""

    def __init__(self, sink: JobSink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._ended = False

    def end(self) -> None:
        with self._lock:
            self._ended = True

    def started(self, job_id: int) -> None:
        with self._lock:
            if not self._ended:
                self._sink.started(job_id)

    def done(self, job_id: int, value: Any) -> None:
        with self._lock:
            if not self._ended:
                self._sink.done(job_id, value)

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:
        with self._lock:
            if not self._ended:
                self._sink.failed(job_id, error, traceback)

    def cancelled(self, job_id: int) -> None:
        with self._lock:
            if not self._ended:
                self._sink.cancelled(job_id)

    def evaluate(
        self, job_id: int, expression: Expression[Any], answer: Callable[[Any, BaseException | None], None]
    ) -> None:
        self._sink.evaluate(job_id, expression, answer)
