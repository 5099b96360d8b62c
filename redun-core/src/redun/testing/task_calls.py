"""Calls as the scheduler would make them, for tests of executors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from redun.executors.base import TaskCall, TaskTarget
from redun.testing import tasks

if TYPE_CHECKING:
    from pathlib import Path

    from redun.task import Task


def make_call(job_id: int, task: Task[..., Any], *args: Any, options: Any = None, **kwargs: Any) -> TaskCall:
    """A call of a task, as the scheduler would make it."""
    target = TaskTarget(task.fullname, bytes.fromhex(task.hash), task.load_module, ())
    return call_target(job_id, target, *args, options=options, **kwargs)


def call_target(job_id: int, target: TaskTarget, *args: Any, options: Any = None, **kwargs: Any) -> TaskCall:
    """A call of the task that `target` names."""
    eval_hash = job_id.to_bytes(20, "big")
    return TaskCall(job_id, target, args, kwargs, options or {}, eval_hash, f"suite.{job_id}", "BACKEND")


class Meeting:
    """Two named pipes on which a test meets a task that runs, without sleeping."""

    def __init__(self, folder: Path, name: str) -> None:
        self.started = str(folder / f"{name}.started")
        self.release = str(folder / f"{name}.release")
        os.mkfifo(self.started)
        os.mkfifo(self.release)

    def call(self, job_id: int, options: Any = None) -> TaskCall:
        """A call that runs until it is let go."""
        return make_call(job_id, tasks.meet, self.started, self.release, options=options)

    def wait_until_started(self) -> None:
        """Return when the task runs."""
        with open(self.started) as pipe:  # noqa: PTH123 - a pipe
            pipe.read()

    def let_go(self, text: str = "released") -> None:
        """Let the task return `text`. It must have started."""
        with open(self.release, "w") as pipe:  # noqa: PTH123 - a pipe
            pipe.write(text)
