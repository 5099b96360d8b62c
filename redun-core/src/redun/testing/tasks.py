"""The tasks that the conformance suites run.

In a module of their own, because an executor's workers must be able to import them.
"""

from __future__ import annotations

import asyncio
import os
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


class Box:
    """An argument and a result of a class of one's own."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.content == other.content

    __hash__ = None  # type: ignore[assignment]


class SilentError(Exception):
    """An error that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


class OutsideError(BaseException):
    """An error that `except Exception` does not catch."""


RAISED = {
    "interrupt": KeyboardInterrupt,
    "generator": GeneratorExit,
    "stop": StopIteration,
    "cancelled": asyncio.CancelledError,
    "outside": OutsideError,
    "memory": MemoryError,
    "silent": SilentError,
}
"""What `raise_kind` raises."""


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


@task(version="1")
def raise_kind(kind: str) -> None:
    """Raise an unusual error."""
    raise RAISED[kind]("unusual")


@task(version="1")
def fail_because(message: str) -> None:
    """Raise an error that has a cause."""
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise PlainError(message) from error


@task(version="1")
def size(data: bytes) -> int:
    """How many bytes there are."""
    return len(data)


@task(version="1")
def make_bytes(count: int) -> bytes:
    """So many bytes."""
    return b"x" * count


@task(version="1")
def add_later(a: int, b: int) -> Any:
    """An expression, for the scheduler to evaluate."""
    return add(a, b)


@task(version="1")
def join(*words: str, last: str, **more: str) -> str:
    """All of its arguments."""
    return " ".join([*words, last, *(f"{name}={word}" for name, word in sorted(more.items()))])


@task(version="1")
def print_lines(count: int) -> int:
    """Write to stdout and stderr, as a program that does not know where it runs."""
    for number in range(count):
        print(f"line {number}")  # noqa: T201 - the point
        print(f"line {number}", file=sys.stderr)  # noqa: T201
    os.write(1, b"written past Python")
    return count


@task(version="1")
def environment(name: str) -> str | None:
    """A variable of the process that runs the task."""
    return os.environ.get(name)


@task(version="1")
def working_folder() -> str:
    """The folder that relative paths are relative to."""
    return str(Path.cwd())


@task(version="1")
def process_id() -> int:
    """The process that runs the task."""
    return os.getpid()


@task(version="1")
def die() -> None:
    """End the process that runs the task, as a crash would."""
    os._exit(7)


# Scripts.


@task(version="1", script=True)
def script(text: Any) -> Any:
    """A script task that returns what it was given."""
    return text


@task(version="1", script=True)
def fail_before_script(message: str) -> str:
    """A script task that does not get as far as a script."""
    raise PlainError(message)


# Async tasks.


@task(version="1", cache=False)
async def add_async(a: int, b: int = 1) -> int:
    """The sum, once the event loop has come round."""
    await asyncio.sleep(0)
    return a + b


@task(version="1", cache=False)
async def fail_async(message: str) -> None:
    """Raise a `PlainError`."""
    await asyncio.sleep(0)
    raise PlainError(message)


@task(version="1", cache=False)
async def raise_kind_async(kind: str) -> None:
    """Raise an unusual error, in a task of asyncio's own."""
    await asyncio.sleep(0)
    raise RAISED[kind]("unusual")


@task(version="1", cache=False)
async def leave_async(code: int) -> None:
    """Call `sys.exit`."""
    sys.exit(code)


@task(version="1", cache=False)
async def await_sum(a: int) -> int:
    """A sum whose terms are awaited one after the other, in expressions of several kinds."""
    first: Any = add(a)
    second: Any = add(first, 10)
    return int(await first) + int(await (second + 100))


@task(version="1", cache=False)
async def await_all(count: int) -> list[int]:
    """What many awaited calls return, all asked for at once."""
    expressions: list[Any] = [add(number) for number in range(count)]
    return list(await asyncio.gather(*expressions))


@task(version="1", cache=False)
async def await_failure(message: str) -> str:
    """What an awaited call raised."""
    expression: Any = fail(message)
    try:
        await expression
    except PlainError as error:
        return f"caught {error}"
    return "nothing was raised"


@task(version="1", cache=False)
async def pass_failure(message: str) -> Any:
    """Let what an awaited call raises pass."""
    expression: Any = fail(message)
    return await expression


@task(version="1", cache=False)
async def wait_for_ever(note: str) -> None:
    """Wait until cancelled, and leave a note of the end in this file."""
    try:
        await asyncio.Event().wait()
    finally:
        Path(note).write_text("cleaned up")


@task(version="1", cache=False)
async def resist() -> str:
    """Go on after being cancelled, for a while."""
    try:
        expression: Any = add(1)
        return str(await expression)
    except asyncio.CancelledError:
        return "went on"
