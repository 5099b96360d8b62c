"""The thread that looks after the worker processes of one run."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
import time
from collections import Counter, deque
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from redun.errors import ExecutorError, WorkerDiedError
from redun.executors.transport import Raised, decode_outcome, encode_call

from redun_executor_local.worker_process import WorkerProcess, WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.context import BaseContext

    from redun.executors.base import JobSink, TaskCall

SILENT_DEATH_SECONDS = 1.0
"""How often to ask the system whether a busy worker still exists, where its end may go unnoticed."""
LAST_WORD_SECONDS = 0.1
"""How long to wait for the connection of a process that has ended to close, which can be a moment later."""
FAILED_STARTS = 3
"""After how many workers in a row that ended before they were ready no more are started."""
START_PAUSE_SECONDS = 0.1
"""How long to wait after a start that has failed, times the failures in a row. What failed may need to recover."""
FAILED_DELIVERIES = 3
"""After how many workers that ended before they had read it a call fails. Reading it may be what they die of."""


class Supervisor(threading.Thread):
    """Starts workers, gives each one call at a time, collects outcomes, and replaces workers that die.

    All of it happens in this thread; other threads only leave orders. A worker gets its next call when it is done
    with the last, never earlier, so that its death can cost one call only.
    """

    def __init__(self, name: str, max_workers: int, context: BaseContext, sink: JobSink) -> None:
        super().__init__(name=f"redun-{name}-supervisor", daemon=True)
        self._pool_name = name
        self._max_workers = max_workers
        self._context = context
        self._sink = sink
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[TaskCall] = deque()
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._started_count = 0
        self._failed_starts = 0
        self._next_start = 0.0
        self._failed_deliveries: Counter[int] = Counter()
        self._stopping = False
        # Starting a worker keeps a processor busy: more at once than processors only delays the first.
        self._processors = os.cpu_count() or 1
        # A fork server reports the end of a process itself. Elsewhere it is noticed by a pipe that closes, which a
        # process started by the task may keep open.
        self._may_die_silently = context.get_start_method() != "forkserver"
        self._selector = selectors.DefaultSelector()
        self._bell, self._bell_button = os.pipe()
        os.set_blocking(self._bell_button, False)
        self._selector.register(self._bell, selectors.EVENT_READ, self._take_orders)

    # Orders, from any thread.

    def order_calls(self, calls: Sequence[TaskCall]) -> None:
        """Run these calls."""
        self._order(partial(self._accept, calls))

    def order_cancel(self, job_ids: frozenset[int]) -> None:
        """Drop those of these calls that wait, and terminate the workers of those that run."""
        self._order(partial(self._cancel, job_ids))

    def order_stop(self) -> None:
        """Cancel everything, end all workers, then this thread."""
        self._order(self._stop)

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.put(order)
        with contextlib.suppress(BlockingIOError):  # full: the bell is ringing anyway
            os.write(self._bell_button, b"!")

    def close(self) -> None:
        """Release what orders go through, after this thread has ended and nobody gives any more."""
        os.close(self._bell)
        os.close(self._bell_button)

    # Everything below happens in this thread.

    def run(self) -> None:
        """Look after the workers until the order to stop, and until the last of them has ended."""
        try:
            while not self._stopping or self._workers:
                self._hand_out_calls()
                self._start_workers()
                events = self._selector.select(self._patience())
                for key, _ in events:
                    key.data()
                self._use_force_where_due()
                if not events:
                    self._look_for_silent_deaths()
        except BaseException as error:
            self._sink.broken(error)
        finally:
            self._kill_all()
            self._selector.close()

    def _take_orders(self) -> None:
        os.read(self._bell, 4096)
        while True:
            try:
                order = self._orders.get_nowait()
            except Empty:
                return
            order()

    def _accept(self, calls: Sequence[TaskCall]) -> None:
        self._waiting.extend(calls)

    def _cancel(self, job_ids: frozenset[int]) -> None:
        calls, self._waiting = self._waiting, deque()
        for call in calls:
            if call.job_id in job_ids:
                self._sink.cancelled(call.job_id)
            else:
                self._waiting.append(call)
        for worker in self._workers:
            if worker.state is WorkerState.BUSY and worker.call is not None and worker.call.job_id in job_ids:
                worker.terminate()

    def _stop(self) -> None:
        self._stopping = True
        while self._waiting:
            self._sink.cancelled(self._waiting.popleft().job_id)
        for worker in self._workers:
            if worker.state is WorkerState.IDLE:
                self._ignore_connection(worker)
                worker.leave()
            elif worker.state is not WorkerState.ENDING:
                worker.terminate()
        self._idle.clear()

    def _start_workers(self) -> None:
        while self._wants_worker():
            self._started_count += 1
            name = f"redun-{self._pool_name}-{self._started_count}"
            try:
                worker = WorkerProcess(self._context, name, tuple(self._workers))
            except Exception as error:
                self._give_up_start(f"could not be started ({type(error).__name__}: {error})")
                continue
            self._workers.add(worker)
            self._selector.register(worker.connection, selectors.EVENT_READ, partial(self._receive, worker))
            self._selector.register(worker.sentinel, selectors.EVENT_READ, partial(self._notice_exit, worker))

    def _wants_worker(self) -> bool:
        """Whether to start one more worker now."""
        if not self._waiting or len(self._workers) >= self._max_workers or self._start_pause():
            return False
        starting = self._count(WorkerState.STARTING)
        if starting >= min(len(self._waiting), self._processors):
            return False
        return self._failed_starts < FAILED_STARTS or len(self._workers) == starting

    def _start_pause(self) -> float:
        """For how many seconds no worker is to be started."""
        return max(0.0, self._next_start - time.monotonic()) if self._failed_starts else 0.0

    def _hand_out_calls(self) -> None:
        while self._waiting and self._idle:
            call = self._waiting.popleft()
            try:
                message = encode_call(call)
            except ExecutorError as error:
                self._sink.failed(call.job_id, error)
                continue
            worker = self._idle.pop()
            worker.call = call
            worker.state = WorkerState.BUSY
            try:
                worker.connection.send_bytes(message)
            except OSError:
                self._lose(worker, is_unread=True)
            else:
                self._sink.started(call.job_id)

    def _receive(self, worker: WorkerProcess) -> None:
        """Take the next message of a worker: that it is ready, or the outcome of its call."""
        if worker not in self._workers:
            return
        try:
            message = worker.connection.recv_bytes()
        except (EOFError, OSError) as error:
            if worker.state is WorkerState.ENDING:
                self._ignore_connection(worker)
            else:
                # Linux tells by this error that the worker has died with something sent to it that it has not read.
                self._lose(worker, is_unread=isinstance(error, ConnectionResetError))
            return
        if worker.state is WorkerState.ENDING:
            return
        self._failed_starts = 0
        call, worker.call = worker.call, None
        worker.state = WorkerState.IDLE
        self._idle.append(worker)
        if call is None:
            return
        self._failed_deliveries.pop(call.job_id, None)
        # The worker goes on with its next call while this thread unpickles and reports.
        self._hand_out_calls()
        outcome = decode_outcome(call.target.full_name, message)
        if isinstance(outcome, Raised):
            self._sink.failed(call.job_id, outcome.error, outcome.traceback)
        else:
            self._sink.done(call.job_id, outcome.value)

    def _notice_exit(self, worker: WorkerProcess) -> None:
        """A process has ended. What it managed to send still counts."""
        if worker in self._workers and not worker.connection.closed and worker.connection.poll(LAST_WORD_SECONDS):
            self._receive(worker)
        if worker in self._workers:
            self._lose(worker)

    def _lose(self, worker: WorkerProcess, *, is_unread: bool = False) -> None:
        """Give up a worker, and report the call that it had.

        is_unread: the worker did not live to read that call, which another one may run.
        """
        self._workers.remove(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._ignore_connection(worker)
        self._selector.unregister(worker.sentinel)
        ending = worker.bury()
        call, state = worker.call, worker.state
        if call is None:
            if state is WorkerState.STARTING:
                self._give_up_start(ending)
        elif state is WorkerState.ENDING:
            self._sink.cancelled(call.job_id)
        elif is_unread:
            self._deliver_again(call, ending)
        else:
            self._failed_deliveries.pop(call.job_id, None)
            error = WorkerDiedError(f"The worker process that ran task {call.target.full_name} {ending}.")
            self._sink.failed(call.job_id, error)

    def _deliver_again(self, call: TaskCall, ending: str) -> None:
        self._failed_deliveries[call.job_id] += 1
        if self._failed_deliveries[call.job_id] < FAILED_DELIVERIES:
            self._waiting.appendleft(call)
            return
        del self._failed_deliveries[call.job_id]
        error = WorkerDiedError(
            f"Task {call.target.full_name} cannot run: {FAILED_DELIVERIES} worker processes ended while they received "
            f"its arguments. The last one {ending}."
        )
        self._sink.failed(call.job_id, error)

    def _ignore_connection(self, worker: WorkerProcess) -> None:
        if not worker.connection.closed and worker.connection in self._selector.get_map():
            self._selector.unregister(worker.connection)

    def _give_up_start(self, reason: str) -> None:
        """A worker ended before it was ready. If that is the rule, the waiting calls fail."""
        self._failed_starts += 1
        self._next_start = time.monotonic() + START_PAUSE_SECONDS * self._failed_starts
        if self._failed_starts < FAILED_STARTS or len(self._workers) > self._count(WorkerState.STARTING):
            return
        self._failed_starts = 0
        while self._waiting:
            call = self._waiting.popleft()
            error = WorkerDiedError(
                f"Task {call.target.full_name} cannot run: {FAILED_STARTS} new worker processes in a row ended before "
                f"they were ready. The last one {reason}. A script that starts redun "
                'itself must do so under `if __name__ == "__main__":`, because a worker process imports that script.'
            )
            self._sink.failed(call.job_id, error)

    def _count(self, state: WorkerState) -> int:
        return sum(worker.state is state for worker in self._workers)

    def _patience(self) -> float | None:
        """How many seconds to wait for an event at most."""
        now = time.monotonic()
        limits = [max(0.0, worker.deadline - now) for worker in self._workers if worker.deadline is not None]
        if self._may_die_silently and len(self._workers) > len(self._idle):
            limits.append(SILENT_DEATH_SECONDS)
        if self._waiting and (pause := self._start_pause()):
            limits.append(pause)
        return min(limits, default=None)

    def _use_force_where_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.deadline is not None and worker.deadline <= now:
                worker.use_more_force()

    def _look_for_silent_deaths(self) -> None:
        if self._may_die_silently:
            for worker in [worker for worker in self._workers if worker.has_exited()]:
                self._notice_exit(worker)

    def _kill_all(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.bury()
