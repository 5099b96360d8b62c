"""Which earlier jobs made the very call that a job made, or had its result from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import Status
from redun.provenance.nearest import Nearest

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_MOST_OUTCOMES = 10_000
_NEAR = 10


def same_before(backend: Backend, job: JobRow) -> list[Nearest]:
    """The earlier calls with the same code and arguments, newest first."""
    found = []
    for other in _outcomes_around(backend, job):
        rows = backend.jobs_of_call_before(other.call_hash, job.execution_id, job.number, limit=1)
        found += [Nearest(row, other) for row in rows]
    return sorted(found, key=lambda each: each.job.start_time, reverse=True)


def earlier_result(backend: Backend, job: JobRow, call: CallRecord | None) -> JobRow | None:
    """The job whose result was used: rather one that computed it than one that took it from the cache as well."""
    found: list[JobRow] = []
    if call is not None:
        found = backend.jobs_of_call_before(call.call_hash, job.execution_id, job.number)
    if not found:
        for other in _outcomes_around(backend, job):
            found += backend.jobs_of_call_before(other.call_hash, job.execution_id, job.number)
    here = [row for row in found if row.execution_id == job.execution_id]
    found = here or found
    ran = [row for row in found if row.status is Status.DONE]
    return next(iter(ran or found), None)


def _outcomes_around(backend: Backend, job: JobRow) -> list[CallRecord]:
    """The outcomes of a job's evaluation that were last seen shortly before it, and those seen since.

    What was seen since may have been seen before as well; a nightly job may have had thousands of outcomes.
    """
    calls = backend.calls_of_evaluation(job.eval_hash, _MOST_OUTCOMES)
    before = [call for call in calls if call.time <= job.start_time]
    since = [call for call in calls if call.time > job.start_time]
    return [*before[:_NEAR], *since[-_NEAR:]]
