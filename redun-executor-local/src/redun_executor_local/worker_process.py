"""The scheduler's handle of one worker process."""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
import signal
import sys
import termios
import time
from importlib.machinery import ModuleSpec
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING

from redun.executors.worker_processes import describe_exit

from redun_executor_local.worker import TERMINATE_SECONDS, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess
    from types import ModuleType

    from redun.executors.base import TaskCall

LEAVE_SECONDS = 5.0
"""How long an idle worker may take to end by itself, before it is terminated."""
BURY_SECONDS = 1.0
"""How long a worker that has closed its connection may take to end, before it is killed."""
_UNREPORTED_EXIT = 255
"""The exit code that `multiprocessing` gives to a process whose fork server has died."""


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
        self._has_fork_server = start_method == "forkserver"
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
        is_unreported = self._is_unreported()
        if is_unreported and not self.connection.closed and not self.connection.poll():
            # The worker lives: its end of the connection is open, so that is still the process with this number.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid or 0, signal.SIGKILL)
        self.connection.close()
        exit_code = self._wait_for_exit()
        if exit_code is None:
            self.process.kill()
            self.process.join()
        self.process.close()
        if exit_code is None:
            return "closed its connection to the scheduler, as a task does that closes files it has not opened"
        if is_unreported and exit_code == _UNREPORTED_EXIT:
            return "was lost: the fork server, which starts the workers and reports how they end, was killed"
        return describe_exit(exit_code)

    def _wait_for_exit(self) -> int | None:
        """The exit code; None if the process does not end. Its connection closes a moment before it is gone."""
        give_up = time.monotonic() + BURY_SECONDS
        # Not `join`: that waits for ever where the task has closed what the sentinel hangs on.
        exit_code: int | None = self.process.exitcode
        while exit_code is None and time.monotonic() < give_up:
            time.sleep(0.001)
            exit_code = self.process.exitcode
        return exit_code

    def _is_unreported(self) -> bool:
        """Whether a fork server has died before it could report how this worker ended, if it ended at all."""
        if not self._has_fork_server or not wait([self.sentinel], 0):
            return False
        # The fork server writes exit codes into this pipe; without one the pipe has come to its end.
        return fcntl.ioctl(self.sentinel, termios.FIONREAD, bytes(4)) == bytes(4)


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


@contextlib.contextmanager
def _without_missing_file(main_module: ModuleType) -> Iterator[None]:
    """Keep a process that is started meanwhile from importing a program that came from standard input.

    Its `__file__` is `<stdin>`, which every worker would look for in vain. Of a program without one, such as that of
    `python -c`, nothing is imported; then it is the call that fails, and says why.
    """
    file = getattr(main_module, "__file__", None)
    if not (isinstance(file, str) and file.startswith("<")):
        yield
        return
    del main_module.__file__
    try:
        yield
    finally:
        main_module.__file__ = file


def _start_without_interrupts(process: BaseProcess, start_method: str) -> None:
    """Start a process in which Ctrl-C does nothing until it has its own handler.

    A child inherits which signals are blocked in the thread that starts it.
    """
    if start_method != "fork":
        # Otherwise the first start does this itself, and unblocks the signal again.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _without_missing_file(sys.modules["__main__"]):
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
