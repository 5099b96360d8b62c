"""Which call rolled back the state of a handle that an earlier result holds.

A call that runs takes the place of whatever went on from the state that it is given, and all that came out of that
counts no longer. Which states came out of which is in the repository; that one was rolled back is not, because it may
hold again by now. So it is told from the calls that were given the same state since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import HandleStep, Status
from redun.provenance.handle_states import handle_state
from redun.provenance.reasons import Reason, ReasonKind, named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow
    from redun.provenance.handle_states import HandleState
    from redun.provenance.nearest import Nearest

_MOST_STATES = 30
"""How many states before one are looked at."""
_MOST_BRANCHES = 20
_JOBS = 5


def roll_back_reasons(backend: Backend, job: JobRow, good: Nearest) -> list[Reason]:
    """Say that the result of an earlier call holds a handle which was rolled back since, as far as it can be told."""
    result = good.call.raw_hash or good.call.value_hash
    link = backend.value_links([result]).get(result)
    states = _states(backend, [result, *(link.children if link is not None else ())])
    if not states:
        return []
    name = next(iter(states.values())).fullname
    found = [row for row in _later_branches(backend, states, job) if _is_between(row, good.job, job)]
    if found:
        later = min(found, key=lambda row: row.start_time)
        text = (
            f"the state of the handle {name} after {named(good.job)} was rolled back: "
            f"{named(later)} ran since, from a state before it"
        )
    else:
        text = f"the result of {named(good.job)} holds a state of the handle {name}, which may have been rolled back"
    return [Reason(ReasonKind.HANDLE_ROLLED_BACK, text)]


def _is_between(row: JobRow, good: JobRow, job: JobRow) -> bool:
    is_later = row.start_time >= good.start_time and row.execution_id != good.execution_id
    return (
        is_later
        and row.status is not Status.CACHED
        and (row.execution_id, row.number) != (job.execution_id, job.number)
    )


def _states(backend: Backend, hashes: Iterable[bytes]) -> dict[bytes, HandleState]:
    values = backend.load_values(list(dict.fromkeys(hashes)))
    found = {each: handle_state(value) for each, value in values.items()}
    return {each: state for each, state in found.items() if state is not None}


def _later_branches(backend: Backend, states: dict[bytes, HandleState], job: JobRow) -> Iterable[JobRow]:
    """The jobs before one that were given a fork of a state out of which these states came.

    states: by the hash of the value.
    """
    seen: set[bytes] = set()
    while states and len(seen) < _MOST_STATES:
        seen.update(states)
        calls: list[CallRecord] = []
        for state in states.values():
            if state.eval_hash is not None:
                calls += backend.calls_of_evaluation(state.eval_hash, limit=1)
            for before in (state.fork_of, *state.before):
                if before is not None:
                    yield from _jobs_with_forks(backend, before, state, job)
                    calls += backend.calls_with_result(state.value_hash(before), limit=1)
        wanted = {argument.value_hash for call in calls for argument in call.arguments}
        states = _states(backend, wanted - seen)


def _jobs_with_forks(backend: Backend, before: bytes, state: HandleState, job: JobRow) -> Iterable[JobRow]:
    branches = backend.handle_branches([before]).get(before, {})
    forks = [branch for branch, step in branches.items() if step is HandleStep.ARGUMENT]
    for fork in forks[:_MOST_BRANCHES]:
        for call in backend.calls_with_argument(state.value_hash(fork), _MOST_BRANCHES):
            yield from backend.jobs_of_call_before(call.call_hash, job.execution_id, job.number, _JOBS)
