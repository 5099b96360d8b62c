"""Where a value came from, and what was done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.backends.records import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow


_FEW_JOBS, _MANY_JOBS = 20, 1000
"""How many jobs of a call are looked at for one that ran the task: first these, then so many that it takes a moment."""


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
    return [CallUse(call, newest_job(backend, call)) for call in found]


def consumers(backend: Backend, value_hash: bytes, limit: int = 20) -> list[CallUse]:
    """The calls that took this value, alone or in a container, as an argument; newest first."""
    return [
        CallUse(
            call,
            newest_job(backend, call),
            tuple(argument.name for argument in call.arguments if argument.value_hash == value_hash),
        )
        for call in backend.calls_with_argument(value_hash, limit)
    ]


def newest_job(backend: Backend, call: CallRecord) -> JobRow | None:
    """The newest job that made a call, rather than one that took its result from the cache."""
    return _newest_that_ran(backend, call.call_hash)


def _newest_that_ran(backend: Backend, call_hash: bytes) -> JobRow | None:
    jobs: list[JobRow] = []
    for limit in (_FEW_JOBS, _MANY_JOBS):
        jobs = backend.jobs_of_call(call_hash, limit)
        ran = next((job for job in jobs if job.status is not Status.CACHED), None)
        if ran is not None or len(jobs) < limit:
            return ran or (jobs[0] if jobs else None)
    return jobs[0]


def upstream_jobs(backend: Backend, call_hashes: Sequence[bytes], limit: int = 20) -> list[JobRow]:
    """The newest job that made each of these calls, for at most `limit` of them."""
    found = (_newest_that_ran(backend, call_hash) for call_hash in call_hashes[:limit])
    return [job for job in found if job is not None]
