"""`redun explain`: why a job ran, or why it did not have to."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from redun.cli.id_command import IdCommand
from redun.cli.log.calls import CallTexts
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import indented, job_id, job_name
from redun.cli.log.output import show, wrapped
from redun.errors import UsageError
from redun.provenance import find as finding
from redun.provenance.liveness import JobStatuses
from redun.provenance.reasons import ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.cli.app import App
    from redun.provenance.changes import ValueChange
    from redun.provenance.reasons import Explanation, Reason

_USED = (ReasonKind.CACHED, ReasonKind.SHARED)
_NOT_RUN = (*_USED, ReasonKind.NOT_MADE, ReasonKind.FAILED_BELOW)


@click.command(cls=IdCommand)
@click.argument("what", metavar="JOB")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")
@click.pass_obj
def explain(app: App, what: str, as_json: bool, no_pager: bool) -> None:
    """Say why a job ran, or why an earlier result was used.

    It names the exact difference from the nearest earlier call of the task: the argument, the lines of code, the file.

    JOB is a job such as 3f9a2c1b.17, the id of a call, or an execution, of which the root job is explained: `-` for the
    latest, `~2` for the one before it.
    """
    from redun.provenance import Repository

    app.start_logging()
    backend = app.open_backend()
    try:
        _refuse_what_is_no_job(what, finding.find(backend, what))
        explanation = Repository(backend).job(what).explain()
        data = explanation_data(backend, explanation) if as_json else None
        show(data, explanation_lines(backend, explanation), as_json=as_json, no_pager=no_pager)
    finally:
        backend.close()


def _refuse_what_is_no_job(what: str, found: finding.Found) -> None:
    """Raise UsageError, with the command that is about the thing."""
    quoted = shlex.quote(what)
    match found:
        case finding.FileFound() | finding.ValueFound():
            kind = "file" if isinstance(found, finding.FileFound) else "value"
            raise UsageError(
                f"{what!r} is a {kind}, and only jobs are explained. `redun log {quoted}` shows where it came from, "
                f"and `redun log {quoted} --downstream` what was made from it"
            )
        case finding.TaskNameFound(name):
            raise UsageError(
                f"{what!r} is a task, and only jobs are explained. `redun log --task-name {name}` lists its jobs"
            )
        case finding.TaskFound(task_hash):
            raise UsageError(
                f"{what!r} is a version of a task, and only jobs are explained. "
                f"`redun log --task-hash {task_hash.hex()[:8]}` lists its jobs"
            )


def explanation_lines(backend: Backend, explanation: Explanation) -> Iterator[str]:
    """The text form."""
    job = explanation.job
    statuses = JobStatuses(backend)
    texts = CallTexts(backend)
    yield job_line(job, texts.of_jobs([job])[0], statuses)
    kind = explanation.reasons[0].kind
    if kind is ReasonKind.NOT_ENDED:
        yield from wrapped(f"{explanation.summary[0].upper()}{explanation.summary[1:]}.")
    else:
        yield from wrapped(f"{'It did not run' if kind in _NOT_RUN else 'It ran'}: {explanation.summary}.")
    # That a job has not ended is no reason, and was said.
    reasons = explanation.reasons[1 if kind is ReasonKind.NOT_ENDED else 0 :]
    many = len(explanation.reasons) > 1
    for reason in reasons:
        shown = list(_reason_lines(reason, with_text=many))
        if shown:
            yield ""
            yield from shown
    for note in explanation.notes:
        yield ""
        yield from wrapped(f"  Note: {note}.", "  ")
    if explanation.earlier is not None:
        earlier = explanation.earlier
        yield ""
        yield f"{'Result of' if kind in _USED else 'Compared with'}:"
        yield f"  {job_line(earlier, texts.of_jobs([earlier])[0], statuses)}"


def _reason_lines(reason: Reason, *, with_text: bool) -> Iterator[str]:
    margin = "    " if with_text else "  "
    if with_text:
        yield from wrapped(f"  {reason.text}", "  ")
    yield from indented(reason.lines, len(margin))
    causes = [f"from {job_name(cause.job)} {cause.job.task_name}: {cause.summary}" for cause in reason.causes]
    if reason.more_causes:
        causes.append(f"and from {reason.more_causes} more, which came out differently as well")
    for cause in causes:
        yield from wrapped(f"{margin}{cause}", f"{margin}  ")


def explanation_data(backend: Backend, explanation: Explanation) -> dict[str, Any]:
    """The form for programs."""
    statuses = JobStatuses(backend)
    earlier = explanation.earlier
    return {
        "kind": "explanation",
        "job": job_data(explanation.job, statuses),
        "summary": explanation.summary,
        "reasons": [_reason_data(reason) for reason in explanation.reasons],
        "earlier": None if earlier is None else job_data(earlier, statuses),
        "notes": list(explanation.notes),
    }


def _reason_data(reason: Reason) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": reason.kind.value, "text": reason.text, "lines": list(reason.lines)}
    if reason.value is not None:
        data["value"] = value_change_data(reason.value)
    if reason.code is not None:
        before, after = reason.code.before, reason.code.after
        data["code"] = {
            "before": before.hash.hex() if before is not None else None,
            "after": after.hash.hex() if after is not None else None,
            "note": reason.code.note,
        }
    if reason.causes:
        data["causes"] = [
            {"job": job_id(cause.job), "task": cause.job.task_name, "summary": cause.summary} for cause in reason.causes
        ]
    if reason.more_causes:
        data["more_causes"] = reason.more_causes
    return data


def value_change_data(change: ValueChange) -> dict[str, Any]:
    """Two values for programs."""
    return {
        "name": change.name,
        "before": None if change.before_hash is None else {"hash": change.before_hash.hex(), "preview": change.before},
        "after": None if change.after_hash is None else {"hash": change.after_hash.hex(), "preview": change.after},
        "details": list(change.details),
        "path": change.path,
    }
