"""Questions of copies from one repository to another: what there is, and what of it is here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from redun.backends.records import (
    EntityKind,
    EvaluationRecord,
    HandleEdge,
    HandleRecord,
    HandleStep,
    JobRecord,
    Status,
    TagRecord,
    ValueRecord,
)
from redun.backends.sync import CallLinks, CallsAt, ExecutionState, TagRow, ValueOutline
from sqlalchemy import Executable, Select, and_, func, insert, select, update

from redun_backend_sql.packing import unpack_arguments, unpack_hashes
from redun_backend_sql.questions.damage import moment, readable, tag_value
from redun_backend_sql.run_path.identities import CHUNK_SIZE
from redun_backend_sql.schema import (
    call,
    execution,
    executor,
    handle,
    handle_edge,
    job,
    job_count,
    prefix,
    scheduler,
    tag,
    task,
    value,
    value_kind,
)
from redun_backend_sql.tag_rows import TagState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun_backend_sql.questions.calls import CallQuestions

_LEASE = "copies from "
"""How the id of a lease begins that notes how far copies from a source have come."""

T = TypeVar("T")


class SyncQuestions:
    """Answers through a function that runs a statement, and one that changes rows and says how many."""

    def __init__(
        self,
        rows: Callable[[Select[Any]], Sequence[Any]],
        change: Callable[[Executable], int],
        calls: CallQuestions,
    ) -> None:
        self._rows = rows
        self._change = change
        self._calls = calls
        self._kind_names: dict[int, tuple[str, str]] = {}

    # -- executions and jobs ------------------------------------------------------------------------------------------

    def execution_states(self, execution_ids: Sequence[str] | None) -> list[ExecutionState]:
        """See `Backend.execution_states`."""
        columns = select(execution.c.id, execution.c.uuid, execution.c.status, execution.c.updated_time)
        counted = select(job_count.c.execution_id, job_count.c.status, func.sum(job_count.c.count))
        counted = counted.group_by(job_count.c.execution_id, job_count.c.status)
        if execution_ids is None:
            found, counts = list(self._rows(columns)), list(self._rows(counted))
        else:
            found, counts = [], []
            for chunk in _chunks(execution_ids):
                page = self._rows(columns.where(execution.c.uuid.in_(chunk)))
                counts += self._rows(counted.where(job_count.c.execution_id.in_([row.id for row in page])))
                found += page
        jobs: dict[int, int] = {}
        running: dict[int, int] = {}
        for number, status, count in counts:
            jobs[number] = jobs.get(number, 0) + int(count)
            if status == Status.RUNNING:
                running[number] = int(count)
        return [
            ExecutionState(
                uuid, _status(status), updated, jobs.get(number, 0), jobs.get(number, 0) - running.get(number, 0)
            )
            for number, uuid, status, updated in sorted(found)
        ]

    def job_records(self, execution_id: str, after: int, limit: int) -> list[tuple[JobRecord, int | None]]:
        """See `Backend.job_records`."""
        keys = (
            select(job.c.execution_id, job.c.number)
            .where(job.c.execution_id == _number_of(execution_id), job.c.number > after)
            .order_by(job.c.number)
            .limit(limit)
            .subquery("page")
        )
        statement = (
            select(
                job,
                task.c.hash.label("task_hash"),
                executor.c.name.label("executor"),
                call.c.call_hash,
                func.coalesce(job.c.eval_hash, call.c.eval_hash).label("any_eval_hash"),
            )
            .join_from(keys, job, and_(job.c.execution_id == keys.c.execution_id, job.c.number == keys.c.number))
            .join(task, task.c.id == job.c.task_id)
            .join(executor, executor.c.id == job.c.executor_id)
            .outerjoin(call, call.c.id == job.c.call_id)
        )
        rows = sorted(self._rows(statement), key=lambda row: row.number)
        return [(_job(execution_id, row), row.call_id) for row in rows]

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:
        """See `Backend.ended_jobs`."""
        statement = select(job.c.number).where(
            job.c.execution_id == _number_of(execution_id), job.c.status != int(Status.RUNNING)
        )
        found = (self._rows(statement.where(job.c.number.in_(chunk))) for chunk in _chunks(numbers))
        return {number for rows in found for (number,) in rows}

    # -- calls --------------------------------------------------------------------------------------------------------

    def known_calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, tuple[int, float]]:
        """The position and the time of each of these calls that is known."""
        wanted = set(call_hashes)
        known: dict[bytes, tuple[int, float]] = {}
        for chunk in _chunks(list(wanted)):
            statement = select(call.c.call_hash, call.c.id, call.c.time)
            for call_hash, number, seen in self._rows(statement.where(_begin_like(call.c.call_hash, chunk))):
                if call_hash in wanted and (call_hash not in known or known[call_hash][1] <= seen):
                    known[call_hash] = (number, seen)
        return known

    def call_links(self, positions: Sequence[int]) -> list[CallLinks]:
        """See `Backend.call_links`."""
        columns = select(call.c.id, call.c.call_hash, call.c.time, call.c.children, call.c.arguments)
        return [_links(row) for chunk in _chunks(positions) for row in self._rows(columns.where(call.c.id.in_(chunk)))]

    def calls_at(self, positions: Sequence[int]) -> CallsAt:
        """See `Backend.calls_at`."""
        found = CallsAt([], {})
        for chunk in _chunks(positions):
            for row, record in self._calls.at(chunk):
                found.calls.append(record)
                if row.inline is not None:
                    found.values[row.value_hash] = self._small(row.value_hash, row.kind_id, row.inline)
                for each in unpack_arguments(row.arguments, with_upstream=False):
                    if each.kind_id is not None and each.data is not None and each.value_hash not in found.values:
                        found.values[each.value_hash] = self._small(each.value_hash, each.kind_id, each.data)
        return found

    def _small(self, value_hash: bytes, kind_id: int, data: bytes) -> ValueRecord:
        if kind_id not in self._kind_names:
            self._kind_names = {row.id: (row.type_name, row.codec) for row in self._rows(select(value_kind))}
        return ValueRecord(value_hash, *self._kind_names[kind_id], data)

    def open_evaluations(self, eval_hashes: Sequence[bytes]) -> list[EvaluationRecord]:
        """See `Backend.open_evaluations`."""
        wanted = set(eval_hashes)
        columns = select(call.c.eval_hash, task.c.hash, call.c.args_hash, call.c.raw_hash, call.c.time)
        statement = columns.join_from(call, task, task.c.id == call.c.task_id).where(call.c.call_hash.is_(None))
        found = (self._rows(statement.where(_begin_like(call.c.eval_hash, chunk))) for chunk in _chunks(list(wanted)))
        return [EvaluationRecord(*row) for rows in found for row in rows if row.eval_hash in wanted]

    # -- values, handles, tags ----------------------------------------------------------------------------------------

    def value_outlines(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueOutline]:
        """See `Backend.value_outlines`."""
        wanted = set(value_hashes)
        columns = select(value.c.hash, func.length(value.c.data), value.c.children, value.c.path)
        found = (self._rows(columns.where(_begin_like(value.c.hash, chunk))) for chunk in _chunks(list(wanted)))
        return {
            value_hash: ValueOutline(size, unpack_hashes(children), path)
            for rows in found
            for value_hash, size, children, path in rows
            if value_hash in wanted
        }

    def handles(self, after: int, limit: int) -> list[tuple[int, HandleRecord]]:
        """See `Backend.handles`."""
        rows = self._rows(select(handle).where(handle.c.id > after).order_by(handle.c.id).limit(limit))
        return [(row.id, HandleRecord(row.hash, row.fullname, row.key, bool(row.is_valid))) for row in rows]

    def handle_edges(self, parents: Sequence[bytes]) -> list[HandleEdge]:
        """See `Backend.handle_edges`."""
        wanted = set(parents)
        child = handle.alias("child")
        statement = (
            select(handle.c.hash, child.c.hash, handle_edge.c.step)
            .join_from(handle, handle_edge, handle_edge.c.parent_id == handle.c.id)
            .join(child, child.c.id == handle_edge.c.child_id)
        )
        found = (self._rows(statement.where(_begin_like(handle.c.hash, chunk))) for chunk in _chunks(list(wanted)))
        return [
            HandleEdge(start, end, HandleStep(step)) for rows in found for start, end, step in rows if start in wanted
        ]

    def tags_since(self, position: int, limit: int) -> list[TagRow]:
        """See `Backend.tags_since`."""
        statement = select(tag).where(tag.c.id > position).order_by(tag.c.id).limit(limit)
        return [
            TagRow(row.id, TagRecord(EntityKind(row.entity_kind), row.entity_id, row.key, tag_value(row.value)))
            for row in self._rows(statement)
        ]

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:
        """See `Backend.tag_history`."""
        states: dict[tuple[str, str, str], TagState] = {}
        columns = select(tag.c.id, tag.c.entity_id, tag.c.key, tag.c.value, tag.c.is_current)
        for chunk in _chunks(list(dict.fromkeys(entity_ids))):
            statement = columns.where(tag.c.entity_id.in_(chunk), tag.c.entity_kind == int(kind))
            for number, *name, mark in sorted(self._rows(statement)):
                states.setdefault((name[0], name[1], name[2]), TagState()).add(number, mark)
        found: dict[str, list[TagRecord]] = {}
        for (entity_id, key, text), state in states.items():
            found.setdefault(entity_id, []).append(TagRecord(kind, entity_id, key, tag_value(text), state.edits))
        return found

    # -- between two --------------------------------------------------------------------------------------------------

    def first_execution(self) -> str:
        """The id of the execution that was recorded first."""
        first = select(func.min(execution.c.id)).scalar_subquery()
        rows = self._rows(select(execution.c.uuid).where(execution.c.id == first))
        return rows[0].uuid if rows else ""

    def sync_point(self, source: str) -> str:
        """See `Backend.sync_point`."""
        rows = self._rows(select(scheduler.c.host).where(scheduler.c.id == _LEASE + source))
        return rows[0].host if rows else ""

    def note_sync_point(self, source: str, point: str) -> None:
        """See `Backend.note_sync_point`: a lease, so that what nobody comes back to is swept away with other leases."""
        noted = {"host": point, "heartbeat": time.time()}
        change = update(scheduler).where(scheduler.c.id == _LEASE + source).values(noted)
        if not self._change(change) and not self._change(insert(scheduler).values(id=_LEASE + source, **noted)):
            self._change(change)  # another copy was faster


def _number_of(execution_id: str) -> Any:
    return select(execution.c.id).where(execution.c.uuid == execution_id).scalar_subquery()


def _begin_like(column: Any, hashes: Sequence[bytes]) -> Any:
    """What the index can tell; the caller compares the full hashes."""
    return prefix(column).in_([each[:8] for each in hashes])


@readable("call")
def _links(row: Any) -> CallLinks:
    upstream = [each for argument in unpack_arguments(row.arguments or b"") for each in argument.upstream]
    return CallLinks(row.id, row.call_hash, moment(row.time), (*unpack_hashes(row.children), *upstream))


@readable("execution")
def _status(number: int) -> Status:
    return Status(number)


@readable("job")
def _job(execution_id: str, row: Any) -> JobRecord:
    return JobRecord(
        execution_id,
        row.number,
        row.parent,
        row.task_hash,
        row.any_eval_hash,
        row.call_hash,
        Status(row.status),
        moment(row.start_time),
        row.end_time and moment(row.end_time),
        row.executor,
        row.attempt,
        row.options_hash,
    )


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK_SIZE):
        yield items[start : start + CHUNK_SIZE]
