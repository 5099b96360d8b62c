"""The tasks that the conformance suites run.

In a module of their own, because an executor's workers must be able to import them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from redun.task import task

redun_namespace = "redun_testing"


class PlainError(Exception):
    """An error that survives pickling."""


class StubbornError(Exception):
    """An error that cannot be pickled: it holds a function without a name."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.callback = lambda: message


class TwoPartError(Exception):
    """An error that can be pickled but not unpickled: its constructor wants more than its `args` tell."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


@task(version="1")
def add(a: int, b: int = 1) -> int:
    """The sum."""
    return a + b


@task(version="1")
def echo(value: Any) -> Any:
    """The value that was given."""
    return value


@task(version="1")
def fail(message: str) -> None:
    """Raise a `PlainError`."""
    raise PlainError(message)


@task(version="1")
def fail_stubbornly(message: str) -> None:
    """Raise an error that cannot be pickled."""
    raise StubbornError(message)


@task(version="1")
def fail_in_two_parts(first: str, second: str) -> None:
    """Raise an error that cannot be unpickled."""
    raise TwoPartError(first, second)


@task(version="1")
def return_function() -> Any:
    """A value that cannot be pickled."""
    return lambda: None


@task(version="1")
def leave(code: int) -> None:
    """Call `sys.exit`."""
    sys.exit(code)


@task(version="1")
def recurse(depth: int) -> int:
    """Call itself, as plain Python, until Python has enough."""
    body: Any = recurse.func
    return int(body(depth + 1)) + 1


@task(version="1")
def meet(started: str, release: str) -> str:
    """Say through one named pipe that the task runs, and return what then comes through the other."""
    Path(started).write_text("started")
    return Path(release).read_text()
