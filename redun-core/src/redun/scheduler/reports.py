"""What executors report to a run, from any thread, and what the run's own thread makes of it."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, TagRecord
from redun.errors import SchedulerError
from redun.scheduler.awaiting import refuse
from redun.tags import check_tags

if TYPE_CHECKING:
    from redun.scheduler.run import Run

DONE, FAILED, CANCELLED, STARTED, AWAITS, TAG, BROKEN, INTERRUPT, WAKE = range(9)


class Inbox:
    """The reports to one run: a queue between the executors' threads and the run's own.

    A report is its kind, the ticket of a job, and up to two more things: the value for DONE; the error, and the
    formatted traceback or None, for FAILED; an expression, and the function that takes the answer, for AWAITS; key and
    value for TAG; an error for BROKEN.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._queue: SimpleQueue[tuple[int, int, Any, Any]] = SimpleQueue()
        self.is_empty = self._queue.empty

    def put(self, kind: int, ticket: int = 0, payload: Any = None, detail: Any = None) -> None:
        """Leave a report. From any thread, or a signal handler."""
        self._queue.put((kind, ticket, payload, detail))

    def wake(self) -> None:
        """Have the run look at what has come in otherwise. From any thread."""
        self._queue.put((WAKE, 0, None, None))

    def wait(self, seconds: float) -> bool:
        """Take one report, as soon as there is one. False if none has come in within some seconds."""
        try:
            report = self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait()
        except Empty:
            return False
        self._take(*report)
        return True

    def take_all(self) -> None:
        """Take the reports that are there."""
        get = self._queue.get_nowait
        for _ in range(self._queue.qsize()):
            self._take(*get())

    def close(self) -> None:
        """Answer those who asked for something after the end of the run."""
        while not self._queue.empty():
            kind, _, _, answer = self._queue.get()
            if kind == AWAITS:
                refuse(answer)

    def _take(self, kind: int, ticket: int, payload: Any, detail: Any) -> None:
        if kind > CANCELLED:
            self._take_news(kind, ticket, payload, detail)
            return
        run = self._run
        entry = run.dispatcher.landed(ticket)
        if entry is None:
            return
        job, host = entry
        if kind == DONE:
            run.outcomes.body_done(job, payload)
        elif kind == CANCELLED:
            run.outcomes.fail(job, SchedulerError(f"job {job.short_name} of task {job.info.fullname!r} was cancelled"))
        elif host.executor.capabilities.retries or not run.attempts.retry(job, payload):
            run.outcomes.fail(job, payload, detail)

    def _take_news(self, kind: int, ticket: int, payload: Any, detail: Any) -> None:
        """Take a report that ends no call."""
        run = self._run
        if kind == STARTED:
            run.attempts.started(ticket)
        elif kind == AWAITS:
            run.awaiting.ask(ticket, payload, detail)
        elif kind == TAG:
            self._tag(run.job_name(ticket), payload, detail)
        elif kind == INTERRUPT:
            run.interrupts.strike()
        elif kind == BROKEN:
            raise payload

    def _tag(self, job_name: str, key: Any, value: Any) -> None:
        try:
            tags = check_tags([(key, value)])
        except ValueError as error:
            self._run.logger.warning("Job %s: an executor's tag is left out: %s", job_name, error)
            return
        for tag in tags:
            self._run.recorder.tag(TagRecord(EntityKind.JOB, job_name, *tag))
