"""A sink that remembers what an executor reports."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class End(NamedTuple):
    """How one call ended."""

    kind: str
    """`done`, `failed` or `cancelled`."""
    value: Any = None
    error: BaseException | None = None
    traceback: str | None = None


class RecordingSink:
    """Remembers every report, and lets a test wait for reports without sleeping."""

    def __init__(self, wait_seconds: float = 60.0) -> None:
        self.wait_seconds = wait_seconds
        """How long `wait` waits before it gives up."""
        self.ends: dict[int, list[End]] = {}
        self.started_ids: list[int] = []
        self.tags: list[tuple[int, str, Any]] = []
        self.lines: list[tuple[int, str]] = []
        self.broken_by: BaseException | None = None
        self._changed = threading.Condition()

    def started(self, job_id: int) -> None:
        """Remember that the body began."""
        with self._changed:
            self.started_ids.append(job_id)

    def done(self, job_id: int, value: Any) -> None:
        """Remember the result."""
        self._end(job_id, End("done", value=value))

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:
        """Remember the error."""
        self._end(job_id, End("failed", error=error, traceback=traceback))

    def cancelled(self, job_id: int) -> None:
        """Remember that the call was cancelled."""
        self._end(job_id, End("cancelled"))

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """Remember a tag."""
        with self._changed:
            self.tags.append((job_id, key, value))

    def log(self, job_id: int, text: str) -> None:
        """Remember a line."""
        with self._changed:
            self.lines.append((job_id, text))

    def broken(self, error: BaseException) -> None:
        """Remember that the executor gave up."""
        with self._changed:
            self.broken_by = error
            self._changed.notify_all()

    def wait(self, job_ids: Iterable[int]) -> list[End]:
        """Wait until each of these calls has ended, and return how, in the same order.

        Raises `AssertionError` when that takes too long, when the executor reports itself broken, or when one of the
        calls ended more than once.
        """
        wanted = list(job_ids)
        with self._changed:
            self._changed.wait_for(lambda: self._all_ended(wanted), self.wait_seconds)
            assert self.broken_by is None, f"the executor is broken: {self.broken_by!r}"
            missing = [job_id for job_id in wanted if job_id not in self.ends]
            assert not missing, f"calls that did not end in {self.wait_seconds} seconds: {missing[:10]}"
            twice = {job_id: self.ends[job_id] for job_id in wanted if len(self.ends[job_id]) > 1}
            assert not twice, f"calls that ended more than once: {twice}"
            return [self.ends[job_id][0] for job_id in wanted]

    def _all_ended(self, job_ids: list[int]) -> bool:
        return self.broken_by is not None or all(job_id in self.ends for job_id in job_ids)

    def _end(self, job_id: int, end: End) -> None:
        with self._changed:
            self.ends.setdefault(job_id, []).append(end)
            self._changed.notify_all()
