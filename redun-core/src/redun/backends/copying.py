"""Copies executions from one repository to another: what `redun push`, `pull`, `export` and `import` do.

A copy is idempotent, and sends what the other side lacks. Whether it has an execution is told by how far its record of
it goes; below that, by which calls, values and tasks it has.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING

from redun.backends.collecting import Collector
from redun.backends.holders import Nobody
from redun.backends.records import RecordBatch, Status
from redun.backends.split_executions import SplitExecutionError, split_at
from redun.backends.tag_copies import copied_tags, copy_tags
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.sync import ExecutionState

KINDS = tuple(field.name for field in fields(RecordBatch))
"""The kinds of records: the fields of `RecordBatch`."""


def copy_records(
    source: Backend,
    target: Backend,
    execution_ids: Sequence[str] | None = None,
    progress: Callable[[Counter[str]], None] | None = None,
) -> Counter[str]:
    """Bring a repository up to date with another one.

    execution_ids: copy these executions, with all that they need; None copies all.
    progress: is called now and then with how many records of each kind were sent so far.

    How many records of each kind (see `KINDS`) were sent; of two copies at once, both may send the same ones.
    What was sent stays when a copy ends early, and every moment of it leaves the target whole.

    Raises `BackendError` when a repository cannot be read or written, and when both are the same;
    `SplitExecutionError`, when all else was copied, for an execution that went on in both by itself.
    """
    if source.is_same_store(target) or target.is_same_store(source):
        raise BackendError("both sides are the same repository, so there is nothing to copy")
    theirs = {state.id: state for state in target.execution_states(execution_ids)}
    ours = source.execution_states(execution_ids)
    split = _split_executions(source, target, [each for each in ours if each.id in theirs and each != theirs[each.id]])
    states = [each for each in ours if each.id not in split and not _has_all(theirs.get(each.id), each)]
    copied = CopyCount()
    collector = Collector(source, target)
    batches = collector.collect(states)
    if execution_ids is None:
        batches = chain(batches, collector.tagged_values(copied_tags(source, target)))
    for batch in batches:
        if count_records(batch).total():
            target.record(batch)
            copied.add(batch)
            if progress is not None:
                progress(copied.counts)
    counts = copied.counts
    counts["tags"] += copy_tags(source, target, is_complete=execution_ids is None)
    if split:
        raise SplitExecutionError(_about(split), +counts)
    return +counts


def collect_records(source: Backend, execution_ids: Sequence[str] | None = None) -> Iterator[RecordBatch]:
    """All records of these executions, or of all of them, in batches for `Backend.record` of an empty repository."""
    collector = Collector(source, Nobody())
    yield from collector.collect(source.execution_states(execution_ids))
    if execution_ids is None:
        yield from collector.tagged_values()


class CopyCount:
    """How many records of each kind were copied. An execution that comes first as one that runs counts once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._executions: set[str] = set()

    def add(self, batch: RecordBatch) -> None:
        """Count the records of a batch."""
        found = count_records(batch)
        new = {execution.id for execution in batch.executions} - self._executions
        self._executions |= new
        found["executions"] = len(new)
        self.counts += found


def count_records(batch: RecordBatch) -> Counter[str]:
    """How many records of each kind a batch has."""
    return Counter({kind: len(getattr(batch, kind)) for kind in KINDS})


def _split_executions(source: Backend, target: Backend, states: Sequence[ExecutionState]) -> dict[str, str]:
    """Those of some executions that both have which went on in both by themselves, and where."""
    found = {}
    for state in states:
        jobs = split_at(source, target, state.id)
        if jobs is not None:
            names = [_task_name(backend, job.task_hash) for backend, job in zip((source, target), jobs, strict=True)]
            what = f"is {names[0]} in the one and {names[1]} in the other"
            if names[0] == names[1]:
                what = f"is another call of {names[0]} in the one than in the other"
            found[state.id] = f"its job {jobs[0].number} {what}"
    return found


def _task_name(backend: Backend, task_hash: bytes) -> str:
    task = backend.task(task_hash)
    if task is None:
        return task_hash.hex()
    return f"{task.namespace}.{task.name}" if task.namespace else task.name


def _about(split: dict[str, str]) -> str:
    [(execution_id, where), *more] = split.items()
    also = f", and {len(more)} more likewise" if more else ""
    return (
        f"execution {execution_id} went on in both repositories, each by itself: {where}. It is not copied{also}; "
        "everything else is. Each repository keeps its own"
    )


def _has_all(theirs: ExecutionState | None, mine: ExecutionState) -> bool:
    if theirs is None or theirs.updated_time < mine.updated_time:
        return False
    if theirs.status is Status.RUNNING and mine.status is not Status.RUNNING:
        return False  # a copy that did not come to its end
    return theirs.jobs >= mine.jobs and theirs.ended_jobs >= mine.ended_jobs
