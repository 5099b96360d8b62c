"""Executors made from one function that waits: whatever else an executor has to do is done here."""

from __future__ import annotations

import threading
import time
import traceback
from abc import abstractmethod
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.errors import ConfigError, ExecutorError
from redun.executors.base import Capabilities, Executor
from redun.executors.transport import Raised, Returned

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Sequence

    from redun.executors.base import ExecutorContext, JobSink, TaskCall
    from redun.executors.transport import Outcome

STOP_SECONDS = 10.0
"""How long `stop` waits for calls that were cancelled."""


class Cancellation:
    """Whether a call that runs is to be stopped, and how that is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requested = False
        self._stop: Callable[[], object] | None = None

    @property
    def is_requested(self) -> bool:
        """The call is to be stopped: whatever its outcome, it counts as cancelled."""
        return self._requested

    @contextmanager
    def stops_with(self, stop: Callable[[], object]) -> Iterator[None]:
        """While the block runs, `stop` is how the call is stopped.

        It is called at most once: at once if the call was cancelled before, else from the thread that cancels, and
        never after the block was left. It must return quickly and make the block end.
        """
        with self._lock:
            self._stop = stop
            if self._requested:
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None

    def request(self) -> None:
        """Stop the call. A second time is nothing."""
        with self._lock:
            if self._requested:
                return
            self._requested = True
            if self._stop is not None:
                self._stop()


class BlockingExecutor(Executor):
    """Base class of executors that run a call with a function which waits until the call has ended.

    name: what tasks call the executor: `@task(executor=name)`.
    slots: how many calls run at once, at most. Raises `ConfigError` for less than one.

    A subclass implements `run`. It is called on threads of this executor, one for each slot, which start when there are
    calls for them. Waiting, cancelling, stopping, and reporting every call exactly once is what this class does.

    A subclass whose `run` uses its `cancellation` declares `Capabilities(cancel=True, abandons_running=True)`: `cancel`
    and `stop` then stop what runs. Without it they stop only what waits, and `stop` abandons what runs, since a thread
    cannot be ended from outside.
    """

    capabilities = Capabilities(abandons_running=True)

    def __init__(self, name: str, slots: int = 4) -> None:
        super().__init__(name)
        if slots < 1:
            raise ConfigError(f"Executor {name!r} has slots = {slots!r}; it needs at least 1 to run anything.")
        self.slots: int = slots
        self._crew: _Crew | None = None

    @abstractmethod
    def run(self, call: TaskCall, cancellation: Cancellation) -> Outcome:
        """Run one call and wait until it has ended.

        cancellation: whoever can stop the call says how, with `cancellation.stops_with`.

        Returns `Returned` or `Raised`. An exception that leaves this method is the error that the call fails with.
        """

    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Remember where to report; threads start with the first calls."""
        self._crew = _Crew(self, context.logger, sink)

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Queue these calls. Raises `ExecutorError` before `start` and after `stop`."""
        if self._crew is None:
            raise ExecutorError(
                f"Executor {self.name!r} was given calls before it was started or after it was stopped."
            )
        self._crew.accept(calls)

    def cancel(self, job_ids: Sequence[int]) -> None:
        """Drop those of these calls that wait, and stop those that run where the capability `cancel` is declared."""
        if self._crew is not None:
            self._crew.cancel(frozenset(job_ids))

    def stop(self) -> None:
        """Drop what waits; stop, await or abandon what runs, as the capabilities say."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.stop()


class _Crew:
    """The threads of one executor during one run, and the calls that they have or will have."""

    def __init__(self, executor: BlockingExecutor, logger: logging.Logger, sink: JobSink) -> None:
        self._executor = executor
        self._logger = logger
        self._sink = sink
        self._changed = threading.Condition()
        self._waiting: deque[TaskCall] = deque()
        self._running: dict[int, Cancellation] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = False
        """No more calls begin."""
        self._silent = False
        """Nothing is reported any more."""

    def accept(self, calls: Sequence[TaskCall]) -> None:
        refused: Sequence[TaskCall] = ()
        with self._changed:
            if self._stopped:
                refused = calls
            else:
                self._waiting.extend(calls)
                self._changed.notify(len(calls))
                self._start_threads()
        for call in refused:
            self._sink.cancelled(call.job_id)

    def _start_threads(self) -> None:
        """Start as many threads as there are calls that no thread is free for."""
        free = len(self._threads) - len(self._running)
        while free < len(self._waiting) and len(self._threads) < self._executor.slots:
            name = f"redun-{self._executor.name}-{len(self._threads) + 1}"
            # A daemon: a call that cannot be stopped must not keep the program from ending.
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system allows no more threads
                if not self._threads:
                    self._sink.broken(error)
                return
            self._threads.append(thread)
            free += 1

    def _work(self) -> None:
        while (call := self._next()) is not None:
            self._run(call)
            # Otherwise its arguments live on while the thread waits for the next one.
            del call

    def _next(self) -> TaskCall | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            if self._stopped:
                return None
            call = self._waiting.popleft()
            self._running[call.job_id] = Cancellation()
            return call

    def _run(self, call: TaskCall) -> None:
        cancellation = self._running[call.job_id]
        self._sink.started(call.job_id)
        try:
            outcome = self._checked(self._executor.run(call, cancellation))
        except ExecutorError as error:
            # Its message is made for the user, to whom the frames of an executor say nothing.
            outcome = Raised(error, "".join(traceback.format_exception_only(error)))
        except BaseException as error:
            outcome = Raised(error, None)
        with self._changed:
            # Before the report, which may bring the next call at once.
            del self._running[call.job_id]
            # Under the lock, so that nothing is reported once `stop` has returned.
            if self._silent:
                return
            if cancellation.is_requested:
                self._sink.cancelled(call.job_id)
            elif isinstance(outcome, Raised):
                self._sink.failed(call.job_id, outcome.error, outcome.traceback)
            else:
                self._sink.done(call.job_id, outcome.value)

    def _checked(self, outcome: Outcome) -> Outcome:
        """Raise `ExecutorError` if `run` has returned something else, which would end no call."""
        if not isinstance(outcome, Returned | Raised):
            raise ExecutorError(
                f"Executor {self._executor.name!r} is wrong: its method `run` returned a {type(outcome).__name__}. "
                "It must return Returned(value) or Raised(error, traceback)."
            )
        return outcome

    def cancel(self, job_ids: frozenset[int]) -> None:
        with self._changed:
            dropped = [call for call in self._waiting if call.job_id in job_ids]
            self._waiting = deque(call for call in self._waiting if call.job_id not in job_ids)
            running = [cancellation for job_id, cancellation in self._running.items() if job_id in job_ids]
        for call in dropped:
            self._sink.cancelled(call.job_id)
        self._request(running)

    def stop(self) -> None:
        capabilities = self._executor.capabilities
        with self._changed:
            self._stopped = True
            dropped, self._waiting = self._waiting, deque()
            running = list(self._running.values())
            self._changed.notify_all()
        for call in dropped:
            self._sink.cancelled(call.job_id)
        if capabilities.abandons_running:
            self._request(running)
        if not capabilities.abandons_running:
            self._join(None)
        elif capabilities.cancel or not running:
            self._join(STOP_SECONDS)
        with self._changed:
            self._silent = True

    def _request(self, running: Sequence[Cancellation]) -> None:
        if not self._executor.capabilities.cancel:
            return
        for cancellation in running:
            try:
                cancellation.request()
            except Exception as error:
                self._logger.warning("Executor %s could not stop a call: %s", self._executor.name, error)

    def _join(self, seconds: float | None) -> None:
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
