"""The local executor: tasks on this machine, in threads or in processes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError, ExecutorError
from redun.executors.base import Capabilities, Executor

from redun_executor_local.options import (
    DEFAULT_MAX_WORKERS,
    DEFAULT_MODE,
    DEFAULT_START_METHOD,
    PROCESS,
    THREAD,
    check_max_workers,
    check_start_method,
    parse_mode,
)
from redun_executor_local.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redun.executors.base import ExecutorContext, JobSink, TaskCall, TaskTarget

    from redun_executor_local.event_loop import EventLoop
    from redun_executor_local.processes import ProcessPool


class LocalExecutor(Executor):
    """Runs tasks in threads of the scheduler's process, or in worker processes on the same machine.

    name: what tasks call it: `@task(executor=name)`.
    mode: `"thread"` or `"process"`; a task may choose for itself with its option `mode`.
    max_workers: how many calls run at once, at most, of either kind.
    start_method: how worker processes start: `"forkserver"`, `"spawn"` or `"fork"`.
    scratch: folder for the temporary files of scripts, relative to the configuration directory; that of the system
        by default.

    Raises `ConfigError` for a value that is none of these.

    Threads and processes start at the first call that needs them, and only as many as there are calls. A thread
    cannot be stopped from outside: after `stop`, a task that still runs in a thread is abandoned and ends with the
    program. A worker process is terminated. A worker process that dies takes only its own call with it.

    Scripts are started from threads, whatever the mode, and terminated by `cancel` and `stop`. Async tasks run on one
    event loop in a thread of the scheduler's process, whatever the mode.
    """

    def __init__(
        self,
        name: str,
        mode: str = DEFAULT_MODE,
        max_workers: int = DEFAULT_MAX_WORKERS,
        start_method: str = DEFAULT_START_METHOD,
        scratch: str | None = None,
    ) -> None:
        super().__init__(name)
        self.mode = parse_mode(mode)
        self.slots = self.max_workers = check_max_workers(max_workers)
        self.start_method = check_start_method(start_method)
        self.scratch = scratch
        in_threads = self.mode == THREAD
        self.capabilities = Capabilities(
            in_process=in_threads,
            scripts=True,
            async_tasks=True,
            cancel=not in_threads,
            reports_started=True,
            abandons_running=True,
        )
        self._context: ExecutorContext | None = None
        self._folder: Path | None = None
        self._sink: JobSink | None = None
        self._threads: ThreadPool | None = None
        self._processes: ProcessPool | None = None
        self._event_loop: EventLoop | None = None
        self._warned = False
        self._told_of: set[str] = set()
        # Runs in several threads may share this executor.
        self._lock = threading.Lock()

    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Remember where to report; threads and processes start with the first calls."""
        self._context = context
        if self.scratch is not None:
            self._folder = context.config_dir / Path(self.scratch).expanduser()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sink = sink

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Queue these calls for threads or processes."""
        sink = self._sink
        if sink is None:
            raise ExecutorError(
                f"Executor {self.name!r} was given calls before it was started or after it was stopped."
            )
        in_threads: list[TaskCall] = []
        in_processes: list[TaskCall] = []
        on_event_loop: list[TaskCall] = []
        for call in calls:
            try:
                is_in_thread = self._chooses_threads(call.target, call.options)
            except ConfigError as error:
                sink.failed(call.job_id, error)
                continue
            if not is_in_thread:
                in_processes.append(call)
            elif call.target.is_async:
                on_event_loop.append(call)
                self._warn_of_thread(call)
            else:
                in_threads.append(call)
        with self._lock:
            if in_threads:
                self._thread_pool(sink).submit(in_threads)
            if in_processes:
                self._process_pool(sink).submit(in_processes)
            if on_event_loop:
                self._loop(sink).submit(on_event_loop)

    def cancel(self, job_ids: Sequence[int]) -> None:
        """Drop those of these calls that wait, and terminate the worker processes of those that run in one."""
        chosen = frozenset(job_ids)
        with self._lock:
            if self._threads is not None:
                self._threads.cancel(chosen)
            if self._processes is not None:
                self._processes.cancel(chosen)
            if self._event_loop is not None:
                self._event_loop.cancel(chosen)

    def stop(self) -> None:
        """Drop what waits, terminate or abandon what runs, and end the workers. No worker process is left."""
        with self._lock:
            threads, self._threads = self._threads, None
            processes, self._processes = self._processes, None
            event_loop, self._event_loop = self._event_loop, None
            self._sink = None
        if threads is not None:
            threads.stop()
        if processes is not None:
            processes.stop()
        if event_loop is not None:
            event_loop.stop()

    def runs_in_process(self, target: TaskTarget, options: Mapping[str, Any]) -> bool:
        """Whether such a call runs in a thread."""
        try:
            return self._chooses_threads(target, options)
        except ConfigError:  # the call will fail
            return False

    def _chooses_threads(self, target: TaskTarget, options: Mapping[str, Any]) -> bool:
        if target.is_script or target.is_async:
            return True
        wish = options.get("mode")
        return (self.mode if wish is None else parse_mode(wish)) == THREAD

    def _thread_pool(self, sink: JobSink) -> ThreadPool:
        if self._threads is None:
            self._threads = ThreadPool(self.name, self.max_workers, sink, self._folder)
        return self._threads

    def _loop(self, sink: JobSink) -> EventLoop:
        if self._event_loop is None:
            # Imported at the first use: `asyncio` costs some 30 ms.
            from redun_executor_local.event_loop import EventLoop

            self._event_loop = EventLoop(self.name, sink)
        return self._event_loop

    def _process_pool(self, sink: JobSink) -> ProcessPool:
        if self._processes is None:
            # Imported at the first use: `multiprocessing` costs about 20 ms.
            from redun_executor_local.processes import ProcessPool

            self._warn_of_fork()
            self._processes = ProcessPool(self.name, self.max_workers, self.start_method, sink)
        return self._processes

    def _warn_of_thread(self, call: TaskCall) -> None:
        name = call.target.full_name
        if name in self._told_of or self._context is None:
            return
        self._told_of.add(name)
        if (call.options.get("mode") or self.mode) not in (PROCESS, "processes"):
            return
        self._context.logger.warning(
            "task %r is async: it runs in a thread of this process, although the executor %r is asked for a process. "
            "What needs one goes into a plain task, which the async task awaits.",
            name,
            self.name,
        )

    def _warn_of_fork(self) -> None:
        if self.start_method != "fork" or self._warned or self._context is None:
            return
        self._warned = True
        self._context.logger.warning(
            "executors.%s: start_method = fork copies a process that has threads, which may deadlock; "
            "forkserver is the safe choice.",
            self.name,
        )
