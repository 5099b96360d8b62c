"""Why a job did not have to run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redun.backends.records import Status
from redun.provenance.earlier import earlier_result
from redun.provenance.reasons import Explanation, Reason, ReasonKind, named

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_MOST_CHILDREN = 1000
_MOST_PAGES = 50
"""How many jobs are looked below."""
_SHOWN = 5


def explain_cached(backend: Backend, job: JobRow, call: CallRecord | None) -> Explanation:
    """Say where the result came from that was used."""
    earlier = earlier_result(backend, job, call)
    if earlier is None:
        text = "an earlier result was used, but the job that made it is no longer in the repository"
        return Explanation(job, call, text, (Reason(ReasonKind.CACHED, text),))
    if earlier.execution_id == job.execution_id:
        text = f"the same call had been made in this execution, by {named(earlier)}"
        return Explanation(job, call, text, (Reason(ReasonKind.SHARED, text),), earlier)
    assert call is not None
    text, lines = _where_from(backend, job, call, earlier)
    return Explanation(job, call, text, (Reason(ReasonKind.CACHED, text, lines),), earlier)


def _where_from(backend: Backend, job: JobRow, call: CallRecord, earlier: JobRow) -> tuple[str, tuple[str, ...]]:
    if earlier.call_hash == call.call_hash and call.children and not job.child_count:
        return f"its final result is known from {named(earlier)}, and no task below it was edited since", ()
    before = backend.call(earlier.call_hash) if earlier.call_hash is not None else None
    ran, is_all = ran_below(backend, job)
    lines = [f"below it ran {named(row)}" for row in ran[:_SHOWN]]
    if len(ran) > _SHOWN or not is_all:
        lines.append(f"and {len(ran) - _SHOWN} more" if is_all else "and perhaps more")
    if before is None or before.value_hash != call.value_hash:
        return f"what its body returned is known from {named(earlier)}; the calls in that came out differently", (
            *lines,
        )
    if earlier.call_hash != call.call_hash and ran:
        text = f"what its body returned is known from {named(earlier)}; calls in that ran, and it came out the same"
        return text, (*lines,)
    text = f"its result is known from {named(earlier)}: same code, same arguments"
    if before.context_hash != call.context_hash:
        text += "; that the context is another one made no difference to it"
    return text, (*lines,)


def ran_below(backend: Backend, job: JobRow) -> tuple[list[JobRow], bool]:
    """The topmost jobs below one that did run: those below what was cached as well. And whether these are all.

    Looks below a bounded number of jobs, the upper ones first.
    """
    found: list[JobRow] = []
    waiting = deque([job] if job.child_count else [])
    pages = 0
    is_all = True
    while waiting:
        if pages == _MOST_PAGES:
            return found, False
        pages += 1
        above = waiting.popleft()
        rows = backend.jobs(above.execution_id, parent=above.number, limit=_MOST_CHILDREN)
        is_all = is_all and len(rows) < _MOST_CHILDREN
        found += [row for row in rows if row.status is not Status.CACHED]
        waiting.extend(row for row in rows if row.status is Status.CACHED and row.child_count)
    return found, is_all
