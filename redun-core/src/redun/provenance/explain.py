"""Why a job ran, or why it did not have to: the exact difference from the nearest earlier call.

Everything is told from what is recorded. Where that cannot tell, the explanation says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, Status
from redun.provenance.again import reasons_to_run_again
from redun.provenance.causes import Differences, summary
from redun.provenance.changes import code_change
from redun.provenance.earlier import same_before
from redun.provenance.from_cache import explain_cached
from redun.provenance.liveness import LOST, JobStatuses
from redun.provenance.nearest import nearest_call
from redun.provenance.reasons import Explanation, Reason, ReasonKind, named

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_MOST_CHILDREN = 1000
FAILED_ATTEMPT = "redun.failed_attempt"
"""Key of the tag that a job has for each attempt after which it was tried again."""


def explain(backend: Backend, job: JobRow) -> Explanation:
    """Say why a job ran, or why an earlier result was used.

    Asks a bounded number of indexed questions, whatever the size of the repository, and loads no values but to preview
    them.
    """
    call = backend.call(job.call_hash) if job.call_hash is not None else None
    if job.status is Status.CACHED:
        explanation = explain_cached(backend, job, call)
    elif call is None:
        explanation = _not_ended(backend, job)
    elif not job.executor and job.status is Status.FAILED:
        explanation = _never_ran(backend, job, call)
    else:
        explanation = _ran(backend, job, call)
    return _with_attempts(backend, explanation)


# -- what ran ---------------------------------------------------------------------------------------------------------


def _ran(backend: Backend, job: JobRow, call: CallRecord) -> Explanation:
    earlier = same_before(backend, job)
    if earlier:
        reasons = reasons_to_run_again(backend, job, call, earlier)
        other: JobRow | None = earlier[0].job
    else:
        nearest = nearest_call(backend, job, call)
        reasons = Differences(backend).of(job, call, nearest)
        other = nearest.job if nearest is not None else None
    notes = _failure_notes(backend, job) if job.status is Status.FAILED else ()
    return Explanation(job, call, summary(reasons), tuple(reasons), other, notes)


# -- what did not come to its end -------------------------------------------------------------------------------------


def _not_ended(backend: Backend, job: JobRow) -> Explanation:
    is_lost = JobStatuses(backend).of(job) == LOST
    state = "was cancelled" if job.status is Status.CANCELLED else "has not ended"
    if is_lost:
        state = "was lost with its process, which went without a word"
    text = f"the job {state}, and what it was called with is recorded at its end"
    reasons = [Reason(ReasonKind.NOT_ENDED, text)]
    same = same_before(backend, job)
    if same:
        reasons.append(Reason(ReasonKind.UNKNOWN, f"the same call was made before, by {named(same[0].job)}"))
        return Explanation(job, None, text, tuple(reasons), same[0].job)
    nearest = nearest_call(backend, job, None)
    if nearest is None:
        reasons.append(Reason(ReasonKind.FIRST_CALL, f"no earlier call of {job.task_name} is recorded"))
        return Explanation(job, None, text, tuple(reasons))
    code = code_change(backend, nearest.call.task_hash, job.task_hash)
    if code is not None:
        said = f"the code of {job.task_name} differs from that of {named(nearest.job)}"
        reasons.append(Reason(ReasonKind.CODE, said, code.lines or (code.note,), code=code))
    else:
        said = f"the code is that of {named(nearest.job)}, so an argument must differ from all earlier calls"
        reasons.append(Reason(ReasonKind.UNKNOWN, said))
    return Explanation(job, None, text, tuple(reasons), nearest.job)


def _never_ran(backend: Backend, job: JobRow, call: CallRecord) -> Explanation:
    """A job that failed, but was never sent to an executor."""
    here = backend.jobs_of_call_before(call.call_hash, job.execution_id, job.number, limit=1)
    if here and here[0].execution_id == job.execution_id:
        text = f"the same call had failed in this execution, by {named(here[0])}"
        return Explanation(job, call, text, (Reason(ReasonKind.SHARED, text),), here[0])
    notes = _failure_notes(backend, job)
    if notes:
        text = "what its body returned is known from before, and a call in that failed"
        return Explanation(job, call, text, (Reason(ReasonKind.FAILED_BELOW, text, notes),))
    text = "its body never ran: the call could not be made, for the error that is its outcome"
    return Explanation(job, call, text, (Reason(ReasonKind.NOT_MADE, text),))


def _failure_notes(backend: Backend, job: JobRow) -> tuple[str, ...]:
    rows = backend.jobs(job.execution_id, parent=job.number, limit=_MOST_CHILDREN) if job.child_count else []
    failed = next((row for row in rows if row.status is Status.FAILED), None)
    return () if failed is None else (f"{named(failed)} below it failed",)


def _with_attempts(backend: Backend, explanation: Explanation) -> Explanation:
    job = explanation.job
    if job.attempt <= 1:
        return explanation
    name = f"{job.execution_id}.{job.number}"
    tags = [tag.value for tag in backend.tags(EntityKind.JOB, [name]).get(name, ()) if tag.key == FAILED_ATTEMPT]
    lines = tuple(f"attempt {each.get('attempt')}: {each.get('error')}" for each in tags if isinstance(each, dict))
    text = f"this is the outcome of attempt {job.attempt}, after failures"
    reason = Reason(ReasonKind.RETRIED, text, lines)
    return Explanation(
        job,
        explanation.call,
        explanation.summary,
        (*explanation.reasons, reason),
        explanation.earlier,
        explanation.notes,
    )
