"""What a search has found, one line each, or each in full."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.backends.search import Kind
from redun.cli.log import execution_view, executions_view, file_view, job_view, task_view, value_view
from redun.cli.log.calls import CallTexts, full_name, in_chunks
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import job_id, tags_data, tags_text
from redun.provenance.derivation import newest_job
from redun.provenance.liveness import JobStatuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import TagRecord
    from redun.provenance.search import Search

_NAMES = {
    Kind.EXECUTION: "Execution",
    Kind.JOB: "Job",
    Kind.CALL: "CallNode",
    Kind.TASK: "Task",
    Kind.VALUE: "Value",
    Kind.FILE: "File",
}
_ENTITIES = {
    Kind.EXECUTION: EntityKind.EXECUTION,
    Kind.JOB: EntityKind.JOB,
    Kind.CALL: EntityKind.CALL,
    Kind.TASK: EntityKind.TASK,
    Kind.VALUE: EntityKind.VALUE,
    Kind.FILE: EntityKind.VALUE,
}


def lines(
    backend: Backend, search: Search, kinds: Sequence[Kind], *, limit: int | None, in_full: bool
) -> Iterator[str]:
    """The text form, kind after kind."""
    texts, is_empty = _Texts(backend), True
    for kind in kinds:
        rows = search.rows(backend, kind)
        for chunk in in_chunks(islice(rows, limit)):
            if in_full:
                for row in chunk:
                    yield from () if is_empty else ("",)
                    yield from texts.in_full(kind, row)
                    is_empty = False
            else:
                yield from texts.of(kind, chunk)
            is_empty = False
        if limit is not None and next(rows, None) is not None:
            yield f"... (the first {limit}; more with a higher --limit)"
    if is_empty:
        # Who looks for a tag may not know what kind of thing has it.
        only_executions = search.query.tags and list(kinds) == [Kind.EXECUTION]
        yield "(none; --all also shows jobs, calls, tasks and values)" if only_executions else "(none)"


def data(
    backend: Backend, search: Search, kinds: Sequence[Kind], *, limit: int | None, in_full: bool
) -> Iterator[dict[str, Any]]:
    """The form for programs: one list."""
    texts = _Texts(backend)
    for kind in kinds:
        for chunk in in_chunks(islice(search.rows(backend, kind), limit)):
            yield from (texts.data_in_full(kind, row) for row in chunk) if in_full else texts.data(kind, chunk)


def count_lines(backend: Backend, search: Search, kinds: Sequence[Kind]) -> Iterator[str]:
    """How many there are of each kind."""
    for kind in kinds:
        yield f"{search.count(backend, kind):8} {_NAMES[kind]}"


def count_data(backend: Backend, search: Search, kinds: Sequence[Kind]) -> dict[str, int]:
    """The same for programs."""
    return {kind.value: search.count(backend, kind) for kind in kinds}


class _Texts:
    """Renders what is found, many at once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._texts = CallTexts(backend)
        self._statuses = JobStatuses(backend)

    def of(self, kind: Kind, rows: list[Any]) -> Iterator[str]:
        """A line for each."""
        tags = self._tags(kind, rows)
        if kind is Kind.EXECUTION:
            for row, its_tags in zip(rows, tags, strict=True):
                yield executions_view.line(row, its_tags, row.id[:8])
            return
        for line, its_tags in zip(self._lines(kind, rows), tags, strict=True):
            yield line + tags_text(its_tags)

    def _lines(self, kind: Kind, rows: list[Any]) -> list[str]:
        if kind is Kind.JOB:
            calls = self._texts.of_jobs(rows)
            return [job_line(row, call, self._statuses) for row, call in zip(rows, calls, strict=True)]
        if kind is Kind.CALL:
            calls = self._texts.of_calls(rows)
            return [f"CallNode {row.call_hash.hex()[:8]} {call}" for row, call in zip(rows, calls, strict=True)]
        if kind is Kind.TASK:
            return [f"Task {row.hash.hex()[:8]} {full_name(row)}" for row in rows]
        if kind is Kind.FILE:
            return [f"File {row.value_hash.hex()[:8]} {row.path}" for row in rows]
        shown = self._texts.of_values([row.hash for row in rows])
        return [f"Value {row.hash.hex()[:8]} {row.type_name} {text}" for row, text in zip(rows, shown, strict=True)]

    def in_full(self, kind: Kind, row: Any) -> Iterator[str]:
        """The view that the thing's own id gives."""
        view, *subject = self._view(kind, row)
        if view is not None:
            return view.lines(self._backend, *subject, limit=None)  # type: ignore[no-any-return]
        return self.of(kind, [row])

    def data(self, kind: Kind, rows: list[Any]) -> Iterator[dict[str, Any]]:
        """The form for programs of each."""
        shown = self._texts.of_values([row.hash for row in rows]) if kind is Kind.VALUE else [""] * len(rows)
        for row, tags, text in zip(rows, self._tags(kind, rows), shown, strict=True):
            yield {**self._data(kind, row, text), "tags": tags_data(tags)}

    def _data(self, kind: Kind, row: Any, preview: str) -> dict[str, Any]:
        if kind is Kind.EXECUTION:
            return executions_view.execution_data(row, [])
        if kind is Kind.JOB:
            return {"kind": "job", **job_data(row, self._statuses)}
        if kind is Kind.TASK:
            return task_view.task_data(row)
        if kind is Kind.FILE:
            return {"kind": "file", "path": row.path, "hash": row.value_hash.hex(), "type": row.type_name}
        if kind is Kind.VALUE:
            names = {"kind": "value", "hash": row.hash.hex(), "type": row.type_name, "codec": row.codec}
            return {**names, "path": row.path, "preview": preview}
        return {
            "kind": "call",
            "hash": row.call_hash.hex(),
            "task": self._texts.task_name(row.task_hash),
            "task_hash": row.task_hash.hex(),
            "arguments": [{"name": each.name, "hash": each.value_hash.hex()} for each in row.arguments],
            "error" if row.is_error else "result": row.value_hash.hex(),
        }

    def data_in_full(self, kind: Kind, row: Any) -> dict[str, Any]:
        """What the view of the thing's own id gives to programs."""
        view, *subject = self._view(kind, row)
        if view is None:
            return next(self.data(kind, [row]))
        found = view.data(self._backend, *subject, limit=None)
        return next(found) if kind is Kind.TASK else found

    def _view(self, kind: Kind, row: Any) -> tuple[Any, ...]:
        if kind is Kind.EXECUTION:
            return execution_view, row.id
        if kind is Kind.TASK:
            return task_view, [row]
        if kind is Kind.VALUE:
            return value_view, row.hash
        if kind is Kind.FILE:
            return file_view, row.path
        job = row if kind is Kind.JOB else newest_job(self._backend, row)
        return (None,) if job is None else (job_view, job)

    def _tags(self, kind: Kind, rows: list[Any]) -> list[list[TagRecord]]:
        names = [_entity_id(kind, row) for row in rows]
        tags = self._backend.tags(_ENTITIES[kind], names)
        return [list(tags.get(name, ())) for name in names]


def _entity_id(kind: Kind, row: Any) -> str:
    if kind is Kind.EXECUTION:
        return str(row.id)
    if kind is Kind.JOB:
        return job_id(row)
    thing = row.call_hash if kind is Kind.CALL else row.value_hash if kind is Kind.FILE else row.hash
    return str(thing.hex())
