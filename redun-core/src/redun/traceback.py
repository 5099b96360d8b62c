"""Tracebacks in terms of tasks: which job called which."""

from __future__ import annotations

import traceback as python_traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        return lines


def shorten_frames(frames: Sequence[Frame]) -> tuple[tuple[Frame, ...], int]:
    """The outermost and innermost frames of a long chain, and how many were left out between them."""
    if len(frames) <= _MOST_FRAMES:
        return tuple(frames), 0
    half = _MOST_FRAMES // 2
    return (*frames[:half], *frames[-half:]), len(frames) - _MOST_FRAMES


def format_error(error: BaseException, hidden_modules: Sequence[str] = ()) -> str:
    """The Python traceback of an error, without the frames of the given packages that lead to the user's code.

    An error that no code of the user's has raised is described by its message alone.
    """
    summary = python_traceback.TracebackException.from_exception(error)
    kept = error_frames(error, hidden_modules)
    if not kept:
        return "".join(summary.format_exception_only())
    summary.stack = python_traceback.StackSummary.from_list(kept)
    return "".join(summary.format())


def error_frames(error: BaseException, hidden_modules: Sequence[str]) -> list[python_traceback.FrameSummary]:
    """The frames of an error's traceback from the first one on that belongs to none of the given packages."""
    frames = []
    walk = python_traceback.walk_tb(error.__traceback__)
    is_hidden = True
    for frame, lineno in walk:
        module = frame.f_globals.get("__name__", "")
        is_hidden = is_hidden and module.split(".")[0] in hidden_modules
        if not is_hidden:
            code = frame.f_code
            frames.append(python_traceback.FrameSummary(code.co_filename, lineno, code.co_name))
    return frames
