"""Where a value came from, and what was done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow


class CallUse(NamedTuple):
    """A call that made or took a value, with the newest job that made the call, if it is known.

    That is one that ran the task, as far as there is one: those that took its result from the cache made nothing.
    """

    call: CallRecord
    job: JobRow | None
    argument_names: tuple[str, ...] = ()
    """Of a call that took the value: the parameters it was given to."""


def producers(backend: Backend, value_hash: bytes, limit: int = 20) -> list[CallUse]:
    """The calls whose result is, or holds, this value; newest first. Of a file only those that made it."""
    from redun.provenance.making import makers

    links = backend.value_links([value_hash])
    is_file = value_hash in links and links[value_hash].path is not None
    found = makers(backend, value_hash)[:limit] if is_file else backend.calls_with_result(value_hash, limit)
    jobs = NewestJobs(backend)
    jobs.read(found)
    return [CallUse(call, jobs.of(call)) for call in found]


def consumers(backend: Backend, value_hash: bytes, limit: int = 20) -> list[CallUse]:
    """The calls that took this value, alone or in a container, as an argument; newest first."""
    found = backend.calls_with_argument(value_hash, limit)
    jobs = NewestJobs(backend)
    jobs.read(found)
    return [
        CallUse(
            call,
            jobs.of(call),
            tuple(argument.name for argument in call.arguments if argument.value_hash == value_hash),
        )
        for call in found
    ]


def newest_job(backend: Backend, call: CallRecord) -> JobRow | None:
    """The newest job that made a call, rather than one that took its result from the cache."""
    return backend.newest_jobs_of_calls([call.call_hash]).get(call.call_hash)


class NewestJobs:
    """The newest job of each call, as `newest_job` tells it. Each is asked for once, many of them with one question."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[bytes, JobRow | None] = {}

    def read(self, calls: Iterable[CallRecord]) -> None:
        """Have the jobs of these calls ready."""
        missing = [each for each in dict.fromkeys(call.call_hash for call in calls) if each not in self._known]
        if missing:
            found = self._backend.newest_jobs_of_calls(missing)
            self._known.update((each, found.get(each)) for each in missing)

    def of(self, call: CallRecord) -> JobRow | None:
        """The newest job that made a call, if there is one."""
        self.read([call])
        return self._known[call.call_hash]


def upstream_jobs(backend: Backend, call_hashes: Sequence[bytes], limit: int = 20) -> list[JobRow]:
    """The newest job that made each of these calls, for at most `limit` of them."""
    wanted = call_hashes[:limit]
    found = backend.newest_jobs_of_calls(wanted) if wanted else {}
    return [found[each] for each in wanted if each in found]
