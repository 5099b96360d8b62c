"""What a scheduler raises, and how a failure is kept."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Any

from redun.errors import (
    FOREIGN_ERRORS,
    InvalidValueError,
    NoCurrentScheduler,
    RedunError,
    SchedulerError,
    describe_error,
)
from redun.task import PartialTask, Task
from redun.types.exceptions import portable_error
from redun.types.names import importable_name
from redun.value import decode, encode

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
    """The error itself, or what of it can be stored and brought back, or one that carries its text."""
    return portable_error(error, _can_be_stored) or RuntimeError(describe_error(error))


def error_to_hand_on(error: BaseException, recover: Any) -> BaseException:
    """The error as what recovers from it is given it: itself, or for a task, what of it can be stored.

    Raises `InvalidValueError` for a task where the class of the error cannot be stored at all.
    """
    if not isinstance(recover, (Task, PartialTask)):
        return error
    found = portable_error(error, _can_be_stored)
    if found is None:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        raise InvalidValueError(
            f"no task can be given an error of class {kind} to recover from, because it cannot be stored: "
            f"{_why_not_stored(error)}"
        ) from error
    return found


def _why_not_stored(error: BaseException) -> str:
    try:
        importable_name(type(error))
    except InvalidValueError:
        return "define the class at the top level of a module"
    try:
        encoded = encode(error)
        decode(encoded.codec, encoded.data, encoded.type_name)
    except FOREIGN_ERRORS as why:
        return str(why)
    return "it cannot be brought back"


def check_error_class(function: str, error_class: Any) -> None:
    """Raise `SchedulerError` for what is no class of errors to recover from.

    function: whose argument it is.
    """
    classes = error_class if isinstance(error_class, tuple) else (error_class,)
    wrong = [item for item in classes if not isinstance(item, (type, tuple, UnionType))]
    if wrong:
        raise SchedulerError(f"{function} needs an exception class, or a tuple of some, but was given {wrong[0]!r}")


def check_recovery(function: str, recover: Any) -> None:
    """Raise `SchedulerError` for what is no task to recover with.

    function: whose argument it is.
    """
    if not callable(recover) or (isinstance(recover, type) and issubclass(recover, BaseException)):
        raise SchedulerError(f"{function} needs a task to recover with, but was given {recover!r}")


def _can_be_stored(value: Any) -> bool:
    try:
        encoded = encode(value)
        decode(encoded.codec, encoded.data, encoded.type_name)
    except FOREIGN_ERRORS:  # whatever the value's own methods raise
        return False
    return True
