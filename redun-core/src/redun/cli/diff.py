"""`redun diff`: what ran differently in two executions, and what came out differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from redun.backends.records import EntityKind, Status
from redun.cli.explain import value_change_data
from redun.cli.id_command import IdCommand
from redun.cli.log.execution_view import job_data
from redun.cli.log.executions_view import execution_data
from redun.cli.log.executions_view import line as execution_line
from redun.cli.log.formatting import indented, job_name, tags_of
from redun.cli.log.output import show
from redun.provenance.liveness import JobStatuses

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.cli.app import App
    from redun.provenance.changes import CodeChange, ValueChange
    from redun.provenance.difference import ExecutionDifference, JobDifference

_COLUMNS = {"ran": (Status.DONE,), "cached": (Status.CACHED,), "failed": (Status.FAILED,)}
_JOBS = 50
_MAX_INDENT = 10


@click.command(cls=IdCommand)
@click.argument("before", metavar="EXEC1")
@click.argument("after", metavar="EXEC2")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=_JOBS, help="Show at most N jobs.")
@click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")
@click.pass_obj
def diff(app: App, before: str, after: str, as_json: bool, limit: int, no_pager: bool) -> None:
    """Compare two executions: what ran differently, and what changed in results, code, arguments and files.

    EXEC1 and EXEC2 are ids, the beginnings of ids, `-` for the latest execution, or `~2` for the one before it:
    `redun diff ~2 -` compares the last two.
    """
    from redun.provenance import Repository

    app.start_logging()
    backend = app.open_backend()
    try:
        repository = Repository(backend)
        found = repository.execution(before).diff(repository.execution(after))
        data = difference_data(backend, found) if as_json else None
        show(data, difference_lines(backend, found, limit), as_json=as_json, no_pager=no_pager)
    finally:
        backend.close()


# -- text -------------------------------------------------------------------------------------------------------------


def difference_lines(backend: Backend, found: ExecutionDifference, limit: int) -> Iterator[str]:
    """The text form."""
    for sign, execution in (("-", found.before), ("+", found.after)):
        tags = tags_of(backend, EntityKind.EXECUTION, execution.id)
        yield f"{sign} {execution_line(execution, tags, execution.id[:8])}"
    yield ""
    yield from _count_lines(found)
    yield ""
    if not found.jobs:
        yield "The same calls with the same results."
        return
    numbers = [f"{found.number_of(kind)} {kind}" for kind in ("changed", "added", "removed")]
    yield f"Calls: {', '.join(numbers)}{'' if found.is_complete else ', and perhaps more'}"
    yield from _job_lines(found, limit)
    root = found.jobs[0]
    if root.result is not None:
        yield ""
        yield "The execution:"
        yield from indented(_value_lines(root.result))
    if found.codes:
        yield ""
        yield "Code:"
        for name, code in found.codes.items():
            yield f"  {name}"
            yield from indented(_code_lines(code), 4)
    if found.files:
        yield ""
        yield "Files:"
        yield from indented(map(str, found.files.values()))


def _count_lines(found: ExecutionDifference) -> Iterator[str]:
    width = max([len("TASK"), *map(len, found.counts)])
    heading = "".join(f"{name.upper():>16}" for name in _COLUMNS)
    yield f"{'TASK':{width}}{heading}"
    for name, (before, after) in found.counts.items():
        yield f"{name:{width}}" + "".join(_change(before, after, statuses) for statuses in _COLUMNS.values())


def _change(before: Counter[Status], after: Counter[Status], statuses: tuple[Status, ...]) -> str:
    old, new = (sum(counts[status] for status in statuses) for counts in (before, after))
    return f"{old if old == new else f'{old} -> {new}':>16}"


def _job_lines(found: ExecutionDifference, limit: int) -> Iterator[str]:
    for job in found.jobs[:limit]:
        name = (job.after or job.before).task_name  # type: ignore[union-attr]  # one of them is there
        jobs = " -> ".join(job_name(row) for row in (job.before, job.after) if row is not None)
        sign = "+" if job.before is None else "-" if job.after is None else "~"
        words = f": {', '.join(job.what)}" if sign == "~" else ""
        yield f"{'  ' * min(job.depth, _MAX_INDENT)}{sign} {name} ({jobs}){words}"
        for change in job.arguments:
            yield from indented(_value_lines(change), 2 * min(job.depth, _MAX_INDENT) + 4)
        if job.context is not None:
            yield from indented(_value_lines(job.context), 2 * min(job.depth, _MAX_INDENT) + 4)
    if len(found.jobs) > limit:
        yield f"... and {len(found.jobs) - limit} more (--limit)"


def _value_lines(change: ValueChange) -> Iterator[str]:
    if change.path is not None:
        yield f"{change.name} = {change.files[0]}"
        yield from indented(change.details[1:], 4)
    elif change.is_long:
        yield f"{change.name}:"
        yield from indented(change.details)
    else:
        yield f"- {change.name} = {change.before}"
        yield f"+ {change.name} = {change.after}"
        yield from indented(change.details, 4)


def _code_lines(code: CodeChange) -> Iterator[str]:
    if code.note:
        yield code.note
    yield from code.lines


# -- for programs -----------------------------------------------------------------------------------------------------


def difference_data(backend: Backend, found: ExecutionDifference) -> dict[str, Any]:
    """The form for programs."""
    statuses = JobStatuses(backend)
    executions = {
        side: execution_data(execution, tags_of(backend, EntityKind.EXECUTION, execution.id))
        for side, execution in (("before", found.before), ("after", found.after))
    }
    return {
        "kind": "difference",
        **executions,
        "task_counts": {
            name: [{status.name: count for status, count in side.items()} for side in sides]
            for name, sides in found.counts.items()
        },
        **{kind: found.number_of(kind) for kind in ("changed", "added", "removed")},
        "is_complete": found.is_complete,
        "code": {name: {"note": code.note, "lines": list(code.lines)} for name, code in found.codes.items()},
        "files": [
            {
                "path": file.path,
                "before": file.before_hash.hex() if file.before_hash is not None else None,
                "after": file.after_hash.hex() if file.after_hash is not None else None,
            }
            for file in found.files.values()
        ],
        "jobs": (_job_data(job, statuses) for job in found.jobs),
    }


def _job_data(job: JobDifference, statuses: JobStatuses) -> dict[str, Any]:
    return {
        "depth": job.depth,
        "what": list(job.what),
        "before": None if job.before is None else job_data(job.before, statuses),
        "after": None if job.after is None else job_data(job.after, statuses),
        "arguments": [value_change_data(change) for change in job.arguments],
        "result": None if job.result is None else value_change_data(job.result),
        "context": None if job.context is None else value_change_data(job.context),
    }
