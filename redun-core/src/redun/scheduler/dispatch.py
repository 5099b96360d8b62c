"""Sending calls to executors: limits, and no more in flight than an executor can chew."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redun.errors import SchedulerError
from redun.scheduler.executor_options import ExecutorOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.executors.base import Capabilities, Executor, TaskCall
    from redun.scheduler.job import Job
    from redun.scheduler.limits import Limits

UNLIMITED_WINDOW = 10_000
"""Calls in flight on an executor without a number of slots."""
MOST_WAITING = 2_000
"""Calls that wait for a slot before the run stops making more, where all tasks run on one executor."""
MOST_WAITING_OF_MANY = 50_000
"""The same where there are several: the next call may be for one that is idle."""


class Host:
    """An executor and the calls that are on it or wait for it."""

    __slots__ = ("executor", "in_flight", "is_started", "options", "waiting", "window")

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.options = ExecutorOptions(executor)
        self.waiting: deque[Job] = deque()
        self.in_flight = 0
        self.is_started = False
        slots = executor.slots
        self.window = UNLIMITED_WINDOW if slots is None else 4 * slots

    def can_stop(self, job: Job) -> bool:
        """Whether cancelling stops a call of a job that has begun to run."""
        target, capabilities = job.info.target, self.executor.capabilities
        return (
            capabilities.cancel
            or target.is_script
            or target.is_async
            or not self.executor.runs_in_process(target, job.options.values)
        )


class Dispatcher:
    """Queues calls for the executors of one run."""

    def __init__(
        self,
        find_host: Callable[[str], Host],
        start: Callable[[Host], None],
        submitted: Callable[[Job, Capabilities], None],
        roll_back: Callable[[list[Job]], None],
        limits: Limits,
        job_id_base: int,
        executor_names: set[str],
    ) -> None:
        """Make one.

        submitted: is told of each job with a time-out, after its executor was.
        executor_names: those that the workflow's tasks are known to name; others are added as they turn up.
        roll_back: is told of jobs with handles, before their executor is.
        """
        self._find_host = find_host
        self._start = start
        self._submitted = submitted
        self._roll_back = roll_back
        self._with_handles: list[Job] = []
        self._hosts: dict[str, Host] = {}
        self._busy: dict[Host, None] = {}
        self._job_id_base = job_id_base
        self.limits = limits
        self.executor_names = executor_names
        self.in_flight: dict[int, tuple[Job, Host]] = {}
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether so many calls wait that no more should be made for now."""
        waiting = self.waiting + len(self.limits)
        return waiting >= MOST_WAITING and (len(self.executor_names) < 2 or waiting >= MOST_WAITING_OF_MANY)

    def enqueue(self, job: Job) -> None:
        """Queue a call.

        Raises `SchedulerError` when the executor does not exist, or cannot run such a task.
        """
        name = job.options.executor
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = self._find_host(name)
            if name != "inline":
                self.executor_names.add(name)
        self._check(job, host)
        if job.options.limits and not job.holds_limits:
            self.limits.check(job)
            if not self.limits.take(job):
                self.limits.wait(job)
                return
        job.executor_name = name
        host.waiting.append(job)
        if job.handles:
            self._with_handles.append(job)
        self.waiting += 1
        self._busy[host] = None

    @staticmethod
    def _check(job: Job, host: Host) -> None:
        target, capabilities = job.info.target, host.executor.capabilities
        name = host.executor.name
        if target.is_async and not capabilities.async_tasks:
            raise SchedulerError(f"task {target.full_name!r} is async, which the executor {name!r} does not support")
        if target.is_script and not capabilities.scripts:
            raise SchedulerError(f"task {target.full_name!r} is a script, which the executor {name!r} does not run")
        if job.options.values:
            host.options.check(target.full_name, job.options.values)

    def submit(self, prepare: Callable[[Job, bool], TaskCall]) -> bool:
        """Hand waiting calls to their executors, as many as fit. Says whether there were any."""
        submitted = False
        if self._with_handles:
            with_handles, self._with_handles = self._with_handles, []
            self._roll_back(with_handles)
        for host in list(self._busy):
            room = host.window - host.in_flight
            waiting = host.waiting
            runs_in_process = host.executor.runs_in_process
            calls: list[TaskCall] = []
            timed: list[Job] = []
            while waiting and room > 0:
                job = waiting.popleft()
                calls.append(prepare(job, runs_in_process(job.info.target, job.options.values)))
                self.in_flight[job.ticket] = (job, host)
                if job.options.timeout is not None:
                    timed.append(job)
                room -= 1
            if not waiting:
                del self._busy[host]
            if calls:
                if not host.is_started:
                    self._start(host)
                self.waiting -= len(calls)
                host.in_flight += len(calls)
                submitted = True
                host.executor.submit(calls)
                for job in timed:
                    self._submitted(job, host.executor.capabilities)
        return submitted

    def find(self, ticket: int) -> Job | None:
        """A job that is in flight with this ticket."""
        entry = self.in_flight.get(ticket)
        return None if entry is None else entry[0]

    def landed(self, ticket: int) -> tuple[Job, Host] | None:
        """Take back a call that has ended; None if nobody waits for it any more."""
        entry = self.in_flight.pop(ticket, None)
        if entry is not None:
            job, host = entry
            if job.awaited:
                job.awaited = 0
            else:
                host.in_flight -= 1
        return entry

    def withdraw(self, job: Job) -> Host | None:
        """Have a call stopped, and wait for it no more. The executor it is on, or None if it has ended."""
        entry = self.landed(job.ticket)
        if entry is None:
            return None
        _, host = entry
        host.executor.cancel([self._job_id_base + job.ticket])
        return host

    def pause(self, ticket: int) -> Job | None:
        """A call waits for something that it awaits, and takes up no slot; None if it is not in flight."""
        entry = self.in_flight.get(ticket)
        if entry is None:
            return None
        job, host = entry
        if not job.awaited:
            host.in_flight -= 1
        job.awaited += 1
        return job

    def resume(self, ticket: int) -> None:
        """A call has something that it awaited, or has ended meanwhile."""
        entry = self.in_flight.get(ticket)
        if entry is not None:
            job, host = entry
            job.awaited -= 1
            if not job.awaited:
                host.in_flight += 1

    def cancel_all(self) -> None:
        """Tell the executors to stop what is still in flight, and forget about it."""
        by_host: dict[Host, list[int]] = {}
        for ticket, (_, host) in self.in_flight.items():
            by_host.setdefault(host, []).append(self._job_id_base + ticket)
        self.in_flight.clear()
        for host, job_ids in by_host.items():
            host.in_flight = 0
            host.executor.cancel(job_ids)
