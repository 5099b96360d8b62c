"""Copies executions from one repository to another: what `redun push`, `pull`, `export` and `import` do.

A copy is idempotent, and sends what the other side lacks. Whether it has an execution is told by how far its record of
it goes; below that, by which calls, values and tasks it has.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING

from redun.backends.collecting import Collector
from redun.backends.holders import Nobody
from redun.backends.records import RecordBatch, Status
from redun.backends.tag_copies import copy_tags
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.sync import ExecutionState

KINDS = tuple(field.name for field in fields(RecordBatch))
"""The kinds of records: the fields of `RecordBatch`."""


def copy_records(source: Backend, target: Backend, execution_ids: Sequence[str] | None = None) -> Counter[str]:
    """Bring a repository up to date with another one.

    execution_ids: copy these executions, with all that they need; None copies all.

    How many records of each kind (see `KINDS`) were sent. What was sent stays when a copy ends early, and every moment
    of it leaves the target whole.

    Raises `BackendError` when a repository cannot be read or written, and when both are the same.
    """
    if source.is_same_store(target) or target.is_same_store(source):
        raise BackendError("both sides are the same repository, so there is nothing to copy")
    theirs = {state.id: state for state in target.execution_states(execution_ids)}
    states = [each for each in source.execution_states(execution_ids) if not _has_all(theirs.get(each.id), each)]
    counts: Counter[str] = Counter()
    for batch in Collector(source, target).collect(states):
        found = count_records(batch)
        if found.total():
            target.record(batch)
            counts += found
    counts["tags"] += copy_tags(source, target, is_complete=execution_ids is None)
    return +counts


def collect_records(source: Backend, execution_ids: Sequence[str] | None = None) -> Iterator[RecordBatch]:
    """All records of these executions, or of all of them, in batches for `Backend.record` of an empty repository."""
    yield from Collector(source, Nobody()).collect(source.execution_states(execution_ids))


def count_records(batch: RecordBatch) -> Counter[str]:
    """How many records of each kind a batch has."""
    return Counter({kind: len(getattr(batch, kind)) for kind in KINDS})


def _has_all(theirs: ExecutionState | None, mine: ExecutionState) -> bool:
    if theirs is None or theirs.updated_time < mine.updated_time:
        return False
    if theirs.status is Status.RUNNING and mine.status is not Status.RUNNING:
        return False  # a copy that did not come to its end
    return theirs.jobs >= mine.jobs and theirs.ended_jobs >= mine.ended_jobs
