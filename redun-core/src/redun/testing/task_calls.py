"""Calls as the scheduler would make them, for tests of executors."""

from __future__ import annotations

import os
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from redun.executors.base import TaskCall, TaskTarget
from redun.testing import tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redun.task import Task

T = TypeVar("T")


def make_target(task: Task[..., Any], load_module: str | None = None, import_paths: tuple[str, ...] = ()) -> TaskTarget:
    """What the scheduler would say of a task."""
    module = load_module or task.load_module
    return TaskTarget(task.fullname, task.hash_bytes, module, import_paths, task.is_async(), task.script)


def make_call(job_id: int, task: Task[..., Any], *args: Any, options: Any = None, **kwargs: Any) -> TaskCall:
    """A call of a task, as the scheduler would make it."""
    return call_target(job_id, make_target(task), *args, options=options, **kwargs)


def call_target(job_id: int, target: TaskTarget, *args: Any, options: Any = None, **kwargs: Any) -> TaskCall:
    """A call of the task that `target` names. Its options cannot be changed."""
    eval_hash = job_id.to_bytes(20, "big")
    given = MappingProxyType(dict(options or {}))
    return TaskCall(job_id, target, args, kwargs, given, eval_hash, f"suite.{job_id}", "BACKEND")


def within(seconds: float, what: str, function: Callable[[], T]) -> T:
    """What a function returns that might hang.

    Raises `AssertionError`, which says `what` did not happen, when it has not returned after so many seconds: it goes
    on in a thread that does not keep the program from ending. Otherwise raises what the function raises.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"{what} did not happen in {seconds} seconds"
    if errors:
        raise errors[0]
    return results[0]


class Meeting:
    """Two named pipes on which a test meets a task that runs, without sleeping.

    wait_seconds: how long to wait for the task before giving up.
    """

    def __init__(self, folder: Path, name: str, wait_seconds: float = 60.0) -> None:
        self.started = str(folder / f"{name}.started")
        self.release = str(folder / f"{name}.release")
        self.wait_seconds = wait_seconds
        os.mkfifo(self.started)
        os.mkfifo(self.release)

    def call(self, job_id: int, options: Any = None) -> TaskCall:
        """A call that runs until it is let go."""
        return make_call(job_id, tasks.meet, self.started, self.release, options=options)

    def script_call(self, job_id: int, before: str = "", after: str = "") -> TaskCall:
        """A call of a script that runs until it is let go, and then writes to stdout what came with the word."""
        return make_call(job_id, tasks.script, f"{before}\necho started > {self.started}\ncat {self.release}\n{after}")

    def wait_until_started(self) -> None:
        """Return when the task runs. Raises `AssertionError` when it does not come to that."""
        within(self.wait_seconds, "the start of the task", lambda: _read(self.started))

    def let_go(self, text: str = "released") -> None:
        """Let the task return `text`. It must have started."""
        within(self.wait_seconds, "the meeting with the task", lambda: _write(self.release, text))

    def hold(self) -> int:
        """Meet the task without letting it go. Returns a file descriptor, to be closed: see `is_over`."""
        return within(self.wait_seconds, "the meeting with the task", lambda: os.open(self.release, os.O_WRONLY))


def is_over(held: int) -> bool:
    """Whether a task that was held by `Meeting.hold` runs no more."""
    try:
        os.write(held, b".")
    except BrokenPipeError:
        return True
    return False


def _read(pipe: str) -> str:
    with open(pipe) as stream:  # noqa: PTH123 - a pipe
        return stream.read()


def _write(pipe: str, text: str) -> None:
    with open(pipe, "w") as stream:  # noqa: PTH123 - a pipe
        stream.write(text)
