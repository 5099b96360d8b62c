"""Which scheduler runs in this thread, and which job is asking where an expression is awaited."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, overload

from redun.errors import NoCurrentScheduler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redun.expression import Expression
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


_awaiter: ContextVar[Callable[[Expression[Any]], Awaitable[Any]] | None] = ContextVar("redun_awaiter", default=None)


def get_awaiter() -> Callable[[Expression[Any]], Awaitable[Any]] | None:
    """What turns an expression into something to await, in an async task that runs; None anywhere else."""
    return _awaiter.get()


def set_awaiter(awaiter: Callable[[Expression[Any]], Awaitable[Any]]) -> None:
    """Set how expressions are awaited, for the current context and the asyncio tasks that are made in it."""
    _awaiter.set(awaiter)
