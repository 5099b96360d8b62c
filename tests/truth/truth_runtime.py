"""What generated programs import, in the scheduler's process and in worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from redun.expression import ValueExpression

LOG_VARIABLE = "REDUN_TRUTH_LOG"
"""Names the file to which the bodies of tasks append a line each."""

lazy = ValueExpression


@dataclass
class Pair:
    left: Any
    right: Any


class Point(NamedTuple):
    x: Any
    y: Any


class Refused(Exception):
    """Raised by the bodies of tasks, to be caught, or not."""


class Denied(Refused):
    """A kind of `Refused`."""


CLASSES: dict[str, type[Exception]] = {
    "Refused": Refused,
    "Denied": Denied,
    **{
        error.__name__: error
        for error in (ZeroDivisionError, TypeError, KeyError, IndexError, AttributeError, Exception)
    },
}
"""The errors that programs name."""
NOT_YET = "not yet"


def note(name: str, *args: Any) -> None:
    """Write down that the body of a task runs. One `write` to a file opened to append is never torn."""
    line = log_key(name, args) + "\n"
    descriptor = os.open(os.environ[LOG_VARIABLE], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def refuse_at_first(times: int, name: str, *args: Any) -> None:
    """Raise in a body that has run no more than so many times in this run."""
    key = log_key(name, args).encode()
    with open(os.environ[LOG_VARIABLE], "rb") as log:
        if log.read().splitlines().count(key) <= times:
            raise Refused(NOT_YET)


def log_key(name: str, args: tuple[Any, ...]) -> str:
    """A call as it stands in the log."""
    return repr((name, *map(canon, args)))


def canon(value: Any, task_hash: Callable[[str], Any] | None = None) -> tuple[Any, ...]:
    """What a value is, up to equality of type and content: dictionaries are in order, sets are not.

    task_hash: tells for a task by which code its value is known. Without it, of a task with some arguments it is only
    said how many there are: they are not evaluated.
    """
    if value is None or isinstance(value, (int, float, str, bytes)):
        return type(value).__name__, repr(value)
    if isinstance(value, BaseException):
        return "error", type(value).__name__, str(value)
    kind = type(value).__name__
    if kind == "Task":  # the engine's own, and that of the interpreter
        extra = (task_hash(value.name),) if task_hash else ()
        return "task", value.name, repr(sorted(value.__getstate__()["options"].items())), *extra
    if kind == "PartialTask":
        extra = (value.key(task_hash),) if task_hash else ()
        return "partial", canon(value.task, task_hash), len(value.args) + len(value.kwargs), *extra
    if isinstance(value, dict):
        items = [part for pair in value.items() for part in pair]
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
    elif isinstance(value, Pair):
        items = [value.left, value.right]
    else:
        return "?", kind, repr(value)
    parts = [canon(item, task_hash) for item in items]
    return kind, *(sorted(parts, key=repr) if isinstance(value, (set, frozenset)) else parts)
