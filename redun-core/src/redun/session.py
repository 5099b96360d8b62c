"""Which scheduler runs in this thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, overload

from redun.errors import NoCurrentScheduler

if TYPE_CHECKING:
    from redun.scheduler import Scheduler


class _Session(threading.local):
    scheduler: Scheduler | None = None


_session = _Session()


@overload
def get_current_scheduler(required: Literal[True] = True) -> Scheduler: ...
@overload
def get_current_scheduler(required: bool) -> Scheduler | None: ...
def get_current_scheduler(required: bool = True) -> Scheduler | None:
    """The scheduler that runs in this thread.

    Raises `NoCurrentScheduler` if there is none, or returns None where it is not required.
    """
    if required and _session.scheduler is None:
        raise NoCurrentScheduler("this needs a running scheduler, and none runs in this thread")
    return _session.scheduler


def set_current_scheduler(scheduler: Scheduler | None) -> None:
    """Set, or with None clear, the scheduler of this thread."""
    _session.scheduler = scheduler or None
