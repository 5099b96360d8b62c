"""What runs in a worker process: one call after the other, as they come through its connection."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from redun.executors.transport import run_encoded_call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

READY = b"ready"
"""The first message of a worker: its main module is imported and it waits for calls."""


class _Termination:
    """Turns SIGTERM into an exception, so that `finally` blocks of the running task clean up what it has started.

    The flag holds even where the task catches the exception: the worker then ends with the call.
    """

    requested = False

    def request(self, *_: Any) -> None:
        if not self.requested:  # a second signal must not disturb the cleaning up
            self.requested = True
            raise SystemExit


def serve(connection: Connection, environment: dict[str, str], inherited: Iterable[Connection]) -> None:
    """Run calls until the scheduler's end of the connection closes, be it on purpose or because that process died.

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
        _run_calls(connection, termination)
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


def _run_calls(connection: Connection, termination: _Termination) -> None:
    try:
        connection.send_bytes(READY)
        while not termination.requested:
            outcome = run_encoded_call(connection.recv_bytes())
            if termination.requested:
                return
            _flush_output()
            connection.send_bytes(outcome)
            # A big result would live on while this waits for the next call.
            del outcome
    except (EOFError, OSError):
        return


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
