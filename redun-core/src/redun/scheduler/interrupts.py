"""Ctrl-C, taken at a moment when everything that is known can be recorded.

A `KeyboardInterrupt` that strikes anywhere could leave half a record behind. So while a run goes on, the first one is
put into the queue of reports and raised by the loop itself, or at once where a task's body runs in the same thread. The
second one is raised where it strikes.
"""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Interrupts:
    """Holds back the first Ctrl-C while it is entered; what happens then is up to the handler that was there before.

    Does nothing outside of the main thread, or where the program ignores Ctrl-C.

    notify: is called for an interrupt that was held back: the loop has to call `strike` soon.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._outer: Callable[[int, Any], Any] | None = None
        self._is_pending = False
        self._is_held_back = False
        self.may_strike = False
        """Set while code runs that an interrupt may strike at once: the user's own."""

    def __enter__(self) -> Interrupts:
        outer = signal.getsignal(signal.SIGINT)
        if callable(outer) and threading.current_thread() is threading.main_thread():
            self._outer = outer
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._outer is not None and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._outer)

    def _handle(self, _signum: int, frame: Any) -> None:
        if self._is_held_back:
            # The loop is busy with something that takes its time. The handler has to hear of both.
            with suppress(KeyboardInterrupt):
                self._deliver(frame)
            self._deliver(frame)
        elif self._is_pending or self.may_strike:
            self._deliver(frame)
        else:
            self._is_pending = self._is_held_back = True
            self._notify()

    def strike(self) -> None:
        """Let an interrupt that was held back have its effect.

        Raises `KeyboardInterrupt`, unless the program handles it otherwise.
        """
        if self._is_held_back:
            self._deliver(None)

    def _deliver(self, frame: Any) -> None:
        self._is_pending, self._is_held_back = True, False
        if self._outer is not None:
            self._outer(signal.SIGINT, frame)
