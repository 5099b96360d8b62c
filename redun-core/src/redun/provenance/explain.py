"""Why a job ran, or why it did not have to: the exact difference from the nearest earlier call.

Everything is told from what is recorded. Where that cannot tell, the explanation says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, Status
from redun.provenance.again import context_reason, named, reasons_to_run_again
from redun.provenance.changes import argument_changes, code_change
from redun.provenance.nearest import Nearest, nearest_call
from redun.provenance.reasons import Cause, Explanation, Reason, ReasonKind
from redun.provenance.upstream import Parents, sources_of

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow
    from redun.provenance.changes import ValueChange

_MOST_CAUSES = 3
_MOST_CHILDREN = 1000
_MOST_OUTCOMES = 10_000
_NEAR = 10
FAILED_ATTEMPT = "redun.failed_attempt"
"""Key of the tag that a job has for each attempt after which it was tried again."""


def explain(backend: Backend, job: JobRow) -> Explanation:
    """Say why a job ran, or why an earlier result was used.

    Asks a bounded number of indexed questions, whatever the size of the repository, and loads no values but to preview
    them.
    """
    call = backend.call(job.call_hash) if job.call_hash is not None else None
    if job.status is Status.CACHED:
        explanation = _cached(backend, job, call)
    elif call is None:
        explanation = _not_ended(backend, job)
    elif not job.executor and job.status is Status.FAILED:
        explanation = _never_ran(backend, job, call)
    else:
        explanation = _ran(backend, job, call)
    return _with_attempts(backend, explanation)


# -- what did not have to run -----------------------------------------------------------------------------------------


def _cached(backend: Backend, job: JobRow, call: CallRecord | None) -> Explanation:
    earlier = _earlier_result(backend, job, call)
    if earlier is None:
        text = "an earlier result was used, but the job that made it is no longer in the repository"
        return Explanation(job, call, text, (Reason(ReasonKind.CACHED, text),))
    if earlier.execution_id == job.execution_id:
        text = f"the same call had been made in this execution, by {named(earlier)}"
        return Explanation(job, call, text, (Reason(ReasonKind.SHARED, text),), earlier)
    assert call is not None
    if earlier.call_hash != call.call_hash:
        text = f"what its body returned is known from {named(earlier)}; the calls in that came out differently"
        lines = _calls_below_that_ran(backend, job)
    elif call.children and not job.child_count:
        text = f"its final result is known from {named(earlier)}, and no task below it was edited since"
        lines = ()
    else:
        text = f"its result is known from {named(earlier)}: same code, same arguments"
        lines = _calls_below_that_ran(backend, job)
    return Explanation(job, call, text, (Reason(ReasonKind.CACHED, text, lines),), earlier)


def _earlier_result(backend: Backend, job: JobRow, call: CallRecord | None) -> JobRow | None:
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


def _calls_below_that_ran(backend: Backend, job: JobRow) -> tuple[str, ...]:
    rows = backend.jobs(job.execution_id, parent=job.number, limit=_MOST_CHILDREN) if job.child_count else []
    ran = [row for row in rows if row.status is not Status.CACHED]
    shown = [f"below it ran {named(row)}" for row in ran[:5]]
    return (*shown, f"and {len(ran) - 5} more") if len(ran) > 5 else tuple(shown)


# -- what ran ---------------------------------------------------------------------------------------------------------


def _ran(backend: Backend, job: JobRow, call: CallRecord) -> Explanation:
    earlier = _same_before(backend, job)
    if earlier:
        reasons = reasons_to_run_again(backend, job, call, earlier)
        other: JobRow | None = earlier[0].job
    else:
        nearest = nearest_call(backend, job, call)
        reasons = _differences(backend, job, call, nearest, set())
        other = nearest.job if nearest is not None else None
    notes = _failure_notes(backend, job) if job.status is Status.FAILED else ()
    return Explanation(job, call, _summary(reasons), tuple(reasons), other, notes)


def _same_before(backend: Backend, job: JobRow) -> list[Nearest]:
    """The earlier calls with the same code and arguments, newest first."""
    found = []
    for other in _outcomes_around(backend, job):
        rows = backend.jobs_of_call_before(other.call_hash, job.execution_id, job.number, limit=1)
        found += [Nearest(row, other) for row in rows]
    return sorted(found, key=lambda each: each.job.start_time, reverse=True)


def _outcomes_around(backend: Backend, job: JobRow) -> list[CallRecord]:
    """The outcomes of a job's evaluation that were last seen shortly before it, and those seen since.

    What was seen since may have been seen before as well; a nightly job may have had thousands of outcomes.
    """
    calls = backend.calls_of_evaluation(job.eval_hash, _MOST_OUTCOMES)
    before = [call for call in calls if call.time <= job.start_time]
    since = [call for call in calls if call.time > job.start_time]
    return [*before[:_NEAR], *since[-_NEAR:]]


def _differences(
    backend: Backend, job: JobRow, call: CallRecord, nearest: Nearest | None, seen: set[int]
) -> list[Reason]:
    """What distinguishes a call from the nearest earlier one."""
    if nearest is None:
        return [Reason(ReasonKind.FIRST_CALL, f"no earlier call of {job.task_name} is recorded")]
    reasons = []
    code = code_change(backend, nearest.call.task_hash, call.task_hash)
    if code is not None:
        text = f"the code of {job.task_name} differs from that of {named(nearest.job)}"
        reasons.append(Reason(ReasonKind.CODE, text, code.lines or (code.note,), code=code))
    if nearest.call.args_hash != call.args_hash:
        arguments = {argument.name: argument for argument in call.arguments}
        for change in argument_changes(backend, nearest.call, call):
            causes = _causes(backend, job, arguments.get(change.name), seen)
            text = _argument_text(change)
            reasons.append(Reason(ReasonKind.ARGUMENT, text, change.details, change, causes=causes))
    if nearest.call.context_hash != call.context_hash:
        reasons.append(context_reason(backend, nearest.call, call))
    return reasons or [Reason(ReasonKind.UNKNOWN, f"nothing recorded differs from the call of {named(nearest.job)}")]


def _argument_text(change: ValueChange) -> str:
    if change.path is not None:
        return f"the argument {change.name} is another state of the file {change.path}"
    if change.is_long:
        return f"the argument {change.name} differs"
    if change.before_hash is None:
        return f"the argument {change.name} is new: {change.after}"
    if change.after_hash is None:
        return f"the argument {change.name} is gone: it was {change.before}"
    return f"the argument {change.name} was {change.before} and is {change.after}"


def _causes(backend: Backend, job: JobRow, argument: Argument | None, seen: set[int]) -> tuple[Cause, ...]:
    """The jobs of this execution that a changed argument came from, and why they came out differently."""
    if argument is None:
        return ()
    calls, _ = sources_of(backend, job, argument, Parents(backend))
    causes: list[Cause] = []
    for call in calls:
        if len(seen) >= _MOST_CAUSES:
            break
        rows = backend.jobs_of_call_before(call.call_hash, job.execution_id, job.number, limit=1)
        if not rows or rows[0].execution_id != job.execution_id or rows[0].number in seen:
            continue
        source = rows[0]
        seen.add(source.number)
        if source.status is Status.CACHED:
            continue
        same = _same_before(backend, source)
        if same:
            reasons = reasons_to_run_again(backend, source, call, same)
        else:
            reasons = _differences(backend, source, call, nearest_call(backend, source, call), seen)
        causes.append(Cause(source, _summary(reasons)))
        causes += [cause for reason in reasons for cause in reason.causes]
    return tuple(causes)


def _summary(reasons: list[Reason]) -> str:
    first = reasons[0].text
    return first if len(reasons) == 1 else f"{first}, and {len(reasons) - 1} more"


# -- what did not come to its end -------------------------------------------------------------------------------------


def _not_ended(backend: Backend, job: JobRow) -> Explanation:
    state = "was cancelled" if job.status is Status.CANCELLED else "has not ended"
    text = f"the job {state}, and what it was called with is recorded at its end"
    reasons = [Reason(ReasonKind.NOT_ENDED, text)]
    same = _same_before(backend, job)
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
