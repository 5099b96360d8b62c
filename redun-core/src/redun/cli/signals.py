"""What ends a run from outside: Ctrl-C and SIGTERM, in order the first time, at once the second time."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """A SIGTERM that ends the run as Ctrl-C does."""


@contextmanager
def ends_in_order() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the run in order; the second one ends the process, whatever it is waiting for.

    Raises KeyboardInterrupt, for SIGTERM its subclass Terminated. A signal that the process was started to ignore is
    left alone, and so is a SIGTERM that the user's script handles itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = _Handlers()
    os.register_at_fork(
        before=handlers.before_fork,
        after_in_parent=handlers.after_fork_in_parent,
        after_in_child=handlers.after_fork_in_child,
    )
    with handlers.installed():
        yield


class _Handlers:
    def __init__(self) -> None:
        self._masks = threading.local()
        self._exit_code = INTERRUPTED
        self._has_struck = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        before: list[tuple[int, Any, Any]] = []
        if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
            before.append((signal.SIGINT, signal.signal(signal.SIGINT, self._interrupt), self._interrupt))
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            before.append((signal.SIGTERM, signal.signal(signal.SIGTERM, self._terminate), self._terminate))
        try:
            yield
        finally:
            # After a first signal the handlers stay: the second one must work until the process has ended.
            for signum, outer, handler in before:
                if not self._has_struck and signal.getsignal(signum) == handler:
                    signal.signal(signum, outer)

    # A process that a task forks has nothing to end in order: SIGTERM has to kill it, as `multiprocessing` expects of
    # those that it waits for. It may come before the child has got that far: Python would forget it there, so it waits.

    def before_fork(self) -> None:
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def after_fork_in_parent(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def after_fork_in_child(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def _terminate(self, _signum: int, frame: Any) -> None:
        if self._has_struck:
            os._exit(TERMINATED)
        self._exit_code = TERMINATED
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
            self._interrupt(signal.SIGTERM, frame)
        # The engine holds SIGINT back until what is known can be recorded, so SIGTERM takes that way too.
        signal.raise_signal(signal.SIGINT)

    def _interrupt(self, _signum: int, _frame: Any) -> None:
        if self._has_struck:
            os._exit(self._exit_code)
        self._has_struck = True
        if self._exit_code == TERMINATED:
            os.write(2, b"\nredun: terminated, ending what runs.\n")
            raise Terminated
        os.write(2, b"\nredun: interrupted, ending what runs. Press Ctrl-C again to exit at once.\n")
        raise KeyboardInterrupt
