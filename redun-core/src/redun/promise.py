"""Promises: results that are not there yet.

A settled promise never calls back inline: it puts its callbacks on the thread's queue, which the scheduler drains as
part of its loop. Without a running scheduler the queue is drained where the first promise settles. So a chain of any
length uses no stack.

Any thread may settle a promise. What was asked for in the thread of a scheduler is called back there.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
S = TypeVar("S")

_PENDING, _FULFILLED, _REJECTED = range(3)


class _Callbacks(threading.local):
    def __init__(self) -> None:
        self.queue: deque[tuple[Callable[[Any], None], Any]] = deque()
        self.is_draining = False
        self.home: CallbackQueue | None = None


_callbacks = _Callbacks()
_lock = threading.Lock()
"""Held while a promise is settled, or has somebody wait for it: for some instructions."""


class CallbackQueue:
    """Takes over this thread's callbacks while it is entered: the scheduler drains them itself.

    wake: is called, in any thread, when another thread has added to it.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def __enter__(self) -> CallbackQueue:
        self._outer = (_callbacks.queue, _callbacks.is_draining, _callbacks.home)
        _callbacks.queue, _callbacks.is_draining, _callbacks.home = deque(), True, self
        self.queue = _callbacks.queue
        return self

    def __exit__(self, *exc_info: object) -> None:
        _callbacks.queue, _callbacks.is_draining, _callbacks.home = self._outer

    def put(self, callback: Callable[[Any], None], outcome: Any) -> None:
        """Add a callback from elsewhere."""
        self.queue.append((callback, outcome))
        self._wake()

    def drain(self) -> None:
        """Call everything that is queued, and what that queues."""
        queue = self.queue
        while queue:
            callback, outcome = queue.popleft()
            callback(outcome)


def _call_soon(calls: Iterable[tuple[Callable[[Any], None], Any]]) -> None:
    _callbacks.queue.extend(calls)
    if _callbacks.is_draining:
        return
    _callbacks.is_draining = True
    try:
        while _callbacks.queue:
            callback, outcome = _callbacks.queue.popleft()
            callback(outcome)
    finally:
        _callbacks.is_draining = False


class Promise(Generic[T]):
    """A result that will be there later: pending, then fulfilled with a value or rejected with an error, once.

    func: called at once with `resolve` and `reject`; an exception that it raises rejects the promise.
    """

    __slots__ = ("_origins", "_outcome", "_state", "_waiters")

    def __init__(self, func: Callable[[Callable[[Any], Any], Callable[[Any], Any]], Any] | None = None) -> None:
        self._state = _PENDING
        self._outcome: Any = None
        self._origins: list[Promise[Any]] = []
        self._waiters: list[tuple[Callable[[Any], None], Callable[[Any], None], CallbackQueue | None]] = []
        if func is not None:
            try:
                func(self.do_resolve, self.do_reject)
            except (Exception, SystemExit) as error:
                self.do_reject(error)

    # -- settling -----------------------------------------------------------------------------------------------------

    def do_resolve(self, value: Any) -> None:
        """Fulfil with a value, or follow another promise. Only the first settling counts."""
        if self._state != _PENDING:
            return
        if isinstance(value, Promise):
            self._origins.append(value)
            value._wait(self.do_resolve, self.do_reject)
        else:
            self._settle(_FULFILLED, value)

    def do_reject(self, error: BaseException) -> None:
        """Reject with an error. Only the first settling counts."""
        if self._state == _PENDING:
            self._settle(_REJECTED, error)

    def _settle(self, state: int, outcome: Any) -> None:
        with _lock:
            if self._state != _PENDING:
                return
            self._outcome = outcome
            self._state = state
            waiters, self._waiters = self._waiters, []
        if not waiters:
            return
        here = _callbacks.home
        calls = []
        for on_resolve, on_reject, home in waiters:
            callback = on_reject if state == _REJECTED else on_resolve
            if home is here or home is None:
                calls.append((callback, outcome))
            else:
                home.put(callback, outcome)
        _call_soon(calls)

    def _wait(self, on_resolve: Callable[[Any], None], on_reject: Callable[[Any], None]) -> None:
        with _lock:
            if self._state == _PENDING:
                self._waiters.append((on_resolve, on_reject, _callbacks.home))
                return
        _call_soon([(on_reject if self._state == _REJECTED else on_resolve, self._outcome)])

    # -- chaining -----------------------------------------------------------------------------------------------------

    def then(self, resolver: Callable[[T], S] | None = None, rejector: Callable[[Any], S] | None = None) -> Promise[S]:
        """A promise for what `resolver` makes of the value, or `rejector` of the error; without them, for these."""
        chained: Promise[S] = Promise()
        chained._origins.append(self)

        def follow(callback: Callable[[Any], Any]) -> Callable[[Any], None]:
            def run(outcome: Any) -> None:
                try:
                    result = callback(outcome)
                except (Exception, SystemExit) as error:
                    chained.do_reject(error)
                else:
                    chained.do_resolve(result)

            return run

        self._wait(
            follow(resolver) if resolver else chained.do_resolve,
            follow(rejector) if rejector else chained.do_reject,
        )
        return chained

    def catch(self, rejector: Callable[[Any], S]) -> Promise[S]:
        """A promise for what `rejector` makes of the error."""
        return self.then(None, rejector)

    @classmethod
    def all(cls, promises: Iterable[Promise[Any]]) -> Promise[list[Any]]:
        """A promise for the list of all values, rejected with the first error."""
        promises = list(promises)
        result: Promise[list[Any]] = Promise()
        result._origins = promises
        values: list[Any] = [None] * len(promises)
        missing = len(promises)
        if not promises:
            result.do_resolve(values)

        def collect(index: int) -> Callable[[Any], None]:
            def store(value: Any) -> None:
                nonlocal missing
                values[index] = value
                missing -= 1
                if not missing:
                    result.do_resolve(values)

            return store

        for index, promise in enumerate(promises):
            promise._wait(collect(index), result.do_reject)
        return result

    def follow_origin(self, promise: Promise[Any]) -> None:
        """Note that this promise was decided by another one, though it does not settle with it."""
        self._origins.append(promise)

    def origins(self) -> Iterator[Promise[Any]]:
        """Every promise that this one was made from, itself included."""
        seen: set[int] = set()
        stack: list[Promise[Any]] = [self]
        while stack:
            promise = stack.pop()
            if id(promise) not in seen:
                seen.add(id(promise))
                stack.extend(promise._origins)
                yield promise

    # -- looking ------------------------------------------------------------------------------------------------------

    @property
    def is_pending(self) -> bool:
        """Nothing has happened yet."""
        return self._state == _PENDING

    @property
    def is_fulfilled(self) -> bool:
        """There is a value."""
        return self._state == _FULFILLED

    @property
    def is_rejected(self) -> bool:
        """There is an error."""
        return self._state == _REJECTED

    @property
    def value(self) -> T:
        """The value, or the error of a rejected promise. Raises `ValueError` while pending."""
        if self._state == _PENDING:
            raise ValueError("the promise is still pending")
        return self._outcome  # type: ignore[no-any-return]

    @property
    def error(self) -> Any:
        """The error. Raises `ValueError` unless rejected."""
        if self._state != _REJECTED:
            raise ValueError("the promise is not rejected")
        return self._outcome

    def __repr__(self) -> str:
        return f"Promise({('pending', 'fulfilled', 'rejected')[self._state]})"


def wait_promises(promises: Iterable[Promise[Any]]) -> Promise[list[Promise[Any]]]:
    """A promise for the promises themselves, once every one of them has settled either way."""
    promises = list(promises)
    settled = [promise.then(lambda _: None, lambda _: None) for promise in promises]
    return Promise.all(settled).then(lambda _: promises)
