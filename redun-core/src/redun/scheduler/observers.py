"""Telling observers what happens to jobs, in batches, without holding up the run."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.scheduler.events import JobEvent, JobObserver

logger = logging.getLogger("redun")


class Observers:
    """The observers of one run.

    direct: are called in the run's own thread: the display of whoever started the run.
    plugged: come from plugins and are called on a thread of their own.

    One that raises is disabled, with one warning.
    """

    def __init__(self, direct: Sequence[JobObserver], plugged: Sequence[JobObserver] = ()) -> None:
        self.direct = list(direct)
        self._plugged = list(plugged)
        self._queue: SimpleQueue[Sequence[JobEvent] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def __bool__(self) -> bool:
        return bool(self.direct or self._plugged)

    def handle(self, events: Sequence[JobEvent]) -> None:
        """Pass a batch on."""
        _tell(self.direct, events)
        if self._plugged:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="redun-observers", daemon=True)
                self._thread.start()
            self._queue.put(events)

    def _work(self) -> None:
        while (events := self._queue.get()) is not None:
            _tell(self._plugged, events)

    def close(self, timeout: float = 5.0) -> None:
        """Let the thread finish what it has been given, for some seconds at most."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(timeout)


def _tell(observers: list[JobObserver], events: Sequence[JobEvent]) -> None:
    for observer in list(observers):
        try:
            observer.handle(events)
        except Exception as error:
            observers.remove(observer)
            logger.warning("observer %r is disabled, because it raised %s: %s", observer, type(error).__name__, error)
