"""Which scheduler runs in this thread, which job is asking where an expression is awaited, and what handles need."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from redun.errors import NoCurrentScheduler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redun.expression import Expression
    from redun.scheduler import Scheduler


class HandleStates(Protocol):
    """Knows which states of handles still hold."""

    def is_valid(self, state: bytes) -> bool:
        """Whether the state with this hash is recorded, and was not rolled back since."""
        ...


class _Session(threading.local):
    scheduler: Scheduler | None = None
    handle_states: HandleStates | None = None


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


def get_handle_states() -> HandleStates:
    """What knows about handles in this thread. Raises `NoCurrentScheduler` if no scheduler runs in it."""
    if _session.handle_states is None:
        raise NoCurrentScheduler(
            "whether a handle is valid, only a running scheduler can tell; none runs in this thread"
        )
    return _session.handle_states


def set_handle_states(states: HandleStates | None) -> HandleStates | None:
    """Set, or with None clear, what knows about handles in this thread. Returns what was set before."""
    before, _session.handle_states = _session.handle_states, states
    return before


_awaiter: ContextVar[Callable[[Expression[Any]], Awaitable[Any]] | None] = ContextVar("redun_awaiter", default=None)


def get_awaiter() -> Callable[[Expression[Any]], Awaitable[Any]] | None:
    """What turns an expression into something to await, in an async task that runs; None anywhere else."""
    return _awaiter.get()


def set_awaiter(awaiter: Callable[[Expression[Any]], Awaitable[Any]]) -> None:
    """Set how expressions are awaited, for the current context and the asyncio tasks that are made in it."""
    _awaiter.set(awaiter)
