"""Sub-runs as the outer scheduler sees them: the call of the one job, and what ends with the outer run."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redun.backends.records import JobRecord, RecordBatch, Status
from redun.config import Config
from redun.errors import SchedulerError
from redun.scheduler import reports
from redun.scheduler.subrun import PackedExpression, subrun_root_task

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.scheduler.job import Job
    from redun.scheduler.run import Run
    from redun.scheduler.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class SubRunSettings:
    """What an inner scheduler is told. It travels as a task option, so that nothing of it is recorded."""

    config: Mapping[str, Mapping[str, Any]] | None
    """As it is written, without what `${...}` stands for; None where there is none, or `config_dir` is given."""
    config_folder: str
    """The folder that paths in `config` are relative to, if there is such a folder."""
    config_dir: str | None
    is_own_config: bool
    """Whether the configuration was given for the sub-run, so that it may name another repository."""
    new_execution: bool
    load_modules: tuple[str, ...]
    import_paths: tuple[str, ...]
    is_dry: bool
    use_cache: bool
    context: Mapping[str, Any]
    exports: Mapping[str, Any]
    observers: tuple[str, ...]
    """`"module:attribute"` of functions that make an observer there, given the level of messages to show."""
    log_level: int


def sub_run_call(
    scheduler: Scheduler,
    job: Job,
    expr: Any,
    executor: str,
    config: Config | Mapping[str, Mapping[str, Any]] | None,
    config_dir: str | None,
    new_execution: bool,
    load_modules: Any,
    task_options: dict[str, Any],
) -> Any:
    """The call of the job that evaluates an expression elsewhere; see `subrun`.

    Raises `SchedulerError` for arguments that contradict each other.
    """
    _check_arguments(config, config_dir, load_modules)
    is_own = config is not None or config_dir is not None
    exports = dict(job.exports)
    if not exports.pop("prov", True):
        new_execution = True  # there is no job to extend
    outer = config if isinstance(config, Config) else scheduler.config
    sent: Mapping[str, Mapping[str, Any]] | None = None
    if isinstance(config, Config) or (not is_own and scheduler.has_config):
        sent = outer.get_raw_config_dict()
    elif config is not None:
        sent = config
    settings = SubRunSettings(
        config=sent,
        config_folder=outer.configdir,
        config_dir=config_dir,
        is_own_config=is_own,
        new_execution=bool(new_execution),
        load_modules=tuple(_task_modules(scheduler) if load_modules is None else load_modules),
        import_paths=tuple(scheduler.import_paths),
        is_dry=job.run.is_dry,
        use_cache=job.run.use_cache,
        context=job.context.value,
        exports=exports,
        observers=tuple(_observers(job.run)),
        log_level=scheduler.logger.getEffectiveLevel(),
    )
    _announce(scheduler, job.run)
    options = {**task_options, "executor": executor, "_sub_run": settings}
    return subrun_root_task.options(**options)(PackedExpression(expr), config_dir)


def _check_arguments(config: Any, config_dir: Any, load_modules: Any) -> None:
    if config is not None and config_dir is not None:
        raise SchedulerError("subrun() takes config or config_dir, not both")
    if not (config is None or isinstance(config, (Config, Mapping))):
        raise SchedulerError(f"subrun(): config is a Config, or options by section name, not {config!r}")
    if config_dir is not None and not isinstance(config_dir, str):
        raise SchedulerError(f"subrun(): config_dir is the path of a configuration directory, not {config_dir!r}")
    if isinstance(load_modules, str):
        raise SchedulerError(f"subrun(): load_modules is a list of names of modules, not {load_modules!r}")


def _task_modules(scheduler: Scheduler) -> list[str]:
    modules = dict.fromkeys(task.load_module for task in scheduler.task_registry)
    return [name for name in modules if name.partition(".")[0] != "redun"]


def _observers(run: Run) -> list[str]:
    names = (getattr(observer, "sub_run_observer", None) for observer in run.observers.direct)
    return [name for name in names if name]


# -- sub-runs within this process --------------------------------------------------------------------------------------


@dataclass(slots=True)
class OuterRun:
    """A run of this process that has sub-runs, for those of them that run in a thread here."""

    process: int
    backend: Backend
    inner: list[Run] = field(default_factory=list)

    def end(self) -> None:
        """End the sub-runs in threads: nobody waits for them any more."""
        for run in list(self.inner):
            run.inbox.put(reports.BROKEN, 0, SchedulerError("the run that this is a part of has ended"))


_outer_runs: dict[str, OuterRun] = {}


def find_outer_run(execution_id: str) -> OuterRun | None:
    """The run of an execution, where it is a run of this process."""
    outer = _outer_runs.get(execution_id)
    return outer if outer is not None and outer.process == os.getpid() else None


def _announce(scheduler: Scheduler, run: Run) -> None:
    if find_outer_run(run.execution_id) is not None:
        return
    outer = _outer_runs[run.execution_id] = OuterRun(os.getpid(), scheduler.backend)

    def end() -> None:
        del _outer_runs[run.execution_id]
        outer.end()
        if run.open_sub_runs:
            _cancel_left_behind(run, scheduler.backend)

    run.at_end.append(end)


def _cancel_left_behind(run: Run, backend: Backend) -> None:
    """Record the end of jobs whose sub-scheduler was killed, so that it could not do so itself."""
    start, now = run.extension.start, time.time()
    batch = RecordBatch()
    parents = [number + start for number in run.open_sub_runs]
    while parents:
        parent, after = parents.pop(), 0
        while rows := backend.jobs(run.execution_id, parent=parent, after=after):
            after = rows[-1].number
            parents += [row.number for row in rows if row.child_count]
            for row in rows:
                if row.status is Status.RUNNING:
                    ended = JobRecord(
                        row.execution_id,
                        row.number,
                        row.parent,
                        row.task_hash,
                        row.eval_hash,
                        None,
                        Status.CANCELLED,
                        row.start_time,
                        max(now, row.start_time),
                        row.executor,
                        row.attempt,
                    )
                    batch.jobs.append(ended)
    if batch.jobs:
        backend.record(batch)
