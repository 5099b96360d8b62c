"""Finding jobs."""

from __future__ import annotations

import heapq
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.backends.records import EntityKind
from sqlalchemy import select

from redun_backend_sql.packing import argument_hashes
from redun_backend_sql.questions.search.filters import in_pages, walk_down
from redun_backend_sql.questions.walks import walk
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import UNFINISHED, call, call_argument, execution, is_unfinished, job, prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.search import TagFilter

    from redun_backend_sql.questions.search.executions import Executions
    from redun_backend_sql.questions.search.filters import Ask, Filters
    from redun_backend_sql.questions.search.tagged import Tagged

_MANY_CALLS = 2000
_ENOUGH_JOBS = 500
"""Jobs that tell how common a tag is in an execution."""
_MANY_JOBS = 2000
"""Jobs of some calls that are sorted in memory. Equal calls of a large fan-out have many more."""


class JobKey(NamedTuple):
    """A job by the numbers that other rows need."""

    execution_id: int
    number: int
    task_id: int
    call_id: int | None


class Jobs:
    """Answers through a function that runs a statement."""

    def __init__(self, ask: Ask, tagged: Tagged, executions: Executions) -> None:
        self._ask = ask
        self._tagged = tagged
        self._executions = executions

    def matching(self, filters: Filters) -> Iterator[JobKey]:
        """The jobs that the filters name, whatever their tags."""
        if filters.has_values and (filters.executions is None or not self.has_many_calls(filters)):
            yield from self._of_calls(filters)
            return
        for row in self._executions.with_jobs(filters):
            yield from self._with_values_of(self._of_execution(row.id, filters), filters)

    def has_many_calls(self, filters: Filters) -> bool:
        """Whether so many calls took or returned what is asked for that other filters should lead the way."""
        return any(True for _ in islice(self._calls_by_start(filters), _MANY_CALLS, None))

    def has_any(self, number: int, filters: Filters) -> bool:
        """Whether an execution has one of the jobs that the filters name."""
        return any(True for _ in self._with_values_of(self._of_execution(number, filters), filters))

    def tagged(self, filters: Filters) -> Iterator[JobKey]:
        """Those of them that have the tags of the query."""
        for page in in_pages(self._with_tags(filters)):
            of_executions: dict[str, list[int]] = {}
            for entity_id in page:
                uuid, _, number = entity_id.rpartition(".")
                of_executions.setdefault(uuid, []).append(int(number))
            yield from self._checked(list(self._numbered(of_executions)), filters)

    # -- of executions ------------------------------------------------------------------------------------------------

    def _of_execution(self, number: int, filters: Filters) -> Iterator[JobKey]:
        if filters.tasks is None or (filters.job_statuses and set(filters.job_statuses) <= set(UNFINISHED)):
            keys = self._walk(filters, (job.c.execution_id, job.c.number), (number,))
            yield from (each for each in keys if filters.tasks is None or each.task_id in filters.tasks)
            return
        tasks = {row.task_id for row in self._executions.job_counts([number], filters)}
        walks = []
        for task_id in tasks:
            columns = (job.c.task_id, job.c.execution_id, job.c.number)
            walks.append(self._walk(filters, columns, (task_id, number)))
        yield from heapq.merge(*walks, key=lambda each: each.number, reverse=True)

    def _walk(self, filters: Filters, columns: Sequence[Any], of: Sequence[int]) -> Iterator[JobKey]:
        statement = select(job.c.number, job.c.task_id, job.c.call_id)
        if filters.job_statuses:
            statement = statement.where(job.c.status.in_(filters.job_statuses))
            if set(filters.job_statuses) <= set(UNFINISHED):
                statement = statement.where(is_unfinished)
        for number, task_id, call_id in walk_down(self._ask, statement, *columns, of=of):
            yield JobKey(of[-1], number, task_id, call_id)

    # -- of results and arguments -------------------------------------------------------------------------------------

    def _of_calls(self, filters: Filters) -> Iterator[JobKey]:
        allowed: dict[int, bool] = {}
        for page in in_pages(self._calls(filters)):
            for rows in self._made(page, filters):
                unknown = {row.execution_id for row in rows} - allowed.keys()
                if unknown:
                    match = self._executions.which_match(unknown, filters)
                    allowed.update((each, each in match) for each in unknown)
                yield from (row for row in rows if allowed[row.execution_id])

    def _made(self, calls: Sequence[int], filters: Filters) -> Iterator[list[JobKey]]:
        """The jobs that made these calls."""
        statement = select(job.c.execution_id, job.c.number, job.c.task_id, job.c.call_id)
        if filters.job_statuses:
            statement = statement.where(job.c.status.in_(filters.job_statuses))
        rows = self._ask(statement.where(job.c.call_id.in_(calls)).limit(_MANY_JOBS + 1))
        if len(rows) <= _MANY_JOBS:
            yield sorted((JobKey(*row) for row in rows), reverse=True)
            return
        columns = (job.c.call_id, job.c.execution_id, job.c.number)
        for number in calls:
            rows = self._ask(walk(statement, columns, [number]).limit(_MANY_JOBS))
            while rows:
                yield [JobKey(*row) for row in rows]
                rows = self._ask(walk(statement, columns, [number], rows[-1][:2]).limit(_MANY_JOBS))

    def _calls(self, filters: Filters) -> Iterator[int]:
        """The calls with one of these results and arguments, newest first."""
        for page in in_pages(self._calls_by_start(filters)):
            yield from self._with_values(page, filters)

    def _calls_by_start(self, filters: Filters) -> Iterator[int]:
        """The calls with the start of the hash of one of these arguments, or else results."""
        query = filters.query
        if query.arguments:
            columns: Sequence[Any] = (call_argument.c.value_prefix, call_argument.c.call_id)
        else:
            columns = (prefix(call.c.value_hash), call.c.id)
        walks = [
            walk_down(self._ask, select(columns[-1]), *columns, of=(each[:8],))
            for each in query.arguments or query.results
        ]
        # A call may have taken several of them: then it comes as often, and in sequence.
        return (number for (number,), _ in groupby(heapq.merge(*walks, reverse=True)))

    def _with_values_of(self, keys: Iterable[JobKey], filters: Filters) -> Iterator[JobKey]:
        if not filters.has_values:
            yield from keys
            return
        for page in in_pages(keys):
            calls = sorted({each.call_id for each in page if each.call_id is not None})
            match = set(self._with_values(calls, filters))
            yield from (each for each in page if each.call_id in match)

    def _with_values(self, numbers: Sequence[int], filters: Filters) -> list[int]:
        """Those of these calls with one of the results and arguments: until here only the start of a hash was used."""
        results, arguments = set(filters.query.results), set(filters.query.arguments)
        found = set()
        for chunk in chunks(numbers):
            columns = (call.c.id, call.c.task_id, call.c.value_hash, call.c.arguments)
            for row in self._ask(select(*columns).where(call.c.id.in_(chunk), call.c.call_hash.is_not(None))):
                if (
                    (filters.tasks is None or row.task_id in filters.tasks)
                    and (not results or row.value_hash in results)
                    and (not arguments or any(each in arguments for each in argument_hashes(row.arguments)))
                ):
                    found.add(row.id)
        return [number for number in numbers if number in found]

    # -- of tags ------------------------------------------------------------------------------------------------------

    def _with_tags(self, filters: Filters) -> Iterator[str]:
        tags = filters.query.tags
        if filters.executions is None:
            yield from self._tagged.entities(EntityKind.JOB, tags)
            return
        for row in self._executions.matching(filters):
            yield from self._tagged_in(row, tags)

    def _tagged_in(self, row: Any, tags: Sequence[TagFilter]) -> Iterator[str]:
        """The ids of an execution's jobs with these tags: from its jobs while many have them, else from its tags."""
        looked_at = found = 0
        last = None
        columns = (job.c.execution_id, job.c.number)
        for page in in_pages(walk_down(self._ask, select(job.c.number), *columns, of=(row.id,))):
            kept = self._tagged.keep(EntityKind.JOB, [f"{row.uuid}.{number}" for (number,) in page], tags)
            yield from kept
            looked_at, found, last = looked_at + len(page), found + len(kept), page[-1][0]
            if looked_at >= _ENOUGH_JOBS and found < looked_at // 10:
                break
        else:
            return
        # "/" follows "." in the order of characters.
        ids = self._tagged.entities_between(EntityKind.JOB, f"{row.uuid}.", f"{row.uuid}/", tags)
        numbers = sorted((int(each.rpartition(".")[2]) for each in ids), reverse=True)
        yield from (f"{row.uuid}.{number}" for number in numbers if number < last)

    def _numbered(self, of_executions: dict[str, list[int]]) -> Iterator[Any]:
        rows = self._ask(select(execution.c.uuid, execution.c.id).where(execution.c.uuid.in_(list(of_executions))))
        numbers = dict(rows)
        for uuid, jobs in of_executions.items():
            if uuid not in numbers:
                continue  # The tag of a job that was not written before a kill.
            columns = (job.c.execution_id, job.c.number, job.c.task_id, job.c.call_id, job.c.status)
            statement = select(*columns).where(job.c.execution_id == numbers[uuid], job.c.number.in_(jobs))
            yield from sorted(self._ask(statement), key=lambda row: row.number, reverse=True)

    def _checked(self, rows: Sequence[Any], filters: Filters) -> Iterator[JobKey]:
        allowed = self._executions.which_match({row.execution_id for row in rows}, filters)
        keys = [
            JobKey(row.execution_id, row.number, row.task_id, row.call_id)
            for row in rows
            if row.execution_id in allowed
            and (filters.tasks is None or row.task_id in filters.tasks)
            and (not filters.job_statuses or row.status in filters.job_statuses)
        ]
        yield from self._with_values_of(keys, filters)
