"""The whole derivation of a value or file: where it came from, and what was made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redun.cli.log.calls import CallTexts, in_chunks, value_data
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import job_name
from redun.errors import UsageError
from redun.provenance import find as finding
from redun.provenance.downstream import depth_first, downstream, downstream_of_call, files_made
from redun.provenance.liveness import JobStatuses
from redun.provenance.upstream import upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow
    from redun.provenance.downstream import UseRow
    from redun.provenance.upstream import StepRow

_STATES = 10
_STEPS = 50
_MAX_INDENT = 20
_NO_JOB = "its job is not in this repository"


class DownstreamView(NamedTuple):
    """What was made from something, in the two forms that every view has."""

    title: str
    starts: tuple[bytes | CallRecord, ...]
    """Values, or the call whose result it is about."""

    def lines(self, backend: Backend, *, limit: int | None) -> Iterator[str]:
        """The text form."""
        yield f"Made from {self.title}:"
        for start in self.starts:
            if len(self.starts) > 1:
                yield ""
                yield f"State {_hash_of(start).hex()}"
            yield from downstream_lines(backend, start, limit)

    def data(self, backend: Backend, *, limit: int | None) -> dict[str, Any]:
        """The form for programs."""
        values = [{"hash": _hash_of(each).hex(), **downstream_data(backend, each, limit)} for each in self.starts]
        return {"kind": "downstream", "of": self.title, "values": values}


def view_of(backend: Backend, found: finding.Found) -> tuple[DownstreamView, tuple[()]]:
    """The view of what was made from a file, in each of its recorded states, a value, or the result of a job.

    Raises UsageError for anything else.
    """
    match found:
        case finding.FileFound(path):
            states = backend.files(path, limit=_STATES)
            return DownstreamView(f"file {path}", tuple(row.value_hash for row in states)), ()
        case finding.ValueFound(value_hash):
            return DownstreamView(f"value {value_hash.hex()}", (value_hash,)), ()
        case finding.JobFound(job):
            call = backend.call(job.call_hash) if job.call_hash is not None else None
            if call is None or call.is_error:
                raise UsageError(f"job {job_name(job)} has no result that anything could be made from")
            return DownstreamView(f"the result of job {job_name(job)} {job.task_name}", (call,)), ()
    raise UsageError("--downstream is about a file, a value or a job")


def upstream_lines(backend: Backend, value_hash: bytes, limit: int | None) -> Iterator[str]:
    """Where a value came from: each call, and below it what it took."""
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    most = limit or _STEPS
    shown = 0
    for steps in in_chunks(upstream(backend, value_hash, most)):
        shown += len(steps)
        calls = _call_lines([(step.call, step.job) for step in steps if step.call is not None], texts, statuses)
        origins = texts.at_length([step.value_hash for step in steps if step.call is None])
        for step in steps:
            name = f"{step.name} <- " if step.name is not None else ""
            if step.call is None:
                what = f"{origins[step.value_hash]} ({_origin_text(step, texts)})"
            else:
                what = calls[step.call.call_hash] + (" (see above)" if step.was_shown else "")
            yield _indent(step.depth) + name + what
    if shown == most:
        yield f"... (the first {most} steps; more with a higher --limit)"


def _origin_text(step: StepRow, texts: CallTexts) -> str:
    if step.name is None:
        return "no recorded job made it"
    place = step.set_in
    if place.is_outside:
        return "given to the root"
    if place.job is not None:
        return f"set in {job_name(place.job)} {place.job.task_name}"
    if place.call is not None:
        return f"set in {_call_name(place.call)} {texts.task_name(place.call.task_hash)}, {_NO_JOB}"
    return "set by a call whose job is not in this repository"


def _call_lines(
    made: list[tuple[CallRecord, JobRow | None]], texts: CallTexts, statuses: JobStatuses
) -> dict[bytes, str]:
    """Each call as its newest job, if there is one, by its hash."""
    jobs = [(job, call) for call, job in made if job is not None]
    named = texts.of_jobs([job for job, _ in jobs], [call for _, call in jobs])
    lines = {call.call_hash: job_line(job, text, statuses) for (job, call), text in zip(jobs, named, strict=True)}
    rest = [call for call, job in made if job is None]
    for call, text in zip(rest, texts.of_calls(rest), strict=True):
        lines[call.call_hash] = f"{_call_name(call)} {text} ({_NO_JOB})"
    return lines


def _call_name(call: CallRecord) -> str:
    return f"CallNode {call.call_hash.hex()[:8]}"


def downstream_lines(backend: Backend, start: bytes | CallRecord, limit: int | None) -> Iterator[str]:
    """What was made from a value, each call below the one whose result it took, and the files in which that ended."""
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    most = limit or _STEPS
    uses = depth_first(_uses(backend, start, most))
    for chunk in in_chunks(uses):
        calls = _call_lines([(use.call, use.job) for use in chunk], texts, statuses)
        for use in chunk:
            took = f"  as {', '.join(use.took)}" if use.took else "  passes it on"
            yield f"{_indent(use.depth)}{calls[use.call.call_hash]}{took}{_end_text(use)}"
    if not uses:
        yield "  no recorded job took it"
    if len(uses) == most:
        yield f"... (the first {most} calls; more with a higher --limit)"
    made = files_made(uses)
    if made:
        yield ""
        yield "Files made from it:"
        for file in made:
            yield f"  {file.path} <{file.value_hash.hex()[:8]}>"


def _end_text(use: UseRow) -> str:
    if not use.is_end:
        return ""
    return " (end)" if use.job is not None else " (what took its result is not known)"


def upstream_data(backend: Backend, value_hash: bytes, limit: int | None) -> list[dict[str, Any]]:
    """The same for programs: a list in the order of the text, each step with its depth."""
    statuses = JobStatuses(backend)
    return [
        {
            "depth": step.depth,
            "argument": step.name,
            "value": value_data(backend, step.value_hash),
            "call_hash": None if step.call is None else step.call.call_hash.hex(),
            "job": None if step.job is None else job_data(step.job, statuses),
            "is_origin": step.call is None,
            "set_in": None if step.set_in.call is None else step.set_in.call.call_hash.hex(),
            "is_given": step.set_in.is_outside,
            "was_shown": step.was_shown,
        }
        for step in upstream(backend, value_hash, limit or _STEPS)
    ]


def downstream_data(backend: Backend, start: bytes | CallRecord, limit: int | None) -> dict[str, Any]:
    """The same for programs; `parent` is the call whose result each took."""
    statuses = JobStatuses(backend)
    uses = depth_first(_uses(backend, start, limit or _STEPS))
    return {
        "calls": [
            {
                "depth": use.depth,
                "call_hash": use.call.call_hash.hex(),
                "parent": None if use.parent is None else use.parent.hex(),
                "arguments": list(use.took),
                "job": None if use.job is None else job_data(use.job, statuses),
                "is_end": use.is_end,
            }
            for use in uses
        ],
        "files": [
            {"path": file.path, "hash": file.value_hash.hex(), "call_hash": file.call.call_hash.hex()}
            for file in files_made(uses)
        ],
    }


def _uses(backend: Backend, start: bytes | CallRecord, most: int) -> Iterator[UseRow]:
    return downstream(backend, start, most) if isinstance(start, bytes) else downstream_of_call(backend, start, most)


def _hash_of(start: bytes | CallRecord) -> bytes:
    return start if isinstance(start, bytes) else start.value_hash


def _indent(depth: int) -> str:
    return "  " * depth if depth <= _MAX_INDENT else f"{f'[{depth}] ':>{2 * _MAX_INDENT + 2}}"
