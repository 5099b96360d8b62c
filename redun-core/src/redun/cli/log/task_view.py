"""Tasks: each version with its source and the jobs that ran it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.cli.log.calls import CallTexts, full_name
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import indented, tags_data, tags_of, tags_text
from redun.provenance.liveness import JobStatuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import TaskRecord

_JOBS = 10


def lines(backend: Backend, tasks: Sequence[TaskRecord], *, limit: int | None) -> Iterator[str]:
    """The text form."""
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    for index, task in enumerate(tasks):
        if index:
            yield ""
        tags = tags_of(backend, EntityKind.TASK, task.hash.hex())
        version = f" version {task.version}" if task.version is not None else ""
        yield f"Task {task.hash.hex()} {full_name(task)}{version}{tags_text(tags)}"
        jobs = backend.jobs_of_task(task.hash, limit=limit or _JOBS)
        yield "  Recent jobs:" if jobs else "  No jobs."
        for row, call in zip(jobs, texts.of_jobs(jobs), strict=True):
            yield f"    {job_line(row, call, statuses)}"
        if task.source:
            yield ""
            yield from indented(task.source.rstrip().splitlines())


def data(backend: Backend, tasks: Sequence[TaskRecord], *, limit: int | None) -> Iterator[dict[str, Any]]:
    """The form for programs: a list of versions, newest first."""
    statuses = JobStatuses(backend)
    for task in tasks:
        yield {
            **task_data(task),
            "tags": tags_data(tags_of(backend, EntityKind.TASK, task.hash.hex())),
            "jobs": [job_data(row, statuses) for row in backend.jobs_of_task(task.hash, limit=limit or _JOBS)],
        }


def task_data(task: TaskRecord) -> dict[str, Any]:
    """One version of a task for programs."""
    return {
        "kind": "task",
        "hash": task.hash.hex(),
        "name": task.name,
        "namespace": task.namespace,
        "version": task.version,
        "source": task.source,
    }
