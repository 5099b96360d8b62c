"""Tracebacks in terms of tasks: which job called which."""

from __future__ import annotations

import traceback as python_traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.log_lines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_FRAMES = 40


@dataclass(frozen=True)
class Frame:
    """One job on the way from the root job to the one that failed."""

    job_name: str
    task_name: str
    filename: str
    lineno: int
    arguments: tuple[str, ...]
    """`name = value`, shortened."""


@dataclass(frozen=True)
class Traceback:
    """The jobs from the root to the one that failed, and the Python traceback within that one."""

    frames: tuple[Frame, ...]
    omitted: int
    """How many frames in the middle were left out."""
    detail: str
    """The traceback of the task's body, formatted."""

    def format(self) -> list[str]:
        """The lines to show, most recent call last."""
        lines = ["Traceback (most recent task last):"]
        for index, frame in enumerate(self.frames):
            if self.omitted and index == len(self.frames) // 2:
                lines.append(f"  ... {self.omitted} more jobs ...")
            lines.append(f'  Job {frame.job_name}: File "{frame.filename}", line {frame.lineno}, in {frame.task_name}')
            lines += [f"    {argument}" for argument in frame.arguments]
        lines += self.detail.rstrip("\n").splitlines()
        return [printable(line) for line in lines]


def shorten_frames(frames: Sequence[Frame]) -> tuple[tuple[Frame, ...], int]:
    """The outermost and innermost frames of a long chain, and how many were left out between them."""
    if len(frames) <= _MOST_FRAMES:
        return tuple(frames), 0
    half = _MOST_FRAMES // 2
    return (*frames[:half], *frames[-half:]), len(frames) - _MOST_FRAMES


def format_error(error: BaseException, hidden_modules: Sequence[str] = ()) -> str:
    """The Python traceback of an error, without the frames of the given packages that lead to the user's code.

    That holds for the errors behind it as well. One that no code of the user's has raised is described by its message
    alone.
    """
    summary = python_traceback.TracebackException.from_exception(error)
    if not _trim(summary, error, hidden_modules):
        return "".join(summary.format_exception_only())
    return "".join(summary.format())


def _trim(
    summary: python_traceback.TracebackException | None, error: BaseException | None, hidden_modules: Sequence[str]
) -> bool:
    """Leave the frames of the user's code in the summary of an error and of those behind it; whether there are any."""
    found = False
    while summary is not None and error is not None:
        kept = error_frames(error, hidden_modules)
        summary.stack = python_traceback.StackSummary.from_list(kept)
        found = found or bool(kept)
        is_cause = summary.__cause__ is not None
        summary = summary.__cause__ if is_cause else summary.__context__
        error = error.__cause__ if is_cause else error.__context__
    return found


def error_frames(error: BaseException, hidden_modules: Sequence[str]) -> list[python_traceback.FrameSummary]:
    """The frames of an error's traceback from the first one on that belongs to none of the given packages."""
    frames = []
    walk = python_traceback.walk_tb(error.__traceback__)
    hidden = tuple(f"{package}." for package in hidden_modules)
    is_hidden = True
    for frame, lineno in walk:
        module = frame.f_globals.get("__name__", "")
        is_hidden = is_hidden and f"{module}.".startswith(hidden)
        if not is_hidden:
            code = frame.f_code
            frames.append(python_traceback.FrameSummary(code.co_filename, lineno, code.co_name))
    return frames
