"""The recent executions, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.cli.log.formatting import arguments_text, iso_time, local_time, status_box, tags_data, tags_text
from redun.provenance.liveness import execution_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord, TagRecord

_PAGE = 100


def lines(backend: Backend, *, limit: int | None) -> Iterator[str]:
    """The text form, newest first."""
    yield "Recent executions:"
    yield ""
    shown = 0
    for execution, tags in _pages(backend, limit):
        yield line(execution, tags, execution.id[:8])
        shown += 1
    if not shown:
        yield "(none yet)"


def line(execution: ExecutionRecord, tags: list[TagRecord], name: str) -> str:
    """One execution in one line, under this name."""
    when = local_time(execution.start_time)
    return (
        f"Exec {name} {status_box(execution_status(execution))} {when}:  {arguments_text(execution)}{tags_text(tags)}"
    )


def data(backend: Backend, *, limit: int | None) -> Iterator[dict[str, Any]]:
    """The form for programs."""
    return (execution_data(execution, tags) for execution, tags in _pages(backend, limit))


def execution_data(execution: ExecutionRecord, tags: list[TagRecord]) -> dict[str, Any]:
    """One execution for programs."""
    return {
        "kind": "execution",
        "id": execution.id,
        "status": execution_status(execution),
        "args": list(execution.args),
        "start_time": iso_time(execution.start_time),
        "updated_time": iso_time(execution.updated_time),
        "end_time": iso_time(execution.end_time),
        "scheduler": execution.scheduler_id,
        "tags": tags_data(tags),
    }


def _pages(backend: Backend, limit: int | None) -> Iterator[tuple[ExecutionRecord, list[TagRecord]]]:
    skip = 0
    while limit is None or skip < limit:
        page = _PAGE if limit is None else min(_PAGE, limit - skip)
        executions = backend.executions(limit=page, skip=skip)
        tags = backend.tags(EntityKind.EXECUTION, [execution.id for execution in executions])
        for execution in executions:
            yield execution, list(tags.get(execution.id, ()))
        if len(executions) < page:
            return
        skip += page
