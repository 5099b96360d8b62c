"""The other side: what runs where a job runs (`redun oneshot`).

It reads what is to be done from the scratch folder, runs it without a scheduler, and writes the outcome there.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from redun.errors import RedunError, UsageError
from redun.executors.transport import error_text, failed_outcome, is_success, run_encoded_call
from redun.plugins.connect import connect_filesystems
from redun.remote.errors import ScratchError
from redun.remote.frames import CALL, OUTCOME, PLAN, REST, Frame, Part, pack, unpack, unpack_plan
from redun.remote.scratch import read_file, remove_file, write_file

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEX_VARIABLES = ("AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX", "BATCH_TASK_INDEX", "SLURM_ARRAY_TASK_ID")
"""The environment variables in which a job of an array may find its index, from 0."""


def array_index(variable: str | None = None) -> int:
    """The index of this job in its array.

    variable: the environment variable to look at; by default the first of `INDEX_VARIABLES` that there is.

    Raises `UsageError` if there is none, or no number in it.
    """
    names = INDEX_VARIABLES if variable is None else (variable,)
    found = next((name for name in names if name in os.environ), None)
    if found is None:
        raise UsageError(f"--array-job: none of the environment variables {', '.join(names)} says which job this is")
    try:
        return int(os.environ[found])
    except ValueError:
        raise UsageError(f"--array-job: {found} is {os.environ[found]!r}, and should be a number") from None


def run_job(input_path: str, output: str, error: str, index: int | None = None, use_output: bool = True) -> int:
    """Run what a file says and write what comes of it.

    input_path: an encoded call, or the plan of an array or a bundle, which has paths of its own for the outcomes.
    output, error: where the result or the error goes; for the job of an array, `error` is followed by its index.
    index: which job of an array this is.
    use_output: an output that is there already counts, and nothing is run. Otherwise only if this same job wrote it.

    Returns 0 if every call has a result, else 1. Never raises because of a call.
    """
    connect_filesystems()
    error = error if index is None else f"{error}.{index}"
    remove_file(error)
    order = ""
    try:
        frame = _read(input_path)
        order = frame.order
        if frame.kind == CALL:
            part = Part(frame.payload, input_path, output, error)
            return 0 if _run_part(part, order, use_output) else 1
        if frame.kind != PLAN:
            raise ScratchError(f"{input_path} says nothing of what is to be run, but holds: {frame.kind}")
        return _run_unit(frame, index or 0, use_output)
    except RedunError as problem:
        sys.stderr.write(f"redun: {problem}\n")
        write_file(error, pack(Frame(OUTCOME, order, failed_outcome(problem))))
        return 1


def _run_unit(frame: Frame, index: int, use_output: bool) -> int:
    plan = unpack_plan(frame)
    if not 0 <= index < len(plan.units):
        raise ScratchError(f"there is no job {index} in this array, which has {len(plan.units)}")
    unit = plan.units[index]
    if len(unit) > 1:
        write_file(f"{plan.progress}.{index}", b"")
    deadline = None if plan.seconds is None else time.monotonic() + plan.seconds
    worst = 0
    for number, part in enumerate(unit):
        if number and deadline is not None and time.monotonic() >= deadline:
            _give_back(unit[number:], frame.order)
            break
        if not _run_part(part, frame.order, use_output):
            worst = 1
        sys.stdout.flush()
    return worst


def _give_back(parts: Sequence[Part], order: str) -> None:
    """Say of each call that it has not begun, and may run elsewhere."""
    for part in parts:
        write_file(part.error, pack(Frame(REST, order, b"")))


def _run_part(part: Part, order: str, use_output: bool) -> bool:
    """Run one call, unless its output is there. Says whether it has a result."""
    remove_file(part.error)
    if _has_output(part.output, order, use_output):
        sys.stderr.write(f"Existing output found: {part.output}\n")
        return True
    began = time.monotonic()
    try:
        message = part.message if part.message is not None else _read(part.input).payload
    except ScratchError as problem:
        outcome = failed_outcome(problem)
    else:
        outcome = run_encoded_call(message)
    frame = pack(Frame(OUTCOME, order, outcome, time.monotonic() - began))
    good = is_success(outcome)
    if not good:
        sys.stderr.write(error_text(outcome))  # for whoever reads the log of the job
    write_file(part.output if good else part.error, frame)
    return good


def _has_output(path: str, order: str, use_output: bool) -> bool:
    data = read_file(path)
    if data is None:
        return False
    try:
        frame = unpack(path, data)
    except ScratchError:
        frame = None
    if frame is not None and frame.kind == OUTCOME and (use_output or (order and frame.order == order)):
        from redun.remote.reuse import reusable

        if reusable("this job", frame) is not None:
            return True
    remove_file(path)
    return False


def _read(path: str) -> Frame:
    data = read_file(path)
    if data is None:
        raise ScratchError(f"there is no file {path}, which should say what this job has to do")
    return unpack(path, data)
