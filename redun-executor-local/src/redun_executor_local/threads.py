"""Calls in threads of the scheduler's process."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from redun.executors.calls import run_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from redun.executors.base import JobSink, TaskCall
    from redun.executors.scripts import ScriptProcess


class ThreadPool:
    """Plain threads that take calls from one queue.

    Several times cheaper per call than `concurrent.futures`, which makes a future, a condition and a work item for
    each. Threads start when there are calls for them, never more than `max_workers`. They are daemons: a thread
    cannot be stopped, and a task that hangs must not keep the program from ending. The process of a script can.
    """

    def __init__(self, name: str, max_workers: int, sink: JobSink, scratch: Path | None = None) -> None:
        self._name = name
        self._max_workers = max_workers
        self._sink = sink
        self._scratch = scratch
        self._queue: SimpleQueue[TaskCall | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._submitted = 0
        # One counter for each thread, so that counting needs no lock.
        self._finished: list[int] = []
        # What runs. A call is taken out once: by its thread when it ends, or by `cancel`, which abandons that thread.
        self._running: set[int] = set()
        self._abandoned = 0
        self._scripts: dict[int, ScriptProcess] = {}
        self._stopped = False

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Queue these calls, and start the threads that they need."""
        put = self._queue.put
        for call in calls:
            if call.target.is_script:
                self._scripts[call.job_id] = _make_script_process(self._scratch)
            put(call)
        self._submitted += len(calls)
        self._start_threads()

    def cancel(self, job_ids: frozenset[int]) -> None:
        """Drop those of these calls that have not started, and end scripts.

        A task that runs goes on and is reported when it ends. Nobody waits for it, so another thread takes its place.
        """
        kept = []
        for call in self._drain():
            if call.job_id in job_ids:
                self._submitted -= 1
                self._scripts.pop(call.job_id, None)
                self._sink.cancelled(call.job_id)
            else:
                kept.append(call)
        for call in kept:
            self._queue.put(call)
        self._end_scripts(job_ids)
        for job_id in job_ids & self._running:
            if job_id not in self._scripts and self._takes_out(job_id):
                self._submitted -= 1
                self._abandoned += 1
        self._start_threads()

    def stop(self) -> None:
        """Drop the calls that have not started, end scripts, abandon the tasks that run, and let the threads end."""
        self._stopped = True
        for call in self._drain():
            self._submitted -= 1
            self._scripts.pop(call.job_id, None)
            self._sink.cancelled(call.job_id)
        for _ in self._threads:
            self._queue.put(None)
        for process in self._end_scripts(tuple(self._scripts)):
            process.wait()
        if self._unfinished() == 0 and not self._abandoned:
            for thread in self._threads:
                thread.join()

    def _end_scripts(self, job_ids: Iterable[int]) -> list[ScriptProcess]:
        """End those of these calls that are scripts. Returns what ran them."""
        # One look at each: a script that ends by itself takes itself out at any moment.
        found = [self._scripts.get(job_id) for job_id in job_ids] if self._scripts else []
        processes = [process for process in found if process is not None]
        for process in processes:
            process.cancel()
        return processes

    def _unfinished(self) -> int:
        return self._submitted - sum(self._finished)

    def _drain(self) -> list[TaskCall]:
        calls: list[TaskCall] = []
        while True:
            try:
                call = self._queue.get_nowait()
            except Empty:
                return calls
            if call is not None:
                calls.append(call)

    def _start_threads(self) -> None:
        # Counted anew each time: while a thread starts, the others may have finished most of the calls.
        while len(self._threads) - self._abandoned < min(self._max_workers, self._unfinished()):
            number = len(self._threads)
            self._finished.append(0)
            thread = threading.Thread(
                target=self._work, args=(number,), name=f"redun-{self._name}-{number + 1}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # the system allows no more threads
                if not self._threads:
                    self._sink.broken(error)
                return
            self._threads.append(thread)

    def _work(self, number: int) -> None:
        get = self._queue.get
        run_and_report = self._run_and_report
        while (call := get()) is not None:
            if not run_and_report(call, number):
                return
            # Otherwise the arguments of the latest call live on while the thread waits for the next.
            del call

    def _run_and_report(self, call: TaskCall, number: int) -> bool:
        """Run one call. It counts as finished before it is reported: a report may bring the next call at once.

        False if the thread was abandoned meanwhile, and another one has taken its place.
        """
        if self._stopped:
            self._finished[number] += 1
            self._scripts.pop(call.job_id, None)
            self._sink.cancelled(call.job_id)
            return True
        process = None
        self._running.add(call.job_id)
        self._sink.started(call.job_id)
        try:
            if call.target.is_script:
                process = self._scripts[call.job_id]
                value = self._run_script(call, process)
            else:
                value = run_call(call)
        except BaseException as error:
            goes_on = self._finish(call, number)
            if self._stopped:
                return goes_on
            if process is not None and process.is_cancelled:
                self._sink.cancelled(call.job_id)
            else:
                self._sink.failed(call.job_id, error)
        else:
            goes_on = self._finish(call, number)
            if not self._stopped:
                self._sink.done(call.job_id, value)
        return goes_on

    def _finish(self, call: TaskCall, number: int) -> bool:
        if not self._takes_out(call.job_id):
            return False
        self._finished[number] += 1
        return True

    def _takes_out(self, job_id: int) -> bool:
        """Whether this was the one to take a call out of those that run."""
        try:
            self._running.remove(job_id)
        except KeyError:
            return False
        return True

    def _run_script(self, call: TaskCall, process: ScriptProcess) -> Any:
        from redun.executors.scripts import run_script_call

        try:
            return run_script_call(call, process)
        finally:
            del self._scripts[call.job_id]


def _make_script_process(folder: Path | None) -> ScriptProcess:
    # Imported at the first use, as most workflows have no scripts.
    from redun.executors.scripts import ScriptProcess

    return ScriptProcess(folder)
