"""Where a value came from, and what was done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow


class CallUse(NamedTuple):
    """A call that made or took a value, with the newest job that made the call, if it is known."""

    call: CallRecord
    job: JobRow | None
    argument_names: tuple[str, ...] = ()
    """Of a call that took the value: the parameters it was given to."""


def producers(backend: Backend, value_hash: bytes, limit: int = 20) -> list[CallUse]:
    """The calls whose result is, or holds, this value; newest first."""
    return [CallUse(call, newest_job(backend, call)) for call in backend.calls_with_result(value_hash, limit)]


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
    """The newest job that made a call."""
    jobs = backend.jobs_of_call(call.call_hash, limit=1)
    return jobs[0] if jobs else None


def upstream_jobs(backend: Backend, call_hashes: Sequence[bytes], limit: int = 20) -> list[JobRow]:
    """The newest job of each of these calls, for at most `limit` of them."""
    found: list[JobRow] = []
    for call_hash in call_hashes[:limit]:
        found += backend.jobs_of_call(call_hash, limit=1)
    return found
