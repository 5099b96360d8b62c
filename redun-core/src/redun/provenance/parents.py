"""The jobs above jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow


class Parents:
    """The jobs above jobs, with their calls; each is read once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[tuple[str, int], tuple[JobRow | None, CallRecord | None]] = {}

    def of(self, job: JobRow) -> tuple[JobRow | None, CallRecord | None]:
        """The job above one, and its call, as far as they are recorded."""
        if job.parent is None:
            return None, None
        key = (job.execution_id, job.parent)
        if key not in self._known:
            parent = self._backend.job(*key)
            call = None if parent is None or parent.call_hash is None else self._backend.call(parent.call_hash)
            self._known[key] = (parent, call)
        return self._known[key]
