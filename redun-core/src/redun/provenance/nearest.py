"""The earlier call that is most like one: what a new call is compared with, to say what is new about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.hashing import new_hasher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_VERSIONS = 6
_RECENT = 30
"""How many of the newest jobs of each version are looked at."""
_STATES = 5
"""How many earlier states of each file among the arguments are looked at."""
_TAKERS = 20
_MOST_ARGUMENTS = 10
_MOST_LEVELS = 50
_ROOTS = 5


class Nearest(NamedTuple):
    """An earlier call, and the job that made it."""

    job: JobRow
    call: CallRecord


def nearest_call(backend: Backend, job: JobRow, call: CallRecord | None) -> Nearest | None:
    """The call of the same task, in this version or an older one, that differs least from a job's call.

    Of those that differ as much, one with the same context comes first, then the one at the same place of an earlier
    execution, then the newest. The
    search is bounded: it looks at the newest jobs of each version, at calls with earlier states of the same files, at
    the same place, and at exactly the same arguments, whatever the size of the repository.

    call: the call of the job; without one, the newest earlier call is the nearest.
    """
    versions = _versions(backend, job)
    same_places = _same_places(backend, job)
    candidates: dict[tuple[str, int], JobRow] = {}
    for row in same_places:
        candidates[row.execution_id, row.number] = row
    for version in versions:
        for row in backend.jobs_of_task_before(version, job.execution_id, job.number, _RECENT):
            candidates.setdefault((row.execution_id, row.number), row)
    if call is not None:
        for row in _like(backend, job, call, versions):
            candidates.setdefault((row.execution_id, row.number), row)
    known = backend.calls([row.call_hash for row in candidates.values() if row.call_hash is not None])
    found = [
        Nearest(row, known[row.call_hash])
        for row in candidates.values()
        if row.call_hash in known and row.eval_hash != job.eval_hash
    ]
    if not found:
        return None

    paths = _paths(backend, [each.call for each in found], call)

    def distance(each: Nearest) -> tuple[int, bool, bool, bool, float]:
        other_context = call is not None and each.call.context_hash != call.context_hash
        differences = 0 if call is None else _differences(each.call, call, paths)
        return (
            differences + 2 * (each.job.task_hash != job.task_hash) + 2 * other_context,
            other_context,
            each.job.execution_id == job.execution_id,
            each.job not in same_places,
            -each.job.start_time,
        )

    return min(found, key=distance)


def _versions(backend: Backend, job: JobRow) -> list[bytes]:
    named = backend.tasks_named(job.task_name, _VERSIONS)
    if "." not in job.task_name:
        named = [task for task in named if not task.namespace]
    return list(dict.fromkeys([job.task_hash, *(task.hash for task in named)]))


def _differences(before: CallRecord, after: CallRecord, paths: dict[bytes, str]) -> int:
    """How much the arguments of two calls differ: another state of a file is half as much as another value."""
    old = {argument.name: argument.value_hash for argument in before.arguments}
    new = {argument.name: argument.value_hash for argument in after.arguments}
    pairs = [(old.get(name), new.get(name)) for name in old.keys() | new.keys()]
    changed = [(paths.get(one or b""), paths.get(other or b"")) for one, other in pairs if one != other]
    return sum(1 if path is not None and path == other else 2 for path, other in changed)


def _paths(backend: Backend, candidates: list[CallRecord], call: CallRecord | None) -> dict[bytes, str]:
    """Where the files among the arguments are, if the call that is explained takes any."""
    if call is None:
        return {}
    links = backend.value_links([argument.value_hash for argument in call.arguments])
    if any(link.path is not None for link in links.values()):
        others = {argument.value_hash for each in candidates for argument in each.arguments}
        links = {**links, **backend.value_links(list(others))}
    return {value_hash: link.path for value_hash, link in links.items() if link.path is not None}


def _like(backend: Backend, job: JobRow, call: CallRecord, versions: list[bytes]) -> Iterable[JobRow]:
    """Jobs of calls that are found by what they have in common with a call: all arguments, one of them, or a file."""
    hashes = []
    for version in versions:
        hasher = new_hasher("eval")
        hasher.update(version + call.args_hash)
        hashes += [each.call_hash for each in backend.calls_of_evaluation(hasher.digest(), limit=2)]
    links = backend.value_links([argument.value_hash for argument in call.arguments])
    for link in links.values():
        if link.path is not None:
            for state in backend.files(link.path, _STATES):
                takers = backend.calls_with_argument(state.value_hash, _TAKERS)
                hashes += [each.call_hash for each in takers if each.task_hash in versions]
    for argument in call.arguments[:_MOST_ARGUMENTS]:
        # Where one argument of many calls has changed, the others lead to the call that it was compared with before.
        takers = backend.calls_with_argument(argument.value_hash, _TAKERS)
        hashes += [each.call_hash for each in takers if each.task_hash in versions]
    for call_hash in dict.fromkeys(hashes):
        yield from backend.jobs_of_call_before(call_hash, job.execution_id, job.number, limit=1)


def _same_places(backend: Backend, job: JobRow) -> list[JobRow]:
    """The jobs that stand where a job stands, in earlier executions that began with the same task.

    These are the latest one, and the latest one with the same context.
    """
    path = [job]
    while path[-1].parent is not None and len(path) < _MOST_LEVELS:
        above = backend.job(job.execution_id, path[-1].parent)
        if above is None:
            return []
        path.append(above)
    found = []
    for root in _roots_before(backend, path.pop()):
        there: JobRow | None = root
        for row in reversed(path):
            there = None if there is None else _sibling(backend, row, there)
        found += [] if there is None else [there]
    return found


def _sibling(backend: Backend, job: JobRow, parent: JobRow) -> JobRow | None:
    """The job below another one that is as far from the first one there as a job is from the first beside it."""
    assert job.parent is not None
    here = backend.jobs(job.execution_id, parent=job.parent, limit=1)
    first = backend.jobs(parent.execution_id, parent=parent.number, limit=1)
    if not here or not first:
        return None
    found = backend.job(parent.execution_id, first[0].number + job.number - here[0].number)
    return found if found is not None and (found.parent, found.task_name) == (parent.number, job.task_name) else None


def _roots_before(backend: Backend, root: JobRow) -> list[JobRow]:
    if root.parent is not None:
        return []
    versions = _versions(backend, root)
    rows = (row for each in versions for row in backend.jobs_of_task_before(each, root.execution_id, 0, _ROOTS))
    found = sorted((row for row in rows if row.parent is None), key=lambda row: -row.start_time)
    calls = backend.calls([row.call_hash for row in (root, *found) if row.call_hash is not None])
    contexts = {call_hash: call.context_hash for call_hash, call in calls.items()}
    context = contexts.get(root.call_hash or b"")
    same = [row for row in found if context is not None and contexts.get(row.call_hash or b"") == context]
    return list(dict.fromkeys([*found[:1], *same[:1]]))
