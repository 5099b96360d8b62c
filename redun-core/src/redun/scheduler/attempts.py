"""Trying a call again after it failed, and ending one that takes too long: what a run has to do at a later moment."""

from __future__ import annotations

import heapq
import itertools
import time
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, TagRecord
from redun.errors import JobTimeoutError, describe_error
from redun.scheduler import job as columns

if TYPE_CHECKING:
    from redun.executors.base import Capabilities
    from redun.scheduler.job import Job
    from redun.scheduler.run import Run

FAILED_ATTEMPT = "redun.failed_attempt"
"""Key of the tag that a job gets for each attempt after which it was tried again."""


class Attempts:
    """The retries and time-outs of one run.

    An executor that declares its own mechanism finds the options in its calls, and is left alone.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._order = itertools.count()
        self._timers: list[tuple[float, int, Job, int]] = []
        """When, a number to keep the order, the job, and the attempt that is timed; 0: the next one is to be begun."""
        self.retrying = 0
        """Jobs that wait for their next attempt."""

    # -- time-outs ----------------------------------------------------------------------------------------------------

    def submitted(self, job: Job, capabilities: Capabilities) -> None:
        """An attempt was handed to its executor."""
        if not capabilities.timeouts and not capabilities.reports_started:
            self.started(job.ticket)

    def started(self, ticket: int) -> None:
        """The body of a job with a time-out has begun to run."""
        job = self._run.dispatcher.find(ticket)
        if job is not None and job.options.timeout is not None:
            self._add(job.options.timeout, job, job.attempt)

    def _time_out(self, job: Job) -> None:
        host = self._run.dispatcher.withdraw(job)
        if host is None:
            return  # it has ended meanwhile
        stopped = ""
        if not host.can_stop(job):
            stopped = ". Its code cannot be stopped: it was abandoned, and goes on in its thread until it ends"
        error = JobTimeoutError(
            f"job {job.short_name} of task {job.info.fullname!r} ran longer than its job_timeout of "
            f"{job.options.timeout:g} s{stopped}"
        )
        if host.executor.capabilities.retries or not self.retry(job, error):
            self._run.outcomes.fail(job, error)

    # -- retries ------------------------------------------------------------------------------------------------------

    def retry(self, job: Job, error: BaseException) -> bool:
        """Whether a job that has failed will be tried again: then everything for that is under way."""
        policy = job.options.retries
        if policy is None or job.attempt > policy.max_retries:
            return False
        if not isinstance(error, policy.errors):
            return False
        delay = policy.delay_after(job.attempt)
        if job.holds_limits:
            self._run.calls.release(job)
        self._record(job, error)
        self._run.emit(job, "retry", f"in {delay:g} s, attempt {job.attempt} failed: {describe_error(error)}")
        job.move_to(columns.PENDING)
        if job.info.target.is_async:
            # What it awaited may be the reason.
            self._run.equal_calls.forget_failures(job)
        job.attempt += 1
        self._add(delay, job, 0)
        self.retrying += 1
        return True

    def _record(self, job: Job, error: BaseException) -> None:
        if job.options.is_recorded:
            now = time.time()
            told = {
                "attempt": job.attempt,
                "error": describe_error(error),
                "start_time": job.start_time,
                "end_time": max(now, job.start_time),
            }
            self._run.recorder.tag(TagRecord(EntityKind.JOB, job.name, FAILED_ATTEMPT, told))

    # -- timers -------------------------------------------------------------------------------------------------------

    def _add(self, delay: float, job: Job, attempt: int) -> None:
        heapq.heappush(self._timers, (time.monotonic() + delay, next(self._order), job, attempt))

    @property
    def seconds_left(self) -> float | None:
        """How long until something is due; None when nothing is planned."""
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def work_off(self) -> None:
        """Do everything that is due."""
        timers = self._timers
        while timers and timers[0][0] <= time.monotonic():
            _, _, job, attempt = heapq.heappop(timers)
            if not attempt:
                self.retrying -= 1
                self._run.calls.execute(job)
            elif job.attempt == attempt and not job.is_finished:
                self._time_out(job)
