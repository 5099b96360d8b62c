"""The scheduler's handle of one worker process."""

from __future__ import annotations

import enum
import os
import signal
import sys
import time
from importlib.machinery import ModuleSpec
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from redun_executor_local.worker import serve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from redun.executors.base import TaskCall

LEAVE_SECONDS = 5.0
"""How long an idle worker may take to end by itself, before it is terminated."""
TERMINATE_SECONDS = 2.0
"""How long a worker may take to clean up after SIGTERM, before it is killed."""
BURY_SECONDS = 1.0
"""How long a worker that has closed its connection may take to end, before it is killed."""


class WorkerState(enum.Enum):
    """What a worker is doing."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ENDING = "ending"


class WorkerProcess:
    """One worker: its process, the connection to it, and the call that it runs.

    Only the supervising thread touches it.
    """

    def __init__(self, context: BaseContext, name: str, others: Sequence[WorkerProcess]) -> None:
        """Start a worker process.

        Raises `OSError` or `RuntimeError` if the system or the main program does not allow it.
        """
        self.state = WorkerState.STARTING
        self.call: TaskCall | None = None
        self.deadline: float | None = None
        """When to use force on a worker that is ending, in seconds of `time.monotonic`."""
        self._signalled = False
        self.connection, theirs = context.Pipe()
        # Only a forked child has copies of what this process has open.
        start_method = context.get_start_method()
        forked = start_method == "fork"
        inherited = [self.connection, *(other.connection for other in others)] if forked else []
        self.process = context.Process(  # type: ignore[attr-defined]
            target=serve, args=(theirs, dict(os.environ), inherited), name=name
        )
        try:
            _start_without_interrupts(self.process, start_method)
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process ends."""
        return int(self.process.sentinel)

    def leave(self) -> None:
        """Let an idle worker end by itself."""
        self.state = WorkerState.ENDING
        self.deadline = time.monotonic() + LEAVE_SECONDS
        self.connection.close()

    def terminate(self) -> None:
        """Ask the process to end now. The running task may still clean up."""
        self.state = WorkerState.ENDING
        self.deadline = time.monotonic() + TERMINATE_SECONDS
        self._signalled = True
        self.process.terminate()

    def use_more_force(self) -> None:
        """Terminate a worker that did not leave in time, and kill one that did not end in time."""
        if self._signalled:
            self.deadline = None
            self.process.kill()
        else:
            self.terminate()

    def has_exited(self) -> bool:
        """Whether the process is gone."""
        return self.process.exitcode is not None

    def bury(self) -> str:
        """Release all that is left of a worker which is of no use any more. Says how it ended."""
        self.connection.close()
        # The connection of a dying process closes a moment before the process is gone.
        self.process.join(BURY_SECONDS)
        exit_code = self.process.exitcode
        if exit_code is None:
            self.process.kill()
            self.process.join()
        self.process.close()
        return "closed its connection to the scheduler" if exit_code is None else describe_exit(exit_code)


def describe_exit(exit_code: int) -> str:
    """How a process ended, in words, from its exit code as `multiprocessing` gives it (negative: a signal)."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def spare_command_line() -> None:
    """Keep worker processes from importing the program `redun` as their main module.

    A child of `multiprocessing` imports the main module of its parent, because arguments and tasks may be defined
    there. In the console script `redun` there is nothing but the command line, which would cost every worker its
    import. The standard library leaves out main modules called `<package>.__main__`, which the script is in all but
    name.
    """
    main_module = sys.modules["__main__"]
    entry = vars(main_module).get("main")
    if (
        getattr(main_module, "__spec__", None) is None
        and Path(getattr(main_module, "__file__", None) or "").stem == "redun"
        and str(getattr(entry, "__module__", "")).startswith("redun.cli")
    ):
        main_module.__spec__ = ModuleSpec("redun.__main__", None)


def _start_without_interrupts(process: BaseProcess, start_method: str) -> None:
    """Start a process in which Ctrl-C does nothing until it has its own handler.

    A child inherits which signals are blocked in the thread that starts it.
    """
    if start_method != "fork":
        # Otherwise the first start does this itself, and unblocks the signal again.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
