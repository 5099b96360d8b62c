"""One job: where it stands in its execution, what it was called with, what came out, and why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import MOST_CHILDREN_COUNTED, EntityKind, Status
from redun.cli.log.calls import CallTexts, value_data
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import duration, indented, job_name, tags_data, tags_of, tags_text
from redun.provenance.derivation import upstream_jobs
from redun.provenance.job_tree import path_to_root
from redun.provenance.liveness import JobStatuses
from redun.provenance.preview import safe_decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_PREVIEW = 200


def lines(backend: Backend, job: JobRow, *, limit: int | None) -> Iterator[str]:
    """The text form."""
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    tags = tags_of(backend, EntityKind.JOB, f"{job.execution_id}.{job.number}")
    yield job_line(job, texts.of_jobs([job])[0], statuses) + tags_text(tags)
    yield f"Path: {_path(backend, job)}"
    again = f", attempt {job.attempt}" if job.attempt > 1 else ""
    nowhere = "from the cache" if job.status is Status.CACHED else "on no executor"
    where = f"on {job.executor}" if job.executor else nowhere
    yield f"Duration: {duration(job.start_time, job.end_time)} {where}{again}"
    yield ""
    call = backend.call(job.call_hash) if job.call_hash is not None else None
    if call is None:
        yield "  CallNode unknown: the job has not ended, or its end was not recorded."
    else:
        yield from indented(_call_lines(backend, texts, job, call))
    yield ""
    yield from indented(_task_lines(backend, job))
    if job.child_count:
        yield ""
        yield from indented(_children(backend, texts, statuses, job, limit or 20))
    if call is not None and call.is_error:
        yield ""
        yield "  Traceback:"
        yield from indented(_traceback(backend, call.value_hash), 4)


def data(backend: Backend, job: JobRow, *, limit: int | None) -> dict[str, Any]:
    """The form for programs."""
    call = backend.call(job.call_hash) if job.call_hash is not None else None
    result: dict[str, Any] = {
        "kind": "job",
        **job_data(job, JobStatuses(backend)),
        "ancestors": [row.number for row in path_to_root(backend, job)],
        "children": [row.number for row in backend.jobs(job.execution_id, parent=job.number, limit=limit or 1000)],
        "tags": tags_data(tags_of(backend, EntityKind.JOB, f"{job.execution_id}.{job.number}")),
        "arguments": None,
        "result": None,
        "error": None,
    }
    if call is not None:
        result["arguments"] = [
            {
                "name": argument.name,
                **value_data(backend, argument.value_hash),
                "upstream": [call_hash.hex() for call_hash in argument.upstream],
            }
            for argument in call.arguments
        ]
        result["error" if call.is_error else "result"] = value_data(backend, call.value_hash)
    if call is not None and call.is_error:
        result["traceback"] = _traceback(backend, call.value_hash)
    return result


def _path(backend: Backend, job: JobRow) -> str:
    shown = 4
    ancestors = path_to_root(backend, job, limit=1000)
    steps = [f"Exec {job.execution_id[:8]}"]
    if len(ancestors) > shown:
        steps.append(f"({len(ancestors) - shown}{'+' if len(ancestors) == 1000 else ''} jobs)")
    for row in [*reversed(ancestors[:shown]), job]:
        steps.append(f"Job {job_name(row)} {row.task_name.rpartition('.')[2]}")
    return " > ".join(steps)


def _call_lines(backend: Backend, texts: CallTexts, job: JobRow, call: CallRecord) -> Iterator[str]:
    yield f"CallNode {call.call_hash.hex()} {job.task_name}"
    hashes = [value_hash.hex() for value_hash in (call.value_hash, *(each.value_hash for each in call.arguments))]
    tags = backend.tags(EntityKind.VALUE, hashes)
    shown_values = texts.at_length([each.value_hash for each in call.arguments], _PREVIEW)
    yield "  Args:" if call.arguments else "  Args:   none"
    for argument in call.arguments:
        origin = ", ".join(
            f"{row.task_name} (Job {job_name(row)})" for row in upstream_jobs(backend, argument.upstream, limit=5)
        )
        shown = shown_values[argument.value_hash]
        shown += tags_text(tags.get(argument.value_hash.hex(), ()))
        yield f"    {argument.name} = <{argument.value_hash.hex()[:8]}> {shown}{f'  from {origin}' if origin else ''}"
    word = "Raised:" if call.is_error else "Result:"
    shown = _outcome(backend, texts, call) + tags_text(tags.get(call.value_hash.hex(), ()))
    yield f"  {word} <{call.value_hash.hex()[:8]}> {shown}"


def _outcome(backend: Backend, texts: CallTexts, call: CallRecord) -> str:
    if call.is_error:
        error = _error_value(backend, call.value_hash)
        if error is not None:
            from redun.short_repr import short_repr

            return short_repr(error.error, _PREVIEW)
    return texts.at_length([call.value_hash], _PREVIEW)[call.value_hash]


def _task_lines(backend: Backend, job: JobRow) -> Iterator[str]:
    yield f"Task {job.task_hash.hex()} {job.task_name}"
    task = backend.task(job.task_hash)
    if task is not None and task.source:
        yield ""
        yield from indented(task.source.rstrip().splitlines())


def _children(backend: Backend, texts: CallTexts, statuses: JobStatuses, job: JobRow, limit: int) -> Iterator[str]:
    is_all = job.child_count < MOST_CHILDREN_COUNTED
    yield f"Children: {job.child_count}{'' if is_all else ' or more'}"
    rows = backend.jobs(job.execution_id, parent=job.number, limit=limit)
    for row, call in zip(rows, texts.of_jobs(rows), strict=True):
        yield f"  {job_line(row, call, statuses)}"
    if job.child_count > len(rows):
        yield f"  ... and {job.child_count - len(rows) if is_all else 'many'} more (--limit)"


def _traceback(backend: Backend, value_hash: bytes) -> list[str]:
    error = _error_value(backend, value_hash)
    lines_of = getattr(getattr(error, "traceback", None), "format", None)
    if lines_of is None:
        return ["(not recorded)"]
    try:
        return [line for text in lines_of() for line in text.rstrip("\n").splitlines()]
    except Exception as problem:  # what was recorded may be of another version
        return [f"(unreadable: {type(problem).__name__})"]


def _error_value(backend: Backend, value_hash: bytes) -> Any:
    value = backend.load_values([value_hash]).get(value_hash)
    if value is None or value.codec != "pickle":
        return None
    try:
        return safe_decode(value)
    except Exception:  # damaged, or not what an error looks like: the preview says so
        return None
