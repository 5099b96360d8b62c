"""Limits: resources of which calls take some while their bodies run."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING

from redun.errors import SchedulerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.scheduler.job import Job

Request = tuple[tuple[str, int], ...]


class Limits:
    """Gives out what there is of each limit. A limit that nobody has declared has a capacity of 1.

    Those that must wait are served in order, except that a later call overtakes an earlier one that needs more than
    there is. Calls with the same request wait in one queue, so that looking for the next costs as much as there are
    different requests.
    """

    def __init__(self, capacities: Mapping[str, int]) -> None:
        self._capacities = capacities
        self._used: dict[str, int] = {}
        self._queues: dict[Request, deque[tuple[int, Job]]] = {}
        self._order = itertools.count()
        self._waiting = 0

    @property
    def used(self) -> Mapping[str, int]:
        """How much of each is taken."""
        return self._used

    def __len__(self) -> int:
        """How many calls wait."""
        return self._waiting

    def check(self, job: Job) -> None:
        """Raise `SchedulerError` for a request that can never be met."""
        for name, count in job.options.limits:
            if count > self._capacity(name):
                raise SchedulerError(
                    f"task {job.info.fullname!r} needs {count} of the limit {name!r}, "
                    f"whose capacity is {self._capacity(name)}: raise it in [limits], or ask for less"
                )

    def take(self, job: Job) -> bool:
        """Take what a job needs, if all of it is there."""
        if not self._has(job.options.limits):
            return False
        for name, count in job.options.limits:
            self._used[name] = self._used.get(name, 0) + count
        job.holds_limits = True
        return True

    def wait(self, job: Job) -> None:
        """Have a job wait until `release` serves it."""
        self._queues.setdefault(job.options.limits, deque()).append((next(self._order), job))
        self._waiting += 1

    def release(self, job: Job) -> list[Job]:
        """Give back what a job holds, and return the waiting jobs that now hold what they need."""
        for name, count in job.options.limits:
            self._used[name] -= count
        job.holds_limits = False
        served = []
        while self._waiting:
            ready = [(queue[0][0], request) for request, queue in self._queues.items() if self._has(request)]
            if not ready:
                break
            served.append(self._serve(min(ready)[1]))
        return served

    def _serve(self, request: Request) -> Job:
        queue = self._queues[request]
        _, job = queue.popleft()
        if not queue:
            del self._queues[request]
        self._waiting -= 1
        self.take(job)
        return job

    def _has(self, request: Request) -> bool:
        return all(self._used.get(name, 0) + count <= self._capacity(name) for name, count in request)

    def _capacity(self, name: str) -> int:
        return self._capacities.get(name, 1)
