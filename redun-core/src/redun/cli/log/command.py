"""The command: finds what its argument and filters name, and sends the fitting view to the terminal, a pager or out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from redun.cli.id_command import IdCommand
from redun.cli.log import (
    derivation_view,
    execution_view,
    executions_view,
    file_view,
    job_view,
    listing,
    task_view,
    value_view,
)
from redun.cli.log.filters import Filters, filter_options
from redun.cli.log.output import show
from redun.errors import UsageError
from redun.provenance import find as finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.cli.app import App


@click.command(cls=IdCommand, params=filter_options())
@click.argument("what", required=False, metavar="[ID]")
@click.option("--count", "only_count", is_flag=True, help="Show only how many there are.")
@click.option("--detail", "in_full", is_flag=True, help="Show all that is known about each.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json: for programs.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N of each kind, or N jobs.")
@click.option("--downstream", is_flag=True, help="Of a file, value or job: show what was made from it.")
@click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")
@click.pass_obj
def log(
    app: App,
    /,
    what: str | None,
    only_count: bool,
    in_full: bool,
    form: str,
    as_json: bool,
    limit: int | None,
    downstream: bool,
    no_pager: bool,
    **parameters: Any,
) -> None:
    """Show executions, jobs, calls, tasks, values and files.

    Without ID: the recent executions, newest first. With filters: whatever they let through. Filters given several
    times are alternatives, except for tags, all of which are needed.

    ID is `-` for the latest execution, `~2` for the one before it, an id or the beginning of one, a job such as
    3f9a2c1b.17, the name of a task, or the path of a file. With filters, ID is an execution or a task to stay within.
    """
    app.start_logging()
    backend = app.open_backend()
    try:
        filters = Filters.of(parameters)
        limits: dict[str, Any] = {"limit": limit}
        view: Any = executions_view
        subject: tuple[Any, ...] = ()
        if downstream:
            _refuse_more_than_one_thing(what, filters, only_count or in_full)
            view, subject = derivation_view.view_of(backend, finding.find(backend, what or ""))
        elif filters or only_count or (in_full and what is None):
            if what is not None:
                filters = _within(backend, what, filters)
            view, subject = _Counts if only_count else listing, (filters.search(backend), filters.kinds_to_show())
            limits = {} if only_count else {"limit": limit, "in_full": in_full}
        elif what is not None:
            view, subject = _view_of(backend, finding.find(backend, what))
        wants_json = as_json or form == "json"
        data = view.data(backend, *subject, **limits) if wants_json else None
        lines = () if wants_json else view.lines(backend, *subject, **limits)
        show(data, lines, as_json=wants_json, no_pager=no_pager)
    finally:
        backend.close()


def _refuse_more_than_one_thing(what: str | None, filters: Filters, has_form: bool) -> None:
    if what is None or filters or has_form:
        raise UsageError(
            "--downstream needs a file, a value or a job, and no filters, such as: redun log results.csv --downstream"
        )


class _Counts:
    """The view of how many there are."""

    lines = staticmethod(listing.count_lines)
    data = staticmethod(listing.count_data)


def _within(backend: Backend, what: str, filters: Filters) -> Filters:
    """Filters for what is part of an execution, or belongs to a task."""
    match finding.find(backend, what):
        case finding.ExecutionFound(execution_id):
            filters = filters.within("exec_id", execution_id)
            # Of one execution, its jobs are of interest, not that it is one.
            return filters if filters.is_about_parts else Filters(("job",), filters.texts)
        case finding.TaskFound(task_hash):
            return filters.within("task_hash", task_hash.hex())
        case finding.TaskNameFound(name):
            return filters.within("task_name", name)
    raise UsageError(f"{what!r}: filters stay within an execution or a task, and this names neither")


def lines_about(backend: Backend, text: str) -> Iterator[str]:
    """What the command prints about the one thing that a text names. Raises what `redun.provenance.find` raises."""
    view, subject = _view_of(backend, finding.find(backend, text))
    lines: Iterator[str] = view.lines(backend, *subject, limit=None)
    return lines


def _view_of(backend: Backend, found: finding.Found) -> tuple[Any, tuple[Any, ...]]:
    match found:
        case finding.ExecutionFound(execution_id):
            return execution_view, (execution_id,)
        case finding.JobFound(job):
            return job_view, (job,)
        case finding.TaskFound(task_hash):
            record = backend.task(task_hash)
            return task_view, ([record] if record is not None else [],)
        case finding.TaskNameFound(name):
            return task_view, (backend.tasks_named(name),)
        case finding.ValueFound(value_hash):
            return value_view, (value_hash,)
        case finding.FileFound(path):
            return file_view, (path,)
