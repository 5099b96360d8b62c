"""Asking a service that may be busy: again after a while, and slower for as long as it says that it is too much."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import ExecutorError
from redun.remote.interface import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.remote.interface import JobReport
    from redun.remote.polling import PollingExecutor

T = TypeVar("T")

FIRST_DELAY = 0.1
LONGEST_DELAY = 30.0
MOST_TRIES = 8
"""How often a request is made that fails for a reason which may pass."""


class StoppedError(ExecutorError):
    """The executor was stopped before the service had answered."""


class Asking:
    """Makes requests, from several threads, and has all of them wait while the service is asked too often.

    error_kind: what an error means.
    stopping: ends all waiting.
    """

    def __init__(self, error_kind: Callable[[Exception], ErrorKind], stopping: threading.Event) -> None:
        self._error_kind = error_kind
        self._stopping = stopping
        self._lock = threading.Lock()
        self._delay = 0.0

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        """The answer to a request.

        Raises `StoppedError`, and the error of a request that is refused or has failed too often.
        """
        failures = 0
        while True:
            if self._delay:
                self._wait(self._delay)
            if self._stopping.is_set():
                raise StoppedError("the executor was stopped")
            try:
                answer = function(*args)
            except Exception as error:
                kind = self._error_kind(error)
                if kind is ErrorKind.THROTTLED:
                    self._slow_down()
                    continue
                failures += 1
                if kind is not ErrorKind.TRANSIENT or failures >= MOST_TRIES:
                    raise
                self._wait(min(FIRST_DELAY * 2**failures, LONGEST_DELAY))
            else:
                self._speed_up()
                return answer

    def _wait(self, seconds: float) -> None:
        # Not all at the same moment.
        self._stopping.wait(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret

    def _slow_down(self) -> None:
        with self._lock:
            self._delay = min(max(2 * self._delay, FIRST_DELAY), LONGEST_DELAY)

    def _speed_up(self) -> None:
        if self._delay:
            with self._lock:
                self._delay = self._delay / 2 if self._delay > FIRST_DELAY else 0.0


def describe(executor: PollingExecutor, asking: Asking, ids: Sequence[str]) -> dict[str, JobReport]:
    """What is known of jobs, with as many requests as that takes."""
    most = executor.limits.ids_per_describe
    reports: dict[str, JobReport] = {}
    for start in range(0, len(ids), most):
        reports.update(asking.ask(executor.describe_jobs, ids[start : start + most]))
    return reports


class Pace:
    """When jobs are looked at next: soon after something has changed, and then less and less often.

    longest: seconds between two looks, at most.
    """

    _QUICKEST = 0.1
    _GROWTH = 0.2

    def __init__(self, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest
        self._clock = clock
        self._changed = clock()
        self._quickest = self._QUICKEST * longest
        self._due = self._changed

    def changed(self) -> None:
        """Something was submitted, cancelled or has ended."""
        self._changed = self._clock()
        self._due = min(self._due, self._changed + self._quickest)

    def looked(self, requests: int) -> None:
        """A look has been taken, with so many requests."""
        now = self._clock()
        # Many requests a look are as many reasons to look less often.
        self._quickest = min(self._longest, self._QUICKEST * self._longest * max(1, requests))
        self._due = now + min(self._longest, max(self._quickest, self._GROWTH * (now - self._changed)))

    @property
    def due(self) -> float:
        """When to look next."""
        return self._due
