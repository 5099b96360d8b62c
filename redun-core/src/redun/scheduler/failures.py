"""Failures as they are recorded and shown: with a traceback in terms of tasks."""

from __future__ import annotations

import reprlib
from dataclasses import replace
from typing import TYPE_CHECKING

from redun.errors import InvalidValueError, describe_error
from redun.job_info import JobInfo
from redun.scheduler.errors import ErrorValue, storable_error
from redun.traceback import Frame, Traceback, error_frames, format_error, shorten_frames
from redun.value import encode

if TYPE_CHECKING:
    from redun.scheduler.job import Job
    from redun.value import EncodedValue

HIDDEN_MODULES = ("redun", "redun_executor_local", "threading", "concurrent", "importlib")
"""Packages whose frames say nothing about a workflow."""
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 60


class Failures:
    """The failures of one run. An error that travels up through many jobs is described and encoded once."""

    def __init__(self, most_bytes: int | None) -> None:
        """Know of none.

        most_bytes: that the repository takes of one of them.
        """
        self.most_bytes = most_bytes
        self._known: dict[int, tuple[BaseException, Traceback, EncodedValue]] = {}

    def find(self, error: BaseException) -> Traceback | None:
        """The traceback of an error that some job of this run has failed with."""
        known = self._known.get(id(error))
        return known[1] if known else None

    def encoded(self, error: BaseException) -> EncodedValue | None:
        """The error as it was recorded first."""
        known = self._known.get(id(error))
        return known[2] if known else None

    def add(self, error: BaseException, traceback: Traceback, encoded: EncodedValue) -> None:
        """Remember how an error is described."""
        self._known[id(error)] = (error, traceback, encoded)


def error_value(failures: Failures, job: Job, error: BaseException, detail: str | None) -> EncodedValue:
    """The error that a job has failed with, as a value to record.

    detail: the formatted Python traceback, where the error comes from another process.
    """
    known = failures.encoded(error)
    if known is not None:
        return known
    return _encode(failures, error, _describe(job, error, detail))


def adopt_failure(failures: Failures, job: Job, error: BaseException, below: Traceback | None) -> None:
    """Describe an error that comes from a sub-scheduler by the jobs of both.

    below: its traceback there, from the first job below this one.
    """
    own = _describe(job, None, "")
    if below is not None:
        frames, omitted = shorten_frames((*own.frames, *below.frames))
        _encode(failures, error, Traceback(frames, own.omitted + below.omitted + omitted, below.detail))


def _encode(failures: Failures, error: BaseException, traceback: Traceback) -> EncodedValue:
    try:
        encoded = encode(ErrorValue(storable_error(error), traceback))
    except InvalidValueError:
        encoded = encode(ErrorValue(RuntimeError(describe_error(error)), traceback))
    if failures.most_bytes is not None and len(encoded.data) > failures.most_bytes:
        encoded = _cut(error, traceback, failures.most_bytes)
    failures.add(error, traceback, encoded)
    return encoded


def _cut(error: BaseException, traceback: Traceback, most_bytes: int) -> EncodedValue:
    """What fits of an error: its text, and of its traceback nothing if need be. That it failed is always recorded."""
    text, detail, hidden = describe_error(error), traceback.detail, traceback.omitted + len(traceback.frames)
    for part in (2, 4, 8, 16):
        size = most_bytes // part
        short = text if len(text) <= size else f"{text[:size]}..."
        for shown in (replace(traceback, detail=detail[-size:]), Traceback((), hidden, detail[-size:])):
            encoded = encode(ErrorValue(RuntimeError(short), shown))
            if len(encoded.data) <= most_bytes:
                return encoded
    return encode(ErrorValue(RuntimeError(short), Traceback((), hidden, "")))


def _describe(job: Job, error: BaseException | None, detail: str | None) -> Traceback:
    frames = []
    level: Job | None = job
    while level is not None and level.number:
        frames.append(_frame(level, error if level is job else None))
        level = level.parent
    frames.reverse()
    kept, omitted = shorten_frames(frames)
    if detail is None:
        detail = "" if error is None else format_error(error, HIDDEN_MODULES)
    return Traceback(kept, omitted, detail)


def _frame(job: Job, error: BaseException | None) -> Frame:
    info = job.info
    code = getattr(info.task.func, "__code__", None)
    filename = code.co_filename if code else "?"
    lineno = code.co_firstlineno if code else 0
    for summary in error_frames(error, HIDDEN_MODULES) if error is not None else ():
        if summary.filename == filename:
            lineno = summary.lineno or lineno
            break
    return Frame(job.short_name, info.fullname, filename, lineno, describe_arguments(job))


def describe_arguments(job: Job) -> tuple[str, ...]:
    """`name = value` for each argument of a job, shortened."""
    given = zip(job.info.names, job.arguments, strict=False) if job.arguments else job.info.binder.named(*job.misfit)
    return tuple(f"{name} = {shorten(value)}" for name, value in given if not isinstance(value, JobInfo))


def shorten(value: object) -> str:
    """A value as a short text for people, whatever its `repr` does."""
    try:
        return _repr.repr(value)
    except Exception:  # a foreign __repr__ may raise, and this is only a hint for people
        return f"<{type(value).__name__}>"
