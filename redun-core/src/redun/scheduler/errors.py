"""What a scheduler raises, and how a failure is kept."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from redun.errors import NoCurrentScheduler, RedunError, SchedulerError

if TYPE_CHECKING:
    from redun.traceback import Traceback

__all__ = ["DryRunResult", "ErrorValue", "NoCurrentScheduler", "SchedulerError", "storable_error"]


class DryRunResult(RedunError):  # noqa: N818 - the name that workflows catch
    """A dry run has come to a job that would have to run."""


class ErrorValue:
    """The recorded outcome of a call that failed."""

    def __init__(self, error: BaseException, traceback: Traceback | None = None) -> None:
        self.error = error
        self.traceback = traceback

    def __repr__(self) -> str:
        return f"ErrorValue({self.error!r})"


def storable_error(error: BaseException) -> BaseException:
    """The error itself, or where it cannot be pickled and brought back, one that carries its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign exception's pickling does, the failure itself must be recorded
        return RuntimeError(f"{type(error).__name__}: {_text(error)}")
    return error


def _text(error: Any) -> str:
    try:
        return str(error)
    except Exception:  # a foreign __str__ may raise
        return "(no text)"
