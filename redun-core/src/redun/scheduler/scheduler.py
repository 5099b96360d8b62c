"""The scheduler as users and the command line know it."""

from __future__ import annotations

import itertools
import logging
import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, TagRecord
from redun.errors import NoCurrentScheduler
from redun.scheduler.executors import RUN_BITS, ExecutorPool, ExecutorsByName
from redun.scheduler.extension import WHOLE_EXECUTION
from redun.scheduler.new_runs import (
    check_execution_id,
    execution_record,
    first_context,
    plugged_observers,
    shown_expression,
)
from redun.scheduler.options import NO_EXPORTS
from redun.scheduler.root import root_expression
from redun.scheduler.run import Run
from redun.session import get_current_scheduler, set_current_scheduler
from redun.tags import check_many_tags
from redun.task_registry import get_task_registry
from redun.value import get_type_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord
    from redun.config import Config
    from redun.executors.base import Executor
    from redun.expression import Expression
    from redun.promise import Promise
    from redun.scheduler.context import Context
    from redun.scheduler.events import JobObserver
    from redun.scheduler.extension import Extension
    from redun.scheduler.job import Job
    from redun.scheduler.options import Exports
    from redun.traceback import Traceback
    from redun.value import TypeRegistry

_run_numbers = itertools.count(1)

USES_CACHE = "redun.cache"
"""Key of the tag of an execution that was started without the cache: its value is false."""


class Scheduler:
    """Evaluates workflows.

    config: executors, backend and limits, also as options by section name; without one, results are kept in memory and
        tasks run in local threads or, without the package of the local executor, inline.
    backend: where to keep results, instead of what the configuration says.
    executor: the one to use as `default`, instead of what the configuration says.
    logger: who is told what happens; None means "redun".
    use_task_traceback: whether a failure is logged in terms of tasks; if not, the command line shows it as Python does.
    job_status_interval: seconds between status tables, instead of what the configuration says.
    migrate: whether `load` brings an older repository up to date, where it is not told.
    observers: are told what happens to jobs.

    One scheduler may be used again, and by several threads at once.
    """

    def __init__(
        self,
        config: Config | Mapping[str, Mapping[str, Any]] | None = None,
        backend: Backend | None = None,
        executor: Executor | None = None,
        logger: logging.Logger | None = None,
        use_task_traceback: bool = True,
        job_status_interval: int | None = None,
        migrate: bool | None = None,
        observers: Sequence[JobObserver] = (),
    ) -> None:
        from redun.config import Config
        from redun.config.build import executor_names, limits, make_executor
        from redun.plugins.connect import connect_filesystems

        connect_filesystems()
        self.config = config if isinstance(config, Config) else Config(config)
        self.logger = logger or logging.getLogger("redun")
        self.use_task_traceback = use_task_traceback
        self.job_status_interval = job_status_interval
        self._migrate = migrate
        self.observers = list(observers)
        self.logs_runs = True
        """Whether `run` logs its jobs, tables and the traceback of a failure, or leaves that to its caller."""
        self.task_registry = get_task_registry()
        self.limits: Mapping[str, int] = limits(self.config)
        self.execution_id = ""
        self.thread_id: int | None = None
        """Of the thread that the latest run was begun in, as `threading.get_ident` says."""
        self.traceback: Traceback | None = None
        self._config_given = config is not None
        self._backend = backend
        self._is_loaded = False
        self._lock = threading.Lock()
        self._last_run: Run | None = None
        self._here = threading.local()
        """Has as `run` the innermost run that goes on in this thread."""
        config_dir = Path(getattr(self.config, "configdir", None) or Path.cwd())
        self._pool = ExecutorPool(
            executor_names(self.config), lambda name: make_executor(self.config, name), config_dir, self.logger
        )
        if executor is not None:
            executor_name = executor.name
            self._pool.add(executor)
            if executor_name != "default" and "default" not in self._pool.by_name:
                self._pool.by_name["default"] = executor

    # -- parts --------------------------------------------------------------------------------------------------------

    @property
    def backend(self) -> Backend:
        """Where results are kept."""
        if self._backend is None:
            if self._config_given:
                from redun.config.build import make_backend

                self._backend = make_backend(self.config)
            else:
                from redun.backends.memory import MemoryBackend

                self._backend = MemoryBackend()
        return self._backend

    @property
    def has_config(self) -> bool:
        """Whether a configuration was given."""
        return self._config_given

    @property
    def _config_in_use(self) -> Config | None:
        return self.config if self._config_given else None

    @property
    def executors(self) -> MutableMapping[str, Executor]:
        """The executors by name. One that nobody has used yet is made when it is taken out.

        Raises `SchedulerError` for one that cannot be made.
        """
        return ExecutorsByName(self._pool)

    @property
    def import_paths(self) -> list[str]:
        """Where a worker process has to look for the modules of tasks."""
        return [path for path in sys.path if path]

    def add_executor(self, executor: Executor) -> None:
        """Add an executor, or replace the one of the same name."""
        self._pool.add(executor)

    def find_executor(self, name: str) -> Executor:
        """The executor that tasks select by this name. Raises `SchedulerError` when there is none."""
        return self._pool.find(name)

    def executors_of_tasks(self) -> set[str]:
        """The names of the executors that the workflow's tasks declare."""
        tasks = (task for task in self.task_registry if task.namespace != "redun")
        names = [task.get_task_option("executor", "default") for task in tasks]
        return {name or "default" for name in names if name is None or isinstance(name, str)}

    def load(self, migrate: bool | None = None) -> None:
        """Open the repository. Doing so twice is fine."""
        with self._lock:
            if not self._is_loaded:
                self.backend.load(migrate=self._migrate if migrate is None else migrate)
                self._is_loaded = True

    # -- running ------------------------------------------------------------------------------------------------------

    def run(
        self,
        expr: Any,
        exec_argv: Sequence[str] | None = None,
        dryrun: bool = False,
        cache: bool = True,
        tags: Iterable[tuple[str, Any]] = (),
        context: Mapping[str, Any] | None = None,
        execution_id: str | None = None,
    ) -> Any:
        """Evaluate an expression, or a nested value that holds expressions, and return its value.

        exec_argv: what to show as the command line of the execution.
        dryrun: run no task: raise `DryRunResult` when one would have to run.
        cache: False ignores what earlier executions have left in the repository. Results are recorded all the same.
        tags: key and JSON value pairs to attach to the execution.
        context: what `get_context` finds in it, merged deeply into the context of the configuration.
        execution_id: a UUID, where the caller wants to choose it.

        Raises the error that the workflow failed with, after recording everything that did finish and logging a
        traceback in terms of tasks. A logger that is enabled for INFO when the run begins is told of its jobs as well.
        """
        pairs = check_many_tags(tags)
        self._get_ready()
        if execution_id is not None:
            check_execution_id(self.backend, execution_id)
        argv = tuple(exec_argv) if exec_argv is not None else ("scheduler.run", shown_expression(expr))
        run = self.make_execution(expr, argv, dryrun, cache, context or {}, execution_id=execution_id)
        for key, value in pairs:
            run.recorder.tag(TagRecord(EntityKind.EXECUTION, run.execution_id, key, value))
        if not self.logs_runs:
            return self.execute(run, root_expression(expr))
        try:
            if not self.logger.isEnabledFor(logging.INFO):
                return self.execute(run, root_expression(expr))
            from redun.scheduler.run_log import logged_run

            with logged_run(self, run):
                return self.execute(run, root_expression(expr))
        except BaseException as error:  # whatever a task raises
            self._log_failure(run.failures.find(error))
            raise

    def _log_failure(self, traceback: Traceback | None) -> None:
        if traceback is not None and self.use_task_traceback and self.logger.isEnabledFor(logging.ERROR):
            self.logger.error("%s", "\n".join(["the workflow failed.", *traceback.format()]))

    def extend_run(
        self,
        expr: Any,
        parent_job_id: str,
        dryrun: bool = False,
        cache: bool = True,
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Evaluate an expression below a job of an execution that is in this scheduler's repository already.

        parent_job_id: `<execution id>.<job number>`, as in `JobInfo.job_id`. Its scheduler may go on meanwhile.
        context: what `get_context` finds in it; nothing is added to it.

        Gives a dict with `result`, or `error` and `traceback`, or `dryrun` for a dry run that would have to run
        something; and, unless nothing below is recorded, with `job_id` and `call_hash` of the job that was added, and
        `tasks`, the hashes of all tasks that were used.

        Raises `ValueError` when there is no such job, and `BackendError` where the backend does not support it.
        """
        from redun.scheduler.sub_scheduler import extend_run

        return extend_run(self, expr, parent_job_id, dryrun, cache, context or {})

    def make_execution(
        self,
        expr: Any,
        argv: tuple[str, ...],
        dryrun: bool,
        cache: bool,
        context: Mapping[str, Any],
        exports: Exports = NO_EXPORTS,
        execution_id: str | None = None,
    ) -> Run:
        """A run that is to evaluate an expression as a new execution.

        context: merged into that of the configuration.
        """
        record = execution_record(execution_id, argv)
        run = self.make_run(record, expr, dryrun, cache, first_context(self._config_in_use, context), exports=exports)
        self.logger.info("Start Execution %s: %s", record.id, shlex.join(argv))
        return run

    def make_run(
        self,
        record: ExecutionRecord,
        expr: Any,
        dryrun: bool,
        cache: bool,
        context: Context,
        extension: Extension = WHOLE_EXECUTION,
        exports: Exports = NO_EXPORTS,
    ) -> Run:
        """A run that is to evaluate an expression, as the latest one of this scheduler."""
        self._get_ready()
        run = Run(
            self,
            record,
            next(_run_numbers) << RUN_BITS,
            is_dry=dryrun,
            use_cache=cache,
            context=context,
            observers=plugged_observers(self._config_in_use, record.id, expr),
            extension=extension,
            exports=exports,
        )
        if not cache:
            run.recorder.tag(TagRecord(EntityKind.EXECUTION, record.id, USES_CACHE, False))
        self.execution_id, self._last_run, self.traceback = record.id, run, None
        return run

    def execute(self, run: Run, expr: Expression[Any]) -> Any:
        """Evaluate a `root_expression` in a run that was made for it."""
        number = run.job_id_base >> RUN_BITS
        outer = get_current_scheduler(required=False)
        self.thread_id = threading.get_ident()
        set_current_scheduler(self)
        self._pool.sink.runs[number] = run
        outer_run = getattr(self._here, "run", None)
        self._here.run = run
        try:
            return run.execute(expr)
        except BaseException as error:
            self.traceback = run.failures.find(error)
            raise
        finally:
            self._here.run = outer_run
            del self._pool.sink.runs[number]
            run.inbox.close()
            set_current_scheduler(outer)

    def _get_ready(self) -> None:
        self.load()
        hashes_helpers = False
        if self._config_given:
            from redun.config.build import scheduler_settings
            from redun.plugins import get_plugins
            from redun.plugins.connect import connect_value_types

            connect_value_types(get_plugins())
            hashes_helpers = scheduler_settings(self.config).hash_helpers
        self.task_registry.hash_helpers(hashes_helpers)
        self.task_registry.forget_outdated()

    def evaluate(self, expr: Any, parent_job: Job | None = None) -> Promise[Any]:
        """For scheduler tasks: a promise for an expression, or a nested value, evaluated under a job.

        parent_job: None for the one that the scheduler task was given which is at work. What a promise calls later has
            to name it.

        Raises `NoCurrentScheduler` where no scheduler task is at work.
        """
        if parent_job is None:
            run: Run | None = getattr(self._here, "run", None)
            if run is None:
                raise NoCurrentScheduler("evaluate() is for scheduler tasks: elsewhere, use run()")
            parent_job = run.reducer.job_of_scheduler_task
        if parent_job is None:
            raise NoCurrentScheduler("evaluate() in a function that a promise calls needs parent_job=...")
        return parent_job.run.reducer.evaluate(expr, parent_job)

    def start_executor(self, executor: Executor, execution_id: str, project: str) -> None:
        """Start an executor for a run."""
        with self._lock:
            self._pool.start(executor, execution_id, project)

    def stop_executor(self, executor: Executor) -> None:
        """A run is done with an executor."""
        with self._lock:
            self._pool.stop(executor)

    @property
    def type_registry(self) -> TypeRegistry:
        """How values are hashed and stored, by their types."""
        return get_type_registry()

    @property
    def is_running(self) -> bool:
        """Whether a workflow is being evaluated, in any thread."""
        return bool(self._pool.sink.runs)

    @property
    def limits_used(self) -> dict[str, int]:
        """How much of each limit the latest run holds at the moment."""
        return dict(self._last_run.dispatcher.limits.used) if self._last_run is not None else {}

    def log(self, *messages: Any, indent: int = 0, multiline: bool = False, level: int = logging.INFO) -> None:
        """Log messages, joined by spaces.

        indent: how many spaces to put before each line. multiline: whether every line becomes a message of its own.
        """
        text = " ".join(map(str, messages))
        for line in text.splitlines() if multiline else [text]:
            self.logger.log(level, "%s", " " * indent + line)

    def job_counts(self) -> dict[str, list[int]]:
        """For each task of the latest run how many jobs are PENDING, RUNNING, FAILED, CACHED and DONE.

        May be called from any thread while the run goes on.
        """
        return self._last_run.job_counts() if self._last_run is not None else {}

    def get_job_status_report(self) -> list[str]:
        """The table of the latest run's jobs by task and state, as lines. The last one is empty."""
        from redun.scheduler.status_table import status_report

        return status_report(self.job_counts())

    def log_job_statuses(self) -> None:
        """Log the table of the latest run's jobs by task and state."""
        from redun.scheduler.run_log import log_table

        log_table(self.logger, self.job_counts)
