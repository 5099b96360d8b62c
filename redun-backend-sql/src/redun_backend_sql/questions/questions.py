"""All questions in one place, and those about executions, jobs, tasks, files and tags."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from redun.backends.parts import MOST_JOBS_OF_CALL
from redun.backends.records import (
    MOST_CHILDREN_COUNTED,
    CallRecord,
    EntityKind,
    EntityRef,
    ExecutionRecord,
    FileRow,
    JobRow,
    Status,
    TagRecord,
    TaskCount,
    TaskRecord,
)
from sqlalchemy import (
    BindParameter,
    Executable,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Values,
    and_,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError

from redun_backend_sql.questions.calls import CallQuestions
from redun_backend_sql.questions.damage import moment, readable, tag_value
from redun_backend_sql.questions.engine import driver_errors, make_engine
from redun_backend_sql.questions.ids import IdSearch
from redun_backend_sql.questions.lineage import LineageQuestions
from redun_backend_sql.questions.sync import SyncQuestions
from redun_backend_sql.questions.walks import walk
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import Id, call, execution, executor, job, job_count, prefix, tag, task, value, value_kind
from redun_backend_sql.storable import storable_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redun_backend_sql.run_path.driver import Connection


class Questions:
    """Answers on one connection, by one thread at a time."""

    def __init__(self, connection: Connection) -> None:
        self._engine = make_engine(connection)
        self._calls = CallQuestions(self._rows)
        self._ids = IdSearch(self._rows)
        self.lineage = LineageQuestions(self._rows, self._calls)
        self.sync = SyncQuestions(self._rows, self._change, self._calls)

    def rows(self, statement: Select[Any]) -> Sequence[Any]:
        """What a statement of a search gives."""
        return self._rows(statement)

    def _rows(self, statement: Select[Any], values: Mapping[str, Any] | None = None, /) -> Sequence[Any]:
        with driver_errors(), self._engine.connect() as connection:
            return connection.execute(statement, values).all()

    def _change(self, statement: Executable) -> int:
        """How many rows a statement has changed; none where it would add one that is there."""
        with driver_errors():
            try:
                with self._engine.begin() as connection:
                    return connection.execute(statement).rowcount
            except IntegrityError:
                return 0

    # -- executions ---------------------------------------------------------------------------------------------------

    def executions(self, limit: int, skip: int) -> list[ExecutionRecord]:
        """See `Backend.executions`."""
        statement = select(execution).order_by(execution.c.start_time.desc(), execution.c.id.desc())
        return [_execution(row) for row in self._rows(statement.limit(limit).offset(skip))]

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """See `Backend.execution`."""
        rows = self._rows(select(execution).where(execution.c.uuid == execution_id))
        return _execution(rows[0]) if rows else None

    def task_counts(self, execution_id: str) -> list[TaskCount]:
        """See `Backend.task_counts`."""
        statement = (
            select(task.c.namespace, task.c.name, job_count.c.status, func.sum(job_count.c.count))
            .join_from(execution, job_count, job_count.c.execution_id == execution.c.id)
            .join(task, task.c.id == job_count.c.task_id)
            .where(execution.c.uuid == execution_id, job_count.c.count > 0)
            .group_by(task.c.namespace, task.c.name, job_count.c.status)
        )
        counts = [
            TaskCount(_full_name(ns, name), Status(status), int(n)) for ns, name, status, n in self._rows(statement)
        ]
        return sorted(counts)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def jobs(self, execution_id: str, parent: int | None, after: int, limit: int) -> list[JobRow]:
        """See `Backend.jobs`."""
        values = {"uuid": execution_id, "parent": parent, "after": after, "most": limit}
        rows = self._rows(_jobs_after() if parent is None else _children_after(), values)
        return [_job(row) for row in sorted(rows, key=lambda row: row.number)]

    def job(self, execution_id: str, number: int) -> JobRow | None:
        """See `Backend.job`."""
        rows = self._rows(_one_job(), {"uuid": execution_id, "number": number})
        return _job(rows[0]) if rows else None

    def jobs_of_call(self, call_hash: bytes, limit: int, before: tuple[str, int] | None = None) -> list[JobRow]:
        """See `Backend.jobs_of_call`; with an execution and a number, `Backend.jobs_of_call_before`."""
        numbers = [number for (number,) in self._rows(_numbers_of_call(), {"prefix": call_hash[:8], "hash": call_hash})]
        return self._newest_jobs("call_id", numbers, limit, before)

    def newest_jobs_of_calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, JobRow]:
        """See `Backend.newest_jobs_of_calls`."""
        wanted = set(call_hashes)
        keys: dict[bytes, tuple[bool, int, int]] = {}
        for chunk in chunks(list(wanted)):
            for row in self._rows(_newest_of_calls(), {"prefixes": [each[:8] for each in chunk]}):
                if row.call_hash in wanted and row.number is not None:
                    ran = row.ran_number is not None
                    key = (ran, *((row.ran_execution_id, row.ran_number) if ran else (row.execution_id, row.number)))
                    # There may be one for each context of a call.
                    keys[row.call_hash] = max(key, keys.get(row.call_hash, key))
        rows = self.jobs_numbered([key[1:] for key in keys.values()])
        return {row.call_hash: row for row in rows if row.call_hash is not None}

    def jobs_of_task(self, task_hash: bytes, limit: int, before: tuple[str, int] | None = None) -> list[JobRow]:
        """See `Backend.jobs_of_task`; with an execution and a number, `Backend.jobs_of_task_before`."""
        numbers = [number for (number,) in self._rows(select(task.c.id).where(task.c.hash == task_hash))]
        return self._newest_jobs("task_id", numbers, limit, before)

    def _newest_jobs(
        self, column: str, numbers: Iterable[int], limit: int, before: tuple[str, int] | None
    ) -> list[JobRow]:
        rows: dict[tuple[int, int], Any] = {}
        uuid, below = before if before is not None else (None, None)
        for number in numbers:
            values = {"owner": number, "most": limit, "uuid": uuid, "below": below}
            found = self._rows(_newest_jobs(column, before is not None), values)
            rows.update(((row.execution_id, row.number), row) for row in found)
        return [_job(rows[key]) for key in sorted(rows, reverse=True)[:limit]]

    # -- by their numbers in the tables, for searches -----------------------------------------------------------------

    def executions_numbered(self, numbers: Sequence[int]) -> list[ExecutionRecord]:
        """Some executions, in this order."""
        rows = {row.id: row for row in self._rows(select(execution).where(execution.c.id.in_(numbers)))}
        return [_execution(rows[number]) for number in numbers if number in rows]

    def jobs_numbered(self, keys: Sequence[tuple[int, int]]) -> list[JobRow]:
        """Some jobs by the number of their execution and their own, in this order."""
        rows: dict[tuple[int, int], Any] = {}
        for chunk in chunks(keys):
            page = Values(column("execution_id", Id), column("number", Id), name="page").data(list(chunk)).cte("page")
            found = self._rows(_jobs_with(page))
            rows.update(((row.execution_id, row.number), row) for row in found)
        return [_job(rows[key]) for key in keys if key in rows]

    def tasks_numbered(self, numbers: Sequence[int]) -> list[TaskRecord]:
        """Some tasks, in this order."""
        rows = {row.id: row for row in self._rows(select(task).where(task.c.id.in_(numbers)))}
        return [_task(rows[number]) for number in numbers if number in rows]

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(self, call_hash: bytes) -> CallRecord | None:
        """See `Backend.call`."""
        return self._calls.calls([call_hash]).get(call_hash)

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        """See `Backend.calls`."""
        return self._calls.calls(call_hashes)

    def calls_with_result(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """See `Backend.calls_with_result`."""
        return self._calls.with_result(value_hash, limit)

    def calls_with_argument(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """See `Backend.calls_with_argument`."""
        return self._calls.with_argument(value_hash, limit)

    # -- tasks, files, tags, ids --------------------------------------------------------------------------------------

    def task(self, task_hash: bytes) -> TaskRecord | None:
        """See `Backend.task`."""
        rows = self._rows(select(task).where(task.c.hash == task_hash))
        return _task(rows[0]) if rows else None

    def tasks_named(self, full_name: str, limit: int) -> list[TaskRecord]:
        """See `Backend.tasks_named`."""
        namespace, dot, name = full_name.rpartition(".")
        statement = select(task).where(task.c.name == name)
        if dot:
            statement = statement.where(task.c.namespace == namespace)
        return [_task(row) for row in self._rows(statement.order_by(task.c.id.desc()).limit(limit))]

    def files(self, path: str, limit: int) -> list[FileRow]:
        """See `Backend.files`."""
        statement = (
            select(value.c.hash, value_kind.c.type_name)
            .join_from(value, value_kind, value_kind.c.id == value.c.kind_id)
            .where(value.c.path == storable_path(path))
            .order_by(value.c.id.desc())
            .limit(limit)
        )
        return [FileRow(path, *row) for row in self._rows(statement)]

    def tags(self, kind: EntityKind, entity_ids: Iterable[str]) -> Mapping[str, list[TagRecord]]:
        """See `Backend.tags`."""
        found: dict[str, list[TagRecord]] = {}
        for chunk in chunks(list(dict.fromkeys(entity_ids))):
            statement = (
                select(tag.c.entity_id, tag.c.key, tag.c.value)
                .where(tag.c.entity_id.in_(chunk), tag.c.entity_kind == int(kind), tag.c.is_current == 1)
                .order_by(tag.c.id)
            )
            for entity_id, key, text in self._rows(statement):
                found.setdefault(entity_id, []).append(TagRecord(kind, entity_id, key, tag_value(text)))
        return found

    def find_ids(self, start: str, limit: int) -> list[EntityRef]:
        """See `Backend.find_ids`."""
        return self._ids.find(start, limit)


# -- statements: made once, because making one costs as much as running it --------------------------------------------

_MOST = bindparam("most", type_=Integer)


@functools.cache
def _jobs_after() -> Select[Any]:
    page = _job_keys().where(job.c.execution_id == _execution_number(), job.c.number > bindparam("after"))
    return _jobs(page.order_by(job.c.number).limit(_MOST))


@functools.cache
def _children_after() -> Select[Any]:
    page = _job_keys().where(job.c.execution_id == _execution_number(), job.c.number > bindparam("after"))
    # Numbers grow downwards, also in damaged rows whose jobs are above themselves: so every walk comes to an end.
    is_child = (job.c.parent == bindparam("parent"), job.c.number > bindparam("parent"))
    return _jobs(page.where(*is_child).order_by(job.c.number).limit(_MOST))


@functools.cache
def _one_job() -> Select[Any]:
    is_it = (job.c.execution_id == _execution_number(), job.c.number == bindparam("number"))
    return _jobs(_job_keys().where(*is_it).limit(1))


@functools.cache
def _numbers_of_call() -> Select[Any]:
    is_alike = prefix(call.c.call_hash) == bindparam("prefix", type_=LargeBinary)
    return select(call.c.id).where(is_alike, call.c.call_hash == bindparam("hash"))


@functools.cache
def _newest_jobs(column: str, has_bound: bool) -> Select[Any]:
    """The newest jobs of a task or call, perhaps before another job."""
    columns = [job.c[column], job.c.execution_id, job.c.number]
    below = [_execution_number(), bindparam("below", type_=Integer)] if has_bound else []
    return _jobs(walk(_job_keys(), columns, [bindparam("owner", type_=Id)], below).limit(_MOST))


@functools.cache
def _newest_of_calls() -> Select[Any]:
    """The keys of the newest job of each call, and of the newest that ran: each looked up, no more than a page away."""
    starts: BindParameter[Any] = bindparam("prefixes", expanding=True)
    owner = select(call.c.id, call.c.call_hash).where(prefix(call.c.call_hash).in_(starts)).subquery("owner")
    order = [job.c.call_id.desc(), job.c.execution_id.desc(), job.c.number.desc()]
    newest = select(job.c.execution_id, job.c.number, job.c.status).where(job.c.call_id == owner.c.id).order_by(*order)
    page = newest.limit(MOST_JOBS_OF_CALL).correlate(owner).subquery("page")
    ran = select(page.c.execution_id, page.c.number).where(page.c.status != int(Status.CACHED))
    ran = ran.order_by(page.c.execution_id.desc(), page.c.number.desc()).limit(1)
    newest = newest.limit(1).correlate(owner)
    names = ("execution_id", "number")
    return select(
        owner.c.call_hash,
        *(ran.with_only_columns(page.c[name]).scalar_subquery().label(f"ran_{name}") for name in names),
        *(newest.with_only_columns(job.c[name]).scalar_subquery().label(name) for name in names),
    )


def _execution_number() -> Any:
    return select(execution.c.id).where(execution.c.uuid == bindparam("uuid")).scalar_subquery()


def _job_keys() -> Select[Any]:
    return select(job.c.execution_id, job.c.number)


def _jobs(page: Select[Any]) -> Select[Any]:
    """Everything about the jobs whose keys another statement selects, in any order.

    The keys come first, and with their limit: left to itself, the planner may join and sort all jobs before it takes
    some.
    """
    return _jobs_with(page.subquery("page"))


def _jobs_with(keys: FromClause) -> Select[Any]:
    child = job.alias("child")
    children = (
        select(child.c.number)
        .where(child.c.execution_id == job.c.execution_id, child.c.parent == job.c.number)
        .limit(MOST_CHILDREN_COUNTED)
        .correlate(job)
        .subquery("children")
    )
    child_count = select(func.count()).select_from(children).scalar_subquery()
    return (
        select(
            execution.c.uuid,
            job,
            task.c.namespace,
            task.c.name,
            task.c.hash.label("task_hash"),
            call.c.call_hash,
            func.coalesce(job.c.eval_hash, call.c.eval_hash).label("any_eval_hash"),
            executor.c.name.label("executor"),
            child_count.label("child_count"),
        )
        .join_from(keys, job, and_(job.c.execution_id == keys.c.execution_id, job.c.number == keys.c.number))
        .join(execution, execution.c.id == job.c.execution_id)
        .join(task, task.c.id == job.c.task_id)
        .join(executor, executor.c.id == job.c.executor_id)
        .outerjoin(call, call.c.id == job.c.call_id)
    )


@readable("job")
def _job(row: Any) -> JobRow:
    return JobRow(
        row.uuid,
        row.number,
        row.parent,
        _full_name(row.namespace, row.name),
        row.task_hash,
        row.any_eval_hash,
        row.call_hash,
        Status(row.status),
        moment(row.start_time),
        row.end_time and moment(row.end_time),
        row.executor,
        row.attempt,
        row.child_count,
    )


@readable("execution")
def _execution(row: Any) -> ExecutionRecord:
    times = (moment(row.start_time), moment(row.updated_time), row.end_time and moment(row.end_time))
    return ExecutionRecord(row.uuid, tuple(json.loads(row.args)), Status(row.status), *times, row.scheduler_id)


def _task(row: Any) -> TaskRecord:
    return TaskRecord(row.hash, row.name, row.namespace, row.version, row.source)


def _full_name(namespace: str, name: str) -> str:
    return f"{namespace}.{name}" if namespace else name
