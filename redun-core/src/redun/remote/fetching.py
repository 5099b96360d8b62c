"""From jobs that have ended to results and errors of calls."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from redun.errors import describe_error
from redun.executors.scripts import ScriptError
from redun.executors.transport import Raised, Returned, decode_outcome
from redun.remote.errors import (
    JobLostError,
    OutputLostError,
    RemoteJobError,
    RemoteJobTimeoutError,
    ScratchError,
    WorkerVersionError,
)
from redun.remote.frames import OUTCOME, REST, unpack
from redun.remote.interface import JobReport, JobState
from redun.remote.reuse import reusable
from redun.remote.scratch import file_exists, read_file
from redun.remote.script_command import read_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.executors.transport import Outcome
    from redun.remote.units import RemoteCall, Unit

SHOWN_LINES = 20
"""Lines of a job's log that an error shows. `RemoteJobError.log` has all that the executor got."""


class Again(enum.Enum):
    """Why a call is submitted once more."""

    NOT_BEGUN = "not begun"
    """Its job ended before it came to this call."""
    LOST = "lost"
    """Its job has succeeded, but there is no output."""


class Fate(NamedTuple):
    """What became of a call."""

    item: RemoteCall
    outcome: Outcome | Again
    seconds: float | None = None
    """How long it took, if that is known."""


def fetch(unit: Unit, report: JobReport, log_tail: Callable[[str], Sequence[str]]) -> list[Fate]:
    """What became of the calls of a job that has ended. Never raises.

    log_tail: asks for the last lines that a job has written.
    """
    fates = []
    missing: list[RemoteCall] = []
    for item in unit.calls:
        try:
            fate = read_outcome(item, _order(unit))
        except (ScratchError, WorkerVersionError) as error:
            fate = Fate(item, Raised(error, None))
        if fate is None:
            missing.append(item)
        else:
            fates.append(fate)
    if missing:
        fates += _without_outcome(unit, missing, report)
    if any(isinstance(fate.outcome, Raised) for fate in fates) and report.state is JobState.FAILED:
        lines = _log(unit, log_tail)
        if lines:
            fates = [_with_log(fate, lines) for fate in fates]
    return fates


def read_output(item: RemoteCall) -> Fate | None:
    """The result that is there already for a call, whoever has made it. None if there is none."""
    if item.call.target.is_script:
        return None  # it says nothing of the files that a script leaves
    try:
        return _output(item, "")
    except (ScratchError, WorkerVersionError):
        return None


def read_outcome(item: RemoteCall, order: str | None) -> Fate | None:
    """The outcome of a call that its job has written; None if there is none.

    order: the submission that it has to belong to, unless it is a result that anybody may have made. None: any.
    """
    if item.call.target.is_script:
        return _script_outcome(item, order)
    found = _output(item, order)
    if found is not None:
        return found
    data = read_file(item.files.error)
    if data is None:
        return None
    frame = unpack(item.files.error, data)
    if order is not None and frame.order != order:
        return None  # of an earlier submission
    if frame.kind == REST:
        return Fate(item, Again.NOT_BEGUN)
    return Fate(item, decode_outcome(item.call.target.full_name, frame.payload), frame.seconds)


def _output(item: RemoteCall, order: str | None) -> Fate | None:
    data = read_file(item.files.output)
    if data is None:
        return None
    frame, name = unpack(item.files.output, data), item.call.target.full_name
    if frame.kind != OUTCOME:
        return None
    if frame.order == order:
        return Fate(item, decode_outcome(name, frame.payload), frame.seconds)
    found = reusable(name, frame) if item.shares_output else None
    return None if found is None else Fate(item, found)


def _script_outcome(item: RemoteCall, order: str | None) -> Fate | None:
    data = read_file(item.files.status)
    status = None if data is None else read_status(data)
    if status is None or (order is not None and status[0] != order):
        return None
    exit_code = status[1]
    content = read_file(item.files.error if exit_code else item.files.output)
    if content is None:
        return None
    return Fate(item, Raised(ScriptError(content, exit_code), None) if exit_code else Returned(content))


def _order(unit: Unit) -> str | None:
    return unit.shipment.order if unit.shipment is not None else None


def _without_outcome(unit: Unit, missing: list[RemoteCall], report: JobReport) -> list[Fate]:
    try:
        problem = _unit_error(unit)
    except ScratchError as error:
        problem = Raised(error, None)
    if problem is not None:
        return [Fate(item, problem) for item in missing]
    if report.state is JobState.SUCCEEDED:
        return [Fate(item, Again.LOST) for item in missing]
    culprits = 1 if len(unit.calls) > 1 and _has_begun(unit) else len(missing)
    # The calls after the one that ended the job have not begun: nobody knows anything against them.
    return [
        Fate(item, Raised(job_error(unit, item, report), None) if number < culprits else Again.NOT_BEGUN)
        for number, item in enumerate(missing)
    ]


def _unit_error(unit: Unit) -> Outcome | None:
    """Why a job of several calls did not come to the first one."""
    shipment = unit.shipment
    if shipment is None or not shipment.is_plan:
        return None
    path = shipment.error_file(unit)
    data = read_file(path)
    if data is None:
        return None
    frame = unpack(path, data)
    return decode_outcome(unit.calls[0].call.target.full_name, frame.payload)


def _has_begun(unit: Unit) -> bool:
    try:
        return unit.shipment is not None and file_exists(unit.shipment.progress_file(unit))
    except ScratchError:
        return False


def job_error(unit: Unit, item: RemoteCall, report: JobReport) -> RemoteJobError:
    """What a call fails with whose job has left neither a result nor an error."""
    task, job = item.call.target.full_name, f"Job {unit.remote_id}"
    reason = f" Reason: {report.reason.rstrip('.')}." if report.reason else ""
    code = "" if report.exit_code is None else f" with exit code {report.exit_code}"
    if report.state is JobState.UNKNOWN:
        return JobLostError(f"{job}, which ran task {task}, is not known any more where it was submitted.{reason}")
    if report.timed_out:
        return RemoteJobTimeoutError(f"{job} ran task {task} for longer than it may.{reason}")
    return RemoteJobError(
        f"{job} failed{code} and has left neither a result nor an error of task {task}: it could not be started, or "
        f"was ended from outside, as when memory runs out.{reason}"
    )


def output_lost(unit: Unit, item: RemoteCall) -> OutputLostError:
    """What a call fails with whose output was lost more than once."""
    return OutputLostError(
        f"Job {unit.remote_id} has ended well, but the output of task {item.call.target.full_name} is not in "
        f"{item.files.folder}, and so it was before. Something else may remove files there, or the job may have no "
        "permission to write there."
    )


def _log(unit: Unit, log_tail: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    try:
        return tuple(log_tail(unit.remote_id))
    except Exception as error:  # a failed job is worth more than its log
        return (f"(the log cannot be read: {describe_error(error)})",)


def _with_log(fate: Fate, lines: tuple[str, ...]) -> Fate:
    if not isinstance(fate.outcome, Raised):
        return fate
    error, traceback = fate.outcome
    shown = "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
    text = f"Last lines of the job's log:\n{shown}\n"
    if isinstance(error, RemoteJobError):
        error.log = lines
        error.args = (f"{error.args[0]}\n{text.rstrip()}", *error.args[1:])
        return fate
    traceback = f"{traceback.rstrip()}\n\n{text}" if traceback else traceback
    return fate._replace(outcome=Raised(error, traceback))
