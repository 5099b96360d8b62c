"""All searches in one place, with what is shown of the things that they find."""

from __future__ import annotations

import sys
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.backends.search import Kind
from sqlalchemy import CompoundSelect, func, select, union

from redun_backend_sql.questions.search.executions import Executions
from redun_backend_sql.questions.search.filters import in_pages, resolve, walk_down
from redun_backend_sql.questions.search.jobs import JobKey, Jobs
from redun_backend_sql.questions.search.tagged import Tagged
from redun_backend_sql.questions.search.values import Values
from redun_backend_sql.schema import call, call_argument, execution, job_count, prefix, task, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.records import CallRecord, ExecutionRecord, FileRow, JobRow, StoredValue, TaskRecord
    from redun.backends.search import Query, ValueRow
    from sqlalchemy import Select

    from redun_backend_sql.questions.questions import Questions
    from redun_backend_sql.questions.search.filters import Filters


class Answers:
    """Searches a repository.

    with_questions: calls a function with what runs statements, for few of them, so that nobody waits for a slow reader.
    load: `Backend.load_values`.
    """

    def __init__(
        self,
        with_questions: Callable[[Callable[[Questions], Any]], Any],
        load: Callable[[Sequence[bytes]], dict[bytes, StoredValue]],
    ) -> None:
        self._with_questions = with_questions
        self.tagged = Tagged(self._ask)
        self._executions = Executions(self._ask, self.tagged)
        self._jobs = Jobs(self._ask, self.tagged, self._executions)
        self._values = Values(self._ask, load, self.tagged, self._jobs)

    def _ask(self, statement: Select[Any]) -> Sequence[Any]:
        return self._with_questions(methodcaller("rows", statement))  # type: ignore[no-any-return]

    def executions(self, query: Query) -> Iterator[ExecutionRecord]:
        """See `Search.search_executions`."""
        for page in in_pages(self._execution_numbers(resolve(self._ask, query))):
            rows = self._with_questions(methodcaller("executions_numbered", page))
            yield from rows

    def jobs(self, query: Query) -> Iterator[JobRow]:
        """See `Search.search_jobs`."""
        for page in in_pages(self._job_keys(query)):
            rows = self._with_questions(
                methodcaller("jobs_numbered", [(each.execution_id, each.number) for each in page])
            )
            yield from rows

    def calls(self, query: Query) -> Iterator[CallRecord]:
        """See `Search.search_calls`."""
        seen: set[bytes] = set()
        for page in in_pages(self._call_hashes(query)):
            hashes = [each for each in dict.fromkeys(page) if each not in seen]
            seen.update(hashes)
            names = self.tagged.keep(EntityKind.CALL, [each.hex() for each in hashes], query.tags)
            hashes = [bytes.fromhex(each) for each in names]
            records = self._with_questions(methodcaller("calls", hashes))
            yield from (records[each] for each in hashes if each in records)

    def tasks(self, query: Query) -> Iterator[TaskRecord]:
        """See `Search.search_tasks`."""
        for page in in_pages(self._task_numbers(resolve(self._ask, query))):
            rows = self._with_questions(methodcaller("tasks_numbered", page))
            tagged = set(self.tagged.keep(EntityKind.TASK, [row.hash.hex() for row in rows], query.tags))
            yield from (row for row in rows if row.hash.hex() in tagged)

    def values(self, query: Query) -> Iterator[ValueRow]:
        """See `Search.search_values`."""
        return self._values.matching(resolve(self._ask, query))

    def files(self, query: Query) -> Iterator[FileRow]:
        """See `Search.search_files`."""
        return self._values.files(resolve(self._ask, query))

    def count(self, kind: Kind, query: Query) -> int | None:
        """How many things a search finds, where that can be told without finding each; otherwise None."""
        if kind is Kind.JOB:
            if query.results or query.arguments or query.tags:
                return sum(1 for _ in self._job_keys(query))
            return self._count_jobs(resolve(self._ask, query))
        if kind is Kind.CALL and not query.tags and query.names_jobs:
            return len(set(self._call_hashes(query)))
        if query.names_jobs or query.tags or query.value_types or query.paths:
            return None
        counted: dict[Kind, Select[Any]] = {
            Kind.EXECUTION: select(func.count()).select_from(execution),
            Kind.CALL: select(func.count(prefix(call.c.call_hash).distinct())),
            Kind.TASK: select(func.count()).select_from(task),
            Kind.VALUE: select(func.count()).select_from(_value_prefixes().subquery()),
            Kind.FILE: select(func.count(value.c.path.distinct())).where(value.c.path.is_not(None)),
        }
        return int(self._ask(counted[kind])[0][0])

    # -- inside -------------------------------------------------------------------------------------------------------

    def _job_keys(self, query: Query) -> Iterator[JobKey]:
        filters = resolve(self._ask, query)
        return self._jobs.tagged(filters) if query.tags else self._jobs.matching(filters)

    def _execution_numbers(self, filters: Filters) -> Iterable[int]:
        query = filters.query
        if not filters.has_values:
            needs_jobs = filters.tasks is not None or query.job_statuses
            find = self._executions.with_jobs if needs_jobs else self._executions.matching
            return (row.id for row in find(filters, query.tags))
        if self._jobs.has_many_calls(filters):
            rows = self._executions.with_jobs(filters, query.tags)
            return (row.id for row in rows if self._jobs.has_any(row.id, filters))
        return self._with_tags(_distinct(each.execution_id for each in self._jobs.matching(filters)), query)

    def _with_tags(self, numbers: Iterator[int], query: Query) -> Iterator[int]:
        for page in in_pages(numbers):
            ids = [each.id for each in self._with_questions(methodcaller("executions_numbered", page))]
            tagged = set(self.tagged.keep(EntityKind.EXECUTION, ids, query.tags))
            yield from (number for number, name in zip(page, ids, strict=True) if name in tagged)

    def _call_hashes(self, query: Query) -> Iterator[bytes]:
        """Hashes of calls that everything but their tags speaks for; perhaps some more than once."""
        if query.names_jobs:
            jobs = self._jobs.matching(resolve(self._ask, query))
            numbers = _distinct(each.call_id for each in jobs if each.call_id is not None)
            for page in in_pages(numbers):
                statement = select(call.c.id, call.c.call_hash).where(call.c.id.in_(page))
                hashes = dict(self._ask(statement))
                yield from (hashes[number] for number in page)
        elif query.tags:
            yield from map(bytes.fromhex, self.tagged.entities(EntityKind.CALL, query.tags))
        else:
            statement = select(call.c.id, call.c.call_hash).where(call.c.call_hash.is_not(None))
            yield from (call_hash for _, call_hash in walk_down(self._ask, statement, call.c.id))

    def _task_numbers(self, filters: Filters) -> Iterator[int]:
        query = filters.query
        if filters.has_values:
            yield from _distinct(each.task_id for each in self._jobs.matching(filters))
        elif query.names_executions or query.job_statuses:
            for page in in_pages(self._executions.with_jobs(filters)):
                counts = self._executions.job_counts([row.id for row in page], filters)
                yield from sorted({row.task_id for row in counts}, reverse=True)
        elif filters.tasks is not None:
            yield from sorted(filters.tasks, reverse=True)
        elif query.tags:
            for names in in_pages(self.tagged.entities(EntityKind.TASK, query.tags)):
                hashes = [bytes.fromhex(each) for each in names]
                numbers = self._ask(select(task.c.id).where(task.c.hash.in_(hashes)))
                yield from sorted((number for (number,) in numbers), reverse=True)
        else:
            yield from (number for (number,) in walk_down(self._ask, select(task.c.id), task.c.id))

    def _count_jobs(self, filters: Filters) -> int:
        if filters.query.names_executions:
            return sum(
                row.count
                for page in in_pages(self._executions.with_jobs(filters))
                for row in self._executions.job_counts([each.id for each in page], filters)
            )
        statement = select(job_count.c.task_id, func.sum(job_count.c["count"]))
        if filters.job_statuses:
            statement = statement.where(job_count.c.status.in_(filters.job_statuses))
        rows = self._ask(statement.group_by(job_count.c.task_id))
        return sum(int(count) for task_id, count in rows if filters.tasks is None or task_id in filters.tasks)


def _value_prefixes() -> CompoundSelect[Any]:
    """What all hashes of values begin with, each once.

    In order, and with a limit, because SQLite otherwise forgets about the order: then it merges three indexes instead
    of looking up each hash among all others.
    """
    parts = (
        select(prefix(value.c.hash).label("start")),
        select(prefix(call.c.value_hash)).where(prefix(call.c.value_hash).is_not(None)),
        select(call_argument.c.value_prefix),
    )
    return union(*parts).order_by("start").limit(sys.maxsize)


def _distinct(numbers: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield number
