"""The jobs above jobs, and the calls above calls whose jobs are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.provenance.derivation import newest_job
from redun.provenance.namers import Namers

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow


class Place(NamedTuple):
    """A call in whose code something happened, as far as that is recorded."""

    job: JobRow | None
    """None where it is not in this repository: it was removed, or not copied."""
    call: CallRecord | None
    """None where it is not recorded, as for a job that has not ended."""
    is_outside: bool = False
    """Whether it is no call at all, but whoever began the execution."""

    @property
    def is_known(self) -> bool:
        """Whether anything at all is."""
        return self.is_outside or self.job is not None or self.call is not None


NOWHERE = Place(None, None)
OUTSIDE = Place(None, None, is_outside=True)


class Parents:
    """The jobs above jobs, with their calls; each is read once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[tuple[str, int], tuple[JobRow | None, CallRecord | None]] = {}
        self.namers = Namers(backend)

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

    def above(self, place: Place) -> Place:
        """What is above a call, also where its job is gone: then one of the calls that made it, if any is stored."""
        if place.job is not None:
            if place.job.parent is None:
                return OUTSIDE
            parent, call = self.of(place.job)
            if parent is not None:
                return Place(parent, call)
        above = None if place.call is None else self.namers.above(place.call)
        return NOWHERE if above is None else Place(newest_job(self._backend, above), above)
