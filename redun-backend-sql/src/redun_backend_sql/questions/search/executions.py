"""Finding executions, and the executions in which to look for jobs."""

from __future__ import annotations

import heapq
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from sqlalchemy import Select, or_, select

from redun_backend_sql.questions.search.filters import in_pages, page_sizes
from redun_backend_sql.questions.walks import walk
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import execution, job, job_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.search import TagFilter

    from redun_backend_sql.questions.search.filters import Ask, Filters
    from redun_backend_sql.questions.search.tagged import Tagged


class Executions:
    """Answers through a function that runs a statement. Executions are rows with number, id, status and start."""

    def __init__(self, ask: Ask, tagged: Tagged) -> None:
        self._ask = ask
        self._tagged = tagged

    def matching(self, filters: Filters, tags: Sequence[TagFilter] = ()) -> Iterator[Any]:
        """The executions that the filters name and that have these tags, newest first."""
        return self._checked(self._candidates(filters, tags), filters, tags, with_jobs=False)

    def with_jobs(self, filters: Filters, tags: Sequence[TagFilter] = ()) -> Iterator[Any]:
        """Those of them that have a job with one of the filters' tasks and statuses, if there are such filters."""
        if filters.tasks is None or filters.executions is not None or tags or filters.query.execution_tags:
            candidates = self._candidates(filters, tags)
        else:
            candidates = self._numbered(self._of_tasks(filters.tasks))
        return self._checked(candidates, filters, tags, with_jobs=True)

    def which_match(self, numbers: Iterable[int], filters: Filters) -> set[int]:
        """Those of these executions that the filters name."""
        if not filters.query.names_executions:
            return set(numbers)
        return {row.id for row in self._checked(self._numbered(numbers), filters, (), with_jobs=False)}

    def job_counts(self, numbers: Sequence[int], filters: Filters) -> list[Any]:
        """Execution, task, status and number of the jobs of these executions with the filters' tasks and statuses."""
        found = []
        for chunk in chunks(numbers):
            statement = select(job_count.c.execution_id, job_count.c.task_id, job_count.c.status, job_count.c["count"])
            statement = statement.where(job_count.c.execution_id.in_(chunk), job_count.c["count"] > 0)
            if filters.job_statuses:
                statement = statement.where(job_count.c.status.in_(filters.job_statuses))
            # Tasks are compared here: one name may have many versions.
            found += [row for row in self._ask(statement) if filters.tasks is None or row.task_id in filters.tasks]
        return found

    # -- inside -------------------------------------------------------------------------------------------------------

    def _checked(
        self, candidates: Iterable[Any], filters: Filters, tags: Sequence[TagFilter], *, with_jobs: bool
    ) -> Iterator[Any]:
        wanted = (*tags, *filters.query.execution_tags)
        for page in in_pages(candidates):
            rows = [
                row
                for row in page
                if (filters.executions is None or row.id in filters.executions)
                and (not filters.execution_statuses or row.status in filters.execution_statuses)
            ]
            if wanted:
                tagged = set(self._tagged.keep(EntityKind.EXECUTION, [row.uuid for row in rows], wanted))
                rows = [row for row in rows if row.uuid in tagged]
            if with_jobs and (filters.tasks is not None or filters.job_statuses):
                having = {row.execution_id for row in self.job_counts([row.id for row in rows], filters)}
                rows = [row for row in rows if row.id in having]
            yield from rows

    def _candidates(self, filters: Filters, tags: Sequence[TagFilter]) -> Iterator[Any]:
        wanted = (*tags, *filters.query.execution_tags)
        if filters.executions is not None:
            rows = self._rows(execution.c.id, sorted(filters.executions))
            return iter(sorted(rows, key=lambda row: (row.start_time, row.id), reverse=True))
        if wanted:
            return self._tagged_with(wanted)
        return self._newest_first(filters)

    def _tagged_with(self, wanted: Sequence[TagFilter]) -> Iterator[Any]:
        for page in in_pages(self._tagged.entities(EntityKind.EXECUTION, wanted)):
            yield from sorted(
                self._rows(execution.c.uuid, page), key=lambda row: (row.start_time, row.id), reverse=True
            )

    def _newest_first(self, filters: Filters) -> Iterator[Any]:
        statement = _executions().order_by(execution.c.start_time.desc(), execution.c.id.desc())
        if filters.execution_statuses:
            statement = statement.where(execution.c.status.in_(filters.execution_statuses))
        last = None
        for size in page_sizes():
            page = statement
            if last is not None:
                earlier = execution.c.start_time <= last.start_time
                is_next = or_(execution.c.start_time < last.start_time, execution.c.id < last.id)
                page = statement.where(earlier, is_next)
            rows = self._ask(page.limit(size))
            yield from rows
            if len(rows) < size:
                return
            last = rows[-1]

    def _of_tasks(self, tasks: Iterable[int]) -> Iterator[int]:
        """The executions that have jobs of these tasks, newest first."""
        merged = heapq.merge(*map(self._of_task, tasks), reverse=True)
        return (number for number, _ in groupby(merged))

    def _of_task(self, task_id: int) -> Iterator[int]:
        below = sys.maxsize
        for size in page_sizes():
            found = [number for (number,) in self._ask(_jumps(task_id, below).limit(size))]
            yield from found
            if len(found) < size:
                return
            below = found[-1]

    def _numbered(self, numbers: Iterable[int]) -> Iterator[Any]:
        """The executions with these numbers, in this order."""
        for page in in_pages(numbers):
            rows = {row.id: row for row in self._rows(execution.c.id, page)}
            yield from (rows[number] for number in page)

    def _rows(self, column: Any, keys: Sequence[Any]) -> list[Any]:
        return [row for chunk in chunks(keys) for row in self._ask(_executions().where(column.in_(chunk)))]


def _jumps(task_id: int, below: int) -> Select[Any]:
    """The executions below a number that have jobs of a task, by jumping from one to the next in the index by task."""

    def highest(below: Any) -> Any:
        columns = (job.c.task_id, job.c.execution_id)
        return walk(select(job.c.execution_id), columns, [task_id], [below]).limit(1)

    jump = select(highest(below).scalar_subquery().label("id")).cte("jump", recursive=True)
    after = highest(jump.c.id).correlate(jump).scalar_subquery()
    jump = jump.union_all(select(after).where(jump.c.id.is_not(None)))
    return select(jump.c.id).where(jump.c.id.is_not(None))


def _executions() -> Select[Any]:
    return select(execution.c.id, execution.c.uuid, execution.c.status, execution.c.start_time)
