"""Executions, jobs, calls and tasks as objects that know how to find each other.

They are made by `Repository`. Equal objects are about the same thing; what one has read, it keeps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, Status
from redun.provenance.entity import Entity
from redun.provenance.job_tree import walk_jobs
from redun.provenance.liveness import LOST, JobStatuses, execution_status
from redun.provenance.values import Argument, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, ExecutionRecord, JobRow, TaskRecord
    from redun.provenance.difference import ExecutionDifference
    from redun.provenance.filters import TagFilters
    from redun.provenance.lineage import Use
    from redun.provenance.reasons import Explanation

_PAGE = 200


class Execution(Entity):
    """One run of a workflow."""

    kind = EntityKind.EXECUTION

    def __init__(self, backend: Backend, record: ExecutionRecord) -> None:
        super().__init__(backend)
        self.record = record

    @property
    def id(self) -> str:
        """A UUID."""
        return self.record.id

    def __repr__(self) -> str:
        return f"Execution({self.id}, {self.status}, {' '.join(self.args)!r})"

    @property
    def args(self) -> tuple[str, ...]:
        """The command line, or what stands for it."""
        return self.record.args

    @property
    def status(self) -> str:
        """`DONE`, `FAILED`, `RUNNING`, `CANCELLED`, or `LOST` where its process has gone without a word."""
        return execution_status(self.record)

    @property
    def start_time(self) -> datetime:
        """When it began, in UTC."""
        return _moment(self.record.start_time)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return None if self.record.end_time is None else _moment(self.record.end_time)

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None if it has not ended."""
        return (
            None if self.record.end_time is None else timedelta(seconds=self.record.end_time - self.record.start_time)
        )

    @cached_property
    def root(self) -> Job | None:
        """The job that everything began with."""
        row = self.backend.job(self.id, 1)
        return None if row is None else Job(self.backend, row)

    def jobs(
        self,
        *,
        task: str | Sequence[str] = (),
        status: str | Sequence[str] = (),
        tag: TagFilters = (),
        since: datetime | timedelta | None = None,
        until: datetime | timedelta | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """The jobs, read page by page: all in the order of the call tree, a job before those below it.

        With filters the newest first; all of them have to hold, of several names or statuses one, of tags each.

        task: the name of a task, with namespace or without.
        status: `DONE`, `CACHED`, `FAILED`, `RUNNING`, `CANCELLED` or `LOST`.
        tag: a tag that the job has, `"key=value"`, or `"key"` for any value; or a dict of keys and values.
        since, until: when it began; a span of time is counted back from now.
        limit: how many at most.

        Raises `UsageError` for what is no status and no tag.
        """
        from redun.provenance.filters import filtered_jobs, within

        if not (task or status or tag):
            rows: Iterator[JobRow] = (row for _, row in walk_jobs(self.backend, self.id))
        else:
            rows = filtered_jobs(self.backend, self.id, task, status, tag)
        if since is not None or until is not None:
            rows = within(rows, since, until)
        return _job_pages(self.backend, islice(rows, limit))

    def job(self, number: int) -> Job | None:
        """The job with this number."""
        row = self.backend.job(self.id, number)
        return None if row is None else Job(self.backend, row)

    def task_counts(self) -> dict[str, dict[str, int]]:
        """By task: how many of its jobs are in which state."""
        counts: dict[str, dict[str, int]] = {}
        for name, status, count in self.backend.task_counts(self.id):
            shown = LOST if status is Status.RUNNING and self.status == LOST else status.name
            counts.setdefault(name, {})[shown] = count
        return counts

    def diff(self, later: Execution) -> ExecutionDifference:
        """What differs between this execution and a later one."""
        from redun.provenance.difference import difference

        return difference(self.backend, self.id, later.id)

    def to_pandas(self, *, arguments: bool = False, results: bool = False, tags: bool = False) -> Any:
        """The jobs as a pandas data frame, one row each. Raises ImportError where pandas is not installed.

        `seconds` includes what a job waited for the jobs below it: the sum of a column counts these several times.

        arguments: also a column `argument.<name>` for each parameter of any of the tasks.
        results: also a column `result`.
        tags: also a column `tag.<key>` for each tag of any of the jobs; of several values of a key, a list.

        Arguments and results are plain data: numbers, texts and lists of such as they are, and what else there is as
        one line that shows it. They are read from the repository, which takes time in a large execution.
        """
        from redun.provenance.frames import to_pandas

        return to_pandas(self.jobs(), arguments=arguments, results=results, tags=tags)

    def to_polars(self, *, arguments: bool = False, results: bool = False, tags: bool = False) -> Any:
        """The jobs as a Polars data frame, with the same columns. Raises ImportError where Polars is not installed.

        A column whose values have several types is one of texts.
        """
        from redun.provenance.frames import to_polars

        return to_polars(self.jobs(), arguments=arguments, results=results, tags=tags)


class Job(Entity):
    """One evaluation of a task call within an execution."""

    kind = EntityKind.JOB

    def __init__(self, backend: Backend, row: JobRow, page: _CallPage | None = None) -> None:
        super().__init__(backend)
        self.row = row
        self._page = page or _CallPage(backend, [row])

    @property
    def id(self) -> str:
        """`<execution id>.<number>`."""
        return f"{self.row.execution_id}.{self.row.number}"

    def __repr__(self) -> str:
        return f"Job({self.id}, {self.status}, {self.task_name})"

    @property
    def number(self) -> int:
        """Counts from 1 within the execution."""
        return self.row.number

    @property
    def task_name(self) -> str:
        """The full name of the task."""
        return self.row.task_name

    @cached_property
    def status(self) -> str:
        """`DONE`, `CACHED`, `FAILED`, `RUNNING`, `CANCELLED` or `LOST`."""
        return JobStatuses(self.backend).of(self.row)

    @property
    def start_time(self) -> datetime:
        """When it began, in UTC."""
        return _moment(self.row.start_time)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return None if self.row.end_time is None else _moment(self.row.end_time)

    @property
    def duration(self) -> timedelta | None:
        """How long it took, calls below included; None if it has not ended."""
        return _duration(self.row)

    @property
    def executor(self) -> str:
        """The name of the executor that ran it; empty where nothing ran."""
        return self.row.executor

    @property
    def attempt(self) -> int:
        """Which attempt this is the outcome of, from 1."""
        return self.row.attempt

    @cached_property
    def execution(self) -> Execution:
        """The execution that it belongs to."""
        record = self.backend.execution(self.row.execution_id)
        assert record is not None  # a job is never recorded without it
        return Execution(self.backend, record)

    @cached_property
    def parent(self) -> Job | None:
        """The job that made the call."""
        row = None if self.row.parent is None else self.backend.job(self.row.execution_id, self.row.parent)
        return None if row is None else Job(self.backend, row)

    def children(self) -> Iterator[Job]:
        """The jobs of the calls made by this one, by number. Read page by page."""

        def rows() -> Iterator[JobRow]:
            after = 0
            while page := self.backend.jobs(self.row.execution_id, parent=self.number, after=after, limit=_PAGE):
                yield from page
                after = page[-1].number

        return _job_pages(self.backend, rows()) if self.row.child_count else iter(())

    @property
    def call(self) -> Call | None:
        """What it did; None while that is not recorded."""
        record = self._page.call(self.row)
        return None if record is None else Call(self.backend, record)

    @property
    def arguments(self) -> dict[str, Argument]:
        """The arguments of its call, by name; empty while they are not recorded."""
        call = self.call
        return {} if call is None else call.arguments

    @property
    def result(self) -> Value | None:
        """What it returned, or the error that it raised; None while there is neither."""
        call = self.call
        return None if call is None else call.result

    @cached_property
    def task(self) -> Task | None:
        """The version of the task that was called."""
        record = self.backend.task(self.row.task_hash)
        return None if record is None else Task(self.backend, record)

    def explain(self) -> Explanation:
        """Why it ran, or why an earlier result was used."""
        from redun.provenance.explain import explain

        return explain(self.backend, self.row)


class Call(Entity):
    """A completed call: shared by all jobs that made the same call with the same outcome."""

    kind = EntityKind.CALL

    def __init__(self, backend: Backend, record: CallRecord) -> None:
        super().__init__(backend)
        self.record = record

    @property
    def id(self) -> str:
        """The hash, 40 hex digits."""
        return self.record.call_hash.hex()

    @property
    def is_error(self) -> bool:
        """Whether it failed: then the result is the error."""
        return self.record.is_error

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """The arguments, by name."""
        return {each.name: Argument(self.backend, each) for each in self.record.arguments}

    @property
    def result(self) -> Value:
        """What it returned in the end, or the error that it raised."""
        return Value(self.backend, self.record.value_hash)

    @property
    def context(self) -> Value | None:
        """The context that it was made in, if there was one."""
        return Value(self.backend, self.record.context_hash) if self.record.context_hash else None

    @cached_property
    def task(self) -> Task | None:
        """The version of the task that was called."""
        record = self.backend.task(self.record.task_hash)
        return None if record is None else Task(self.backend, record)

    def children(self) -> list[Call]:
        """The calls made by this one, in their order."""
        return calls_of(self.backend, self.record.children)

    def jobs(self, limit: int = 20) -> list[Job]:
        """The jobs that made this call, newest first."""
        return list(_job_pages(self.backend, self.backend.jobs_of_call(self.record.call_hash, limit)))

    def downstream(self, limit: int = 100) -> Iterator[Use]:
        """The calls that took its result, and everything made from theirs, nearest first."""
        from redun.provenance.downstream import downstream_of_call
        from redun.provenance.lineage import uses

        return uses(self.backend, downstream_of_call(self.backend, self.record, limit))


class Task(Entity):
    """One version of a task."""

    kind = EntityKind.TASK

    def __init__(self, backend: Backend, record: TaskRecord) -> None:
        super().__init__(backend)
        self.record = record

    @property
    def id(self) -> str:
        """The hash, 40 hex digits."""
        return self.record.hash.hex()

    def __repr__(self) -> str:
        return f"Task({self.id}, {self.name})"

    @property
    def name(self) -> str:
        """The full name: `namespace.name`."""
        return f"{self.record.namespace}.{self.record.name}" if self.record.namespace else self.record.name

    @property
    def version(self) -> str | None:
        """The version that it declares."""
        return self.record.version

    @property
    def source(self) -> str:
        """The code."""
        return self.record.source

    def versions(self, limit: int = 20) -> list[Task]:
        """All versions of the task, newest first."""
        found = self.backend.tasks_named(self.name, limit)
        return [Task(self.backend, each) for each in found if each.namespace == self.record.namespace]

    def jobs(self, limit: int = 20) -> list[Job]:
        """The jobs of this version, newest first."""
        return list(_job_pages(self.backend, self.backend.jobs_of_task(self.record.hash, limit)))


class _CallPage:
    """The calls of some jobs, read all at once when the first one is asked for."""

    def __init__(self, backend: Backend, rows: list[JobRow]) -> None:
        self.backend = backend
        self._rows = rows

    @cached_property
    def _calls(self) -> dict[bytes, CallRecord]:
        return self.backend.calls([row.call_hash for row in self._rows if row.call_hash is not None])

    def call(self, row: JobRow) -> CallRecord | None:
        return None if row.call_hash is None else self._calls.get(row.call_hash)


def calls_of(backend: Backend, call_hashes: Iterable[bytes]) -> list[Call]:
    """The calls with these hashes, as far as they are known."""
    wanted = list(call_hashes)
    found = backend.calls(wanted)
    return [Call(backend, found[each]) for each in wanted if each in found]


def _job_pages(backend: Backend, rows: Iterable[JobRow]) -> Iterator[Job]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _PAGE)):
        page = _CallPage(backend, chunk)
        yield from (Job(backend, row, page) for row in chunk)


def _duration(record: ExecutionRecord | JobRow) -> timedelta | None:
    return None if record.end_time is None else timedelta(seconds=record.end_time - record.start_time)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
