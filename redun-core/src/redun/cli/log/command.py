"""The command: finds what its argument names, and sends the fitting view to the terminal, a pager or a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from redun.cli.log import derivation_view, execution_view, executions_view, file_view, job_view, task_view, value_view
from redun.cli.log.json_output import json_chunks
from redun.cli.log.output import write
from redun.cli.planned import LOG_FLAGS, LOG_VALUES, planned_options
from redun.errors import UsageError
from redun.provenance import find as finding

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.cli.app import App


@click.command(params=planned_options(LOG_FLAGS, LOG_VALUES))
@click.argument("what", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N executions, jobs or uses.")
@click.option("--downstream", is_flag=True, help="Of a file, value or job: show what was made from it.")
@click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")
@click.pass_obj
def log(app: App, what: str | None, as_json: bool, limit: int | None, downstream: bool, no_pager: bool) -> None:
    """Show executions, jobs, tasks, values and files.

    Without ID: the recent executions, newest first.

    ID is `-` for the latest execution, `~2` for the one before it, an id or the beginning of one, a job such as
    3f9a2c1b.17, the name of a task, or the path of a file.
    """
    app.start_logging()
    backend = app.open_backend()
    try:
        view: Any = None
        subject: tuple[Any, ...] = ()
        if what is None:
            if downstream:
                raise UsageError(
                    "--downstream needs a file, a value or a job, such as: redun log results.csv --downstream"
                )
            view = executions_view
        else:
            found = finding.find(backend, what)
            view, subject = derivation_view.view_of(backend, found) if downstream else _view_of(backend, found)
        if as_json:
            write(json_chunks(view.data(backend, *subject, limit=limit)), use_pager=False)
        else:
            lines = view.lines(backend, *subject, limit=limit)
            write((f"{line}\n" for line in lines), use_pager=not no_pager and sys.stdout.isatty())
    finally:
        backend.close()


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
