"""One run of a workflow: the loop that turns an expression into a value.

One thread owns all of it, without locks. Executors report into a queue; everything else happens in the loop:

    settle what is ready -> start more expressions -> look up the cache for all new calls at once
    -> submit what has to run -> hand finished records to the backend -> take reports, or sleep until there is one
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

from redun.backends.records import ExecutionRecord, Status
from redun.errors import InvalidValueError, SchedulerError
from redun.expression import TaskExpression
from redun.promise import CallbackQueue
from redun.scheduler import reports
from redun.scheduler.attempts import Attempts
from redun.scheduler.awaiting import Awaiting
from redun.scheduler.cache import RepositoryCache
from redun.scheduler.calls import Calls
from redun.scheduler.cells import DONE, PENDING, Cell
from redun.scheduler.dispatch import Dispatcher, Host
from redun.scheduler.equal_calls import EqualCalls
from redun.scheduler.errors import DryRunResult
from redun.scheduler.events import JobEvent
from redun.scheduler.extension import WHOLE_EXECUTION
from redun.scheduler.failures import Failures
from redun.scheduler.handles import Handles
from redun.scheduler.interrupts import Interrupts
from redun.scheduler.job import Job, number_of
from redun.scheduler.limits import Limits
from redun.scheduler.observers import Observers
from redun.scheduler.option_names import warn_about_options
from redun.scheduler.options import NO_EXPORTS
from redun.scheduler.outcomes import Outcomes
from redun.scheduler.prepared import PreparedTask, TaskSets
from redun.scheduler.recorder import HEARTBEAT, Recorder
from redun.scheduler.reduce import Reducer
from redun.scheduler.reports import Inbox
from redun.scheduler.standstill import Standstill
from redun.session import set_handle_states
from redun.task import split_task_fullname

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from redun.expression import Expression
    from redun.promise import Promise
    from redun.scheduler.context import Context
    from redun.scheduler.events import JobObserver
    from redun.scheduler.extension import Extension
    from redun.scheduler.options import Exports
    from redun.scheduler.scheduler import Scheduler

MOST_LOOK_UPS = 1_000
"""Calls to gather before the repository is asked about them."""


class Run:
    """The evaluation of one expression, as one execution."""

    def __init__(
        self,
        scheduler: Scheduler,
        execution: ExecutionRecord,
        job_id_base: int,
        *,
        is_dry: bool,
        use_cache: bool,
        context: Context,
        observers: Sequence[JobObserver] = (),
        extension: Extension = WHOLE_EXECUTION,
        exports: Exports = NO_EXPORTS,
    ) -> None:
        self.execution_id = execution.id
        self._project = ""
        self.extension = extension
        self.exports = exports
        self.job_id_base = job_id_base
        self.is_dry = is_dry
        self.use_cache = use_cache
        self.logger = scheduler.logger
        self.inbox = Inbox(self)
        self.failures = Failures(scheduler.backend.max_value_size)
        self.task_sets = TaskSets()
        self.kept: list[Any] = []
        self.threads: dict[str, tuple[Promise[Any], Job]] = {}
        """What `fork_thread` has started, by the hash of the thread, and the job that did so."""
        self._scheduler = scheduler
        self.tasks: dict[str, PreparedTask] = {}
        self.observers = Observers(scheduler.observers, observers)
        self._events: list[JobEvent] = []
        self.interrupts = Interrupts(lambda: self.inbox.put(reports.INTERRUPT))
        self._hosts: dict[int, Host] = {}
        self.at_end: list[Callable[[], None]] = []
        """What else is to be done when the run has ended: see `redun.scheduler.sub_runs`."""
        self.open_sub_runs: set[int] = set()
        """Numbers of the jobs whose sub-schedulers have been started, and have not reported."""
        self.counts_below: list[Mapping[str, Sequence[int]]] = []
        """The job counts of sub-schedulers."""
        self._make_parts(scheduler, execution)
        self.top = Job(self, 0, None, Cell(None))
        self.top.context = context

    def _make_parts(self, scheduler: Scheduler, execution: ExecutionRecord) -> None:
        self.recorder = Recorder(scheduler.backend, execution, self.extension)
        self.handles = Handles(scheduler.backend, self.recorder)
        self.cache = RepositoryCache(
            scheduler.backend, self.task_sets, self._current_task_hashes, self.handles.look_up, self._is_defined
        )
        self.attempts = Attempts(self)
        self.dispatcher = Dispatcher(
            self._find_host,
            self._start_host,
            self.attempts.submitted,
            self._roll_back,
            Limits(scheduler.limits),
            self.job_id_base,
            scheduler.executors_of_tasks(),
        )
        self.equal_calls = EqualCalls(self)
        self.outcomes = Outcomes(self)
        self.calls = Calls(self)
        self.awaiting = Awaiting(self)
        self.standstill = Standstill(self)
        self.reducer = Reducer(self._prepare_task, self.calls.start, self.calls.reject, scheduler)

    # -- what the parts ask for ---------------------------------------------------------------------------------------

    def _prepare_task(self, full_name: str) -> PreparedTask:
        info = self.tasks.get(full_name)
        if info is None:
            task = self._scheduler.task_registry.get(full_name)
            if task is None:
                raise SchedulerError(f"task {full_name!r} is not defined: import the module that defines it")
            warn_about_options(task)
            info = PreparedTask(task, self.task_sets, tuple(self._scheduler.import_paths))
            self.tasks = {**self.tasks, full_name: info}  # replaced, not changed: other threads read it
        return info

    def _is_defined(self, full_name: str) -> bool:
        return full_name in self.tasks or self._scheduler.task_registry.get(full_name) is not None

    def _current_task_hashes(self) -> frozenset[bytes]:
        hashes = set()
        for task in self._scheduler.task_registry:
            with contextlib.suppress(InvalidValueError):  # of its hash_includes: an error of who calls it
                hashes.add(task.hash_bytes)
        return frozenset(hashes)

    def _find_host(self, name: str) -> Host:
        executor = self._scheduler.find_executor(name)
        host = self._hosts.get(id(executor))
        if host is None:
            host = self._hosts[id(executor)] = Host(executor)
        return host

    def _start_host(self, host: Host) -> None:
        self._scheduler.start_executor(host.executor, self.execution_id, self._project)
        host.is_started = True

    def emit(self, job: Job, kind: str, detail: str = "") -> None:
        """Tell the observers, with the next batch, what happened to a job."""
        if self.observers:
            args, kwargs = job.args
            event = JobEvent(kind, job.name, job.info.fullname, args, kwargs, job.options.executor, detail)
            self._events.append(event)

    def _notify(self) -> None:
        events, self._events = self._events, []
        self.observers.handle(events)

    # -- the loop -----------------------------------------------------------------------------------------------------

    def execute(self, expr: Expression[Any]) -> Any:
        """Evaluate the expression and return its value.

        Raises the error that the workflow failed with, `DryRunResult` where a dry run would have to run something, and
        `KeyboardInterrupt`; in every case what is known by then is recorded.
        """
        if isinstance(expr, TaskExpression):
            self._project = split_task_fullname(expr.task_name)[0]
        root = Cell(None)
        status = Status.CANCELLED
        # A result is final only if it is its cell's, so the root is a join like any other.
        self.reducer.wait_for(self.top, expr, [expr], root, self.reducer._reduced, self.reducer._pass_error)
        outer = set_handle_states(self.handles)
        with self.interrupts:
            try:
                # Before anything is looked up: who removes garbage has to know that somebody may use it.
                self.recorder.flush()
                with CallbackQueue(self.inbox.wake) as callbacks, _quiet_garbage_collector():
                    self._loop(root, callbacks)
                status = Status.DONE if root.state == DONE else Status.FAILED
            except DryRunResult:
                raise
            except Exception:
                status = Status.FAILED
                raise
            finally:
                set_handle_states(outer)
                self._end(status)
        if root.state != DONE:
            raise root.value
        return root.value

    def _loop(self, root: Cell, callbacks: CallbackQueue) -> None:
        reducer, calls, dispatcher, recorder = self.reducer, self.calls, self.dispatcher, self.recorder
        unexpanded, inbox, attempts = reducer.unexpanded, self.inbox, self.attempts
        while True:
            reducer.settle_ready()
            if callbacks.queue:
                callbacks.drain()
                continue
            if root.state != PENDING:
                return
            while unexpanded and len(calls.look_ups) < MOST_LOOK_UPS and not dispatcher.is_full:
                reducer.expand_one()
                if reducer.ready or reducer.failed or callbacks.queue:
                    break
            if reducer.ready or reducer.failed or callbacks.queue:
                continue
            is_idle = False
            if calls.look_ups:
                calls.look_up()
            elif calls.has_result_to_open and not dispatcher.is_full:
                calls.open_result()
            else:
                self._submit()
                is_idle = inbox.is_empty() and (not unexpanded or dispatcher.is_full)
            if recorder.is_due:
                recorder.flush()
            if self._events:
                self._notify()
            if is_idle:
                self._sleep()
            inbox.take_all()
            if attempts.seconds_left == 0:
                attempts.work_off()

    def _submit(self) -> None:
        """Submit what has to run. An executor that runs tasks right here may be interrupted in the middle of one."""
        self.interrupts.may_strike = True
        try:
            self.dispatcher.submit(self.calls.prepare)
        finally:
            self.interrupts.may_strike = False

    def _roll_back(self, jobs: list[Job]) -> None:
        """Before jobs with handles are submitted. Nothing is left half written by an interrupt."""
        self.interrupts.may_strike = False
        self.handles.roll_back(jobs)
        self.interrupts.may_strike = True

    def _sleep(self) -> None:
        """Wait for a report, or until an attempt is due. Records that have waited long enough are written meanwhile."""
        if (not self.dispatcher.in_flight or self.equal_calls.following) and self.standstill.begin():
            return
        while True:
            timeout = self.recorder.seconds_left
            if timeout is None:
                timeout = HEARTBEAT
            until_told = self.standstill.seconds_left
            if until_told is not None:
                timeout = min(timeout, until_told)
            due = self.attempts.seconds_left
            if due is not None and due < timeout:
                self.inbox.wait(due)
                return
            if self.inbox.wait(timeout):
                return
            self.recorder.flush()
            self.standstill.tell()

    # -- the end ------------------------------------------------------------------------------------------------------

    def _end(self, status: Status) -> None:
        """Stop what still runs and record what is known."""
        try:
            self.dispatcher.cancel_all()
            self.awaiting.end()
        finally:
            try:
                self.recorder.finish(status)
            finally:
                for host in self._hosts.values():
                    if host.is_started:
                        self._scheduler.stop_executor(host.executor)
                for end in self.at_end:
                    end()
                self._notify()
                self.observers.close()

    def job_name(self, ticket: int) -> str:
        """The id, for the world outside, of the job that a ticket is for."""
        return f"{self.execution_id}.{number_of(ticket) + self.extension.start}"

    def job_counts(self) -> dict[str, list[int]]:
        """For each task how many jobs are PENDING, RUNNING, FAILED, CACHED and DONE."""
        counts = {name: list(info.counts) for name, info in self.tasks.items() if any(info.counts)}
        for below in self.counts_below:
            for name, more in below.items():
                counts[name] = [sum(pair) for pair in zip(counts.get(name, [0] * len(more)), more, strict=True)]
        return counts


class _quiet_garbage_collector:  # noqa: N801 - reads as a verb where it is used
    """Lets the collector look less often while millions of objects are made that it would only look at in vain.

    Measured: twice as fast at 100,000 tasks. Nothing is changed when another run in this process has done so already.
    """

    _depth = 0
    _has_frozen = False
    _thresholds = (700, 10, 10)

    def __enter__(self) -> None:
        cls = type(self)
        cls._depth += 1
        if cls._depth == 1:
            cls._thresholds = gc.get_threshold()
            if not cls._has_frozen:
                # Once: what thaws counts as old and is hardly ever looked at, and so would all that holds an ended run.
                cls._has_frozen = True
                gc.freeze()
            gc.set_threshold(50_000, 50, 100)

    def __exit__(self, *exc_info: object) -> None:
        cls = type(self)
        cls._depth -= 1
        if cls._depth == 0:
            gc.set_threshold(*cls._thresholds)
            gc.unfreeze()
