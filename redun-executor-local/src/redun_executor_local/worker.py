"""What runs in a worker process: one call after the other, as they come through its connection."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any

from redun.executors.transport import run_encoded_call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

TERMINATE_SECONDS = 2.0
"""How long a worker may take to clean up after SIGTERM, or after the death of the scheduler, before it is killed."""
READY = b"ready"
"""The first message of a worker: its main module is imported and it waits for calls."""


class _Termination:
    """Turns a request to end into an exception, so that `finally` blocks of the task clean up what it has started.

    The flag holds even where the task catches the exception: the worker then ends with the call.
    """

    requested = False

    def request(self, *_: Any) -> None:
        if not self.requested:  # a second signal must not disturb the cleaning up
            self.requested = True
            raise SystemExit


class _Line:
    """The worker's end of the connection, of which the tasks that run here need not know."""

    def __init__(self, connection: Connection, termination: _Termination) -> None:
        self._connection = connection
        self._termination = termination
        self._identity = self._look()
        self._is_in_call = False
        # As long as a process that a task has forked keeps a copy open, the scheduler cannot see this worker die.
        os.register_at_fork(after_in_child=connection.close)
        self._ask_for_signals()

    def receive(self) -> bytes:
        """The next call. Raises `EOFError` or `OSError` when there will be none."""
        self._is_in_call = False
        message = self._connection.recv_bytes()
        self._is_in_call = True
        return message

    def send(self, message: bytes) -> None:
        """Send a message. Raises `OSError` if the connection is lost."""
        if not self._is_open():
            # The task has closed it, and a file that was opened since has its number.
            raise OSError("the connection was closed by the task")
        self._connection.send_bytes(message)

    def _is_open(self) -> bool:
        return self._look() == self._identity

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self._connection.fileno())
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _ask_for_signals(self) -> None:
        """Have the system tell by a signal what happens on the line: the scheduler may die while a task runs."""
        signal.signal(signal.SIGIO, self._look_for_the_end)
        number = self._connection.fileno()
        fcntl.fcntl(number, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_ASYNC)

    def _look_for_the_end(self, *_: Any) -> None:
        if not self._is_in_call or not self._is_open():
            return
        poll = select.poll()
        poll.register(self._connection.fileno(), 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            # Nobody is left who would use force.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, TERMINATE_SECONDS)
            self._termination.request()


def serve(connection: Connection, environment: dict[str, str], inherited: Iterable[Connection]) -> None:
    """Run calls until the scheduler's end of the connection closes, be it on purpose or because that process died.

    Where the scheduler dies, the call that runs is ended as by SIGTERM.

    One process runs many calls. Its working folder is put back after each; whatever else a task changes in its process,
    such as environment variables, limits or modules, the next one finds changed.

    environment: the variables of the scheduler's process. A fork server was started some time ago, possibly by somebody
    else, and its children have the environment of that moment.
    inherited: connections of the scheduler to other workers that came here by a fork. As long as a copy is open, those
    workers cannot see the scheduler die.
    """
    for other in inherited:
        other.close()
    termination = _Termination()
    try:
        _prepare(environment, termination)
        _run_calls(_Line(connection, termination), termination)
    finally:
        if termination.requested:
            _die_of_sigterm()


def _prepare(environment: dict[str, str], termination: _Termination) -> None:
    signal.signal(signal.SIGTERM, termination.request)
    # Ctrl-C is the scheduler's business. A handler that does nothing, unlike SIG_IGN, is not inherited by programs
    # that a task starts: these still end at Ctrl-C.
    signal.signal(signal.SIGINT, _do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if dict(os.environ) != environment:
        os.environ.clear()
        os.environ.update(environment)


def _run_calls(line: _Line, termination: _Termination) -> None:
    folder = _working_folder()
    try:
        line.send(READY)
        while not termination.requested:
            outcome = run_encoded_call(line.receive())
            if termination.requested:
                return
            _flush_output()
            if folder is not None and _working_folder() != folder:
                os.chdir(folder)
            line.send(outcome)
            # A big result would live on while this waits for the next call.
            del outcome
    except (EOFError, OSError):
        return


def _working_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - asked after every call, so without the cost of a Path
    except OSError:  # it was removed
        return None


def _flush_output() -> None:
    """Show what the task has printed now, not when the worker ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            continue


def _die_of_sigterm() -> None:
    """End as a process without a handler would, so that its exit code tells what happened."""
    _flush_output()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _do_nothing(*_: Any) -> None:
    pass
