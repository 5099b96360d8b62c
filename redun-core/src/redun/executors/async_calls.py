"""Running async tasks, for executors that have an event loop.

Inside such a task `await expression` asks the sink of the executor, and so the scheduler, for the value.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from redun.executors.calls import exit_error, find_task
from redun.session import set_awaiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.executors.base import TaskCall
    from redun.expression import Expression


class AsyncSink(Protocol):
    """What the functions below ask of a sink. Every `JobSink` has it."""

    def started(self, job_id: int) -> None:
        """As `JobSink.started`."""

    def done(self, job_id: int, value: Any) -> None:
        """As `JobSink.done`."""

    def failed(self, job_id: int, error: BaseException) -> None:
        """As `JobSink.failed`."""

    def cancelled(self, job_id: int) -> None:
        """As `JobSink.cancelled`."""

    def evaluate(self, job_id: int, expression: Any, answer: Callable[[Any, BaseException | None], None]) -> None:
        """As `JobSink.evaluate`."""


class AsyncCall:
    """A call of an async task that runs in an event loop. It reports its end to the sink itself, once."""

    def __init__(self, call: TaskCall, sink: AsyncSink) -> None:
        self._call = call
        self._sink = sink
        # Asyncio cannot tell: up to Python 3.12 a task that was left by a TaskGroup counts as being cancelled for ever.
        self._is_cancelled = False
        self.task = asyncio.get_running_loop().create_task(self._outcome(), name=call.job_name)
        """To wait for the end."""
        self.task.add_done_callback(self._report)

    def cancel(self) -> None:
        """Stop the call. In the thread of the event loop."""
        self._is_cancelled = True
        self.task.cancel()

    def add_done_callback(self, callback: Callable[[AsyncCall], None]) -> None:
        """Have a function called, in the thread of the event loop, once the end has been reported."""
        self.task.add_done_callback(lambda _: callback(self))

    async def _outcome(self) -> tuple[Any, BaseException | None]:
        """What the call returns or raises.

        An error is returned too: a `KeyboardInterrupt` that leaves an asyncio task stops the whole event loop.
        """
        self._sink.started(self._call.job_id)
        try:
            return await run_async_call(self._call, self._sink), None
        except BaseException as error:
            return None, error

    def _report(self, ended: asyncio.Task[tuple[Any, BaseException | None]]) -> None:
        if self._is_cancelled or ended.cancelled():
            self._sink.cancelled(self._call.job_id)
            return
        value, error = ended.result()
        if error is None:
            self._sink.done(self._call.job_id, value)
        else:
            self._sink.failed(self._call.job_id, error)


def start_async_call(call: TaskCall, sink: AsyncSink) -> AsyncCall:
    """Begin a call of an async task in the event loop that runs in this thread.

    Nothing that the task raises comes out of the event loop.
    """
    return AsyncCall(call, sink)


async def run_async_call(call: TaskCall, sink: AsyncSink) -> Any:
    """Run the body of an async task and return what it returns.

    sink: asked for the values of the expressions that the task awaits. Nothing is reported to it.

    Raises whatever the body raises, and `ExecutorError` when the task cannot be found here or calls `sys.exit`.
    """
    task = find_task(call.target)
    set_awaiter(_Awaiter(call.job_id, sink))
    try:
        return await task.func(*call.args, **call.kwargs)
    except SystemExit as error:
        raise exit_error(call.target, error) from error


class _Awaiter:
    """Makes awaitable what one call awaits."""

    __slots__ = ("_job_id", "_sink")

    def __init__(self, job_id: int, sink: AsyncSink) -> None:
        self._job_id = job_id
        self._sink = sink

    def __call__(self, expression: Expression[Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def answer(value: Any, error: BaseException | None) -> None:
            # A loop that is closed has nobody left to answer to.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, value, error)

        self._sink.evaluate(self._job_id, expression, answer)
        return future


# Raised in a coroutine, these would end it silently, or the whole event loop.
_NOT_FOR_COROUTINES = (StopIteration, GeneratorExit, KeyboardInterrupt, SystemExit)


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, _NOT_FOR_COROUTINES):
        wrapped = RuntimeError(f"an awaited task raised {error!r}")
        wrapped.__cause__ = error
        future.set_exception(wrapped)
    else:
        future.set_exception(error)
    if error is not None:
        future.exception()  # nobody may be waiting any more, which asyncio would complain about
