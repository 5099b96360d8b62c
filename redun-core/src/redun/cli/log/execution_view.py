"""One execution: what it was, how it went, and the tree of its jobs."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, Status
from redun.cli.log.calls import CallTexts, in_chunks
from redun.cli.log.executions_view import execution_data
from redun.cli.log.executions_view import line as execution_line
from redun.cli.log.formatting import duration, iso_time, job_id, job_name, local_time, status_box, tags_of
from redun.errors import UsageError
from redun.provenance.job_tree import walk_jobs
from redun.provenance.liveness import LOST, JobStatuses, execution_status
from redun.scheduler.status_table import COLUMNS, status_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord, JobRow

_MAX_INDENT = 20
"""Levels that are shown by indentation; deeper ones are numbered."""
_RULE = "-" * 80
_UNUSUAL = ("CANCELLED", LOST)


def lines(backend: Backend, execution_id: str, *, limit: int | None) -> Iterator[str]:
    """The text form."""
    execution = _execution(backend, execution_id)
    tags = tags_of(backend, EntityKind.EXECUTION, execution_id)
    yield execution_line(execution, tags, execution.id)
    yield f"Duration: {duration(execution.start_time, execution.end_time)}"
    if execution.status is Status.RUNNING:
        yield f"Last sign of life: {local_time(execution.updated_time)} ({execution.scheduler_id})"
    for tag in tags:
        if tag.key == "doc":
            yield f"Doc: {tag.value}"
    counts = _counts(backend, execution)
    yield ""
    yield f"| JOB STATUS {local_time(execution.end_time or execution.updated_time)}"
    yield from _table(counts)
    yield ""
    yield _summary(counts)
    yield _RULE
    yield from _tree(backend, execution_id, limit)


def data(backend: Backend, execution_id: str, *, limit: int | None) -> dict[str, Any]:
    """The form for programs: the jobs are a flat list in the order of the tree, each with its parent's number."""
    execution = _execution(backend, execution_id)
    statuses = JobStatuses(backend)
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for task_name, status, count in _counts(backend, execution):
        counts[task_name][status] = count
    return {
        **execution_data(execution, tags_of(backend, EntityKind.EXECUTION, execution_id)),
        "task_counts": dict(counts),
        "jobs": (job_data(job, statuses) for _, job in islice(walk_jobs(backend, execution_id), limit)),
    }


def job_data(job: JobRow, statuses: JobStatuses) -> dict[str, Any]:
    """One job for programs."""
    return {
        "id": job_id(job),
        "number": job.number,
        "parent": job.parent,
        "task": job.task_name,
        "task_hash": job.task_hash.hex(),
        "eval_hash": job.eval_hash.hex(),
        "call_hash": job.call_hash.hex() if job.call_hash is not None else None,
        "status": statuses.of(job),
        "start_time": iso_time(job.start_time),
        "end_time": iso_time(job.end_time),
        "executor": job.executor,
        "attempt": job.attempt,
        "child_count": job.child_count,
    }


def job_line(job: JobRow, call: str, statuses: JobStatuses) -> str:
    """One job in one line."""
    return f"Job {job_name(job)} {status_box(statuses.of(job))} {local_time(job.start_time)}:  {call}"


def _tree(backend: Backend, execution_id: str, limit: int | None) -> Iterator[str]:
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    walk = walk_jobs(backend, execution_id)
    for chunk in in_chunks(islice(walk, limit)):
        calls = texts.of_jobs([job for _, job in chunk])
        for (depth, job), call in zip(chunk, calls, strict=True):
            yield _indentation(depth) + job_line(job, call, statuses)
    if next(walk, None) is not None:
        yield f"... (the first {limit} jobs; more with a higher --limit)"


def _indentation(depth: int) -> str:
    if depth <= _MAX_INDENT:
        return "  " * depth
    return f"{f'[{depth}] ':>{2 * _MAX_INDENT + 2}}"


def _execution(backend: Backend, execution_id: str) -> ExecutionRecord:
    execution = backend.execution(execution_id)
    if execution is None:
        raise UsageError(f"execution {execution_id} is not in the repository")
    return execution


def _counts(backend: Backend, execution: ExecutionRecord) -> list[tuple[str, str, int]]:
    """Task, status and number of its jobs with that status."""
    is_lost = execution_status(execution) == LOST
    return [
        (task_name, LOST if is_lost and status is Status.RUNNING else status.name, count)
        for task_name, status, count in backend.task_counts(execution.id)
    ]


def _table(counts: list[tuple[str, str, int]]) -> list[str]:
    found = {status for _, status, _ in counts}
    columns = [*COLUMNS, *(status for status in _UNUSUAL if status in found)]
    rows: dict[str, list[int]] = {}
    for task_name, status, count in counts:
        row = rows.setdefault(task_name, [0] * len(columns))
        row[columns.index(status)] += count
    return status_table(rows, columns)


def _summary(counts: list[tuple[str, str, int]]) -> str:
    by_status: Counter[str] = Counter()
    for _, status, count in counts:
        by_status[status] += count
    shown = ["DONE", "CACHED", "FAILED"]
    shown += [status for status in ("RUNNING", *_UNUSUAL) if by_status[status]]
    return f"Jobs: {by_status.total()} ({', '.join(f'{one}: {by_status[one]}' for one in shown)})"
