"""The inner scheduler of a sub-run, where its one job runs: in a thread, in another process, on another machine."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.backends.records import ExecutionRecord, Status
from redun.config import Config
from redun.errors import ConfigError, SchedulerError, describe_error
from redun.executors.calls import add_import_paths
from redun.scheduler.context import Context
from redun.scheduler.errors import DryRunResult, storable_error
from redun.scheduler.extension import Extension, SubRunReport
from redun.scheduler.options import NO_EXPORTS
from redun.scheduler.root import root_expression
from redun.scheduler.scheduler import Scheduler
from redun.scheduler.sub_runs import OuterRun, SubRunSettings, find_outer_run
from redun.source import import_workflow_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.job_info import JobInfo
    from redun.scheduler.options import Exports
    from redun.scheduler.run import Run
    from redun.scheduler.subrun import PackedExpression

logger = logging.getLogger("redun")


# -- adding jobs to an execution ---------------------------------------------------------------------------------------


def extend_run(
    scheduler: Scheduler, expr: Any, parent_job_id: str, dryrun: bool, cache: bool, context: Mapping[str, Any]
) -> dict[str, Any]:
    """See `Scheduler.extend_run`."""
    run = _make_extension(scheduler, expr, parent_job_id, dryrun, cache, context, NO_EXPORTS)
    try:
        report = _execute(scheduler, run, expr)
    except DryRunResult:
        return {"dryrun": True}
    outcome: dict[str, Any] = {"result": report.value}
    if report.error is not None:
        outcome = {"error": report.error, "traceback": report.traceback}
    if report.children:
        number, call_hash = report.children[-1]
        outcome |= {"job_id": f"{run.execution_id}.{number}", "call_hash": call_hash.hex()}
    return {**outcome, "tasks": sorted(task.hex() for task in report.tasks)}


def _make_extension(
    scheduler: Scheduler,
    expr: Any,
    parent_job_id: str,
    dryrun: bool,
    cache: bool,
    context: Mapping[str, Any],
    exports: Exports,
) -> Run:
    scheduler.load()
    execution_id, _, number = parent_job_id.rpartition(".")
    start = scheduler.backend.extend_job(execution_id, int(number)) if number.isdecimal() else None
    if start is None:
        raise ValueError(f"the repository has no job {parent_job_id}, so nothing can be added below it")
    moment = time.time()
    # Names the execution; its row is left to the scheduler that has begun it.
    record = ExecutionRecord(execution_id, (), Status.RUNNING, moment, moment, None, "")
    extension = Extension(int(number), start)
    return scheduler.make_run(record, expr, dryrun, cache, Context(context), extension, exports)


def _execute(scheduler: Scheduler, run: Run, expr: Any, execution_id: str = "") -> SubRunReport:
    """Evaluate an expression and say what came of it. Raises what is no failure of the expression itself."""
    value: Any = None
    failure: BaseException | None = None
    try:
        value = scheduler.execute(run, root_expression(expr))
    except Exception as error:
        if isinstance(error, DryRunResult) or scheduler.traceback is None:
            raise
        failure = storable_error(error)
    top, start = run.top, run.extension.start
    return SubRunReport(
        value=value,
        error=failure,
        traceback=scheduler.traceback,
        execution_id=execution_id,
        children=() if execution_id else tuple((number + start, call_hash) for number, call_hash in top.children),
        tasks=frozenset[bytes]().union(*(tasks.members for tasks in top.child_task_sets)),
        counts=run.job_counts(),
    )


# -- the job of a sub-run ----------------------------------------------------------------------------------------------


def evaluate_packed(packed: PackedExpression, job: JobInfo) -> SubRunReport:
    """Evaluate an expression with a scheduler of its own, as the options of the job say."""
    settings: SubRunSettings | None = job.options.get("_sub_run")
    if settings is None:
        raise SchedulerError("redun.subrun_root_task is called by subrun() only")
    add_import_paths(settings.import_paths)
    if settings.config_dir is not None and "://" not in settings.config_dir:
        beside = str(Path(settings.config_dir).resolve().parent)
        if beside not in sys.path:
            sys.path.append(beside)  # a workflow stands beside its configuration directory
    _load_modules(settings.load_modules)
    outer = find_outer_run(job.execution_id)
    scheduler = _make_scheduler(settings, outer)
    expr = packed.unpack()
    run = _make_run(scheduler, settings, expr, job)
    if outer is None:
        try:
            return _execute(scheduler, run, expr, "" if run.extension.parent else run.execution_id)
        finally:
            scheduler.backend.close()
    outer.inner.append(run)
    try:
        return _execute(scheduler, run, expr, "" if run.extension.parent else run.execution_id)
    finally:
        outer.inner.remove(run)


def _load_modules(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            import_workflow_module(name)
        except (Exception, SystemExit) as error:
            raise SchedulerError(
                f"the sub-scheduler cannot import the module {name!r}: {describe_error(error)}. "
                "load_modules of subrun() says which modules it needs"
            ) from error


def _make_scheduler(settings: SubRunSettings, outer: OuterRun | None) -> Scheduler:
    from redun.plugins.references import resolve

    config = make_config(settings)
    # In the process of the outer run its repository is at hand, also one that is kept in memory.
    backend = outer.backend if outer is not None and not settings.is_own_config else None
    observers = [resolve(name)(settings.log_level) for name in settings.observers]
    return Scheduler(config=config, backend=backend, observers=observers)


def make_config(settings: SubRunSettings) -> Config | None:
    """The configuration that an inner scheduler is told to use; None for none."""
    if settings.config_dir is not None:
        return _config_of(settings.config_dir)
    if settings.config is None:
        return None
    folder = settings.config_folder
    if Path(folder).is_dir():
        return Config(settings.config, folder)
    # On another machine: paths below the configuration directory are relative to where the job runs.
    sections = {
        section: {name: str(value).replace(folder, ".") for name, value in options.items()}
        for section, options in settings.config.items()
    }
    return Config(sections, ".")


def _config_of(config_dir: str) -> Config:
    from redun.config.discovery import REDUN_INI_FILE, load_config

    if "://" not in config_dir and not (Path(config_dir) / REDUN_INI_FILE).is_file():
        raise ConfigError(f"the configuration of the sub-run: there is no {Path(config_dir, REDUN_INI_FILE)}")
    return load_config(config_dir)


def _make_run(scheduler: Scheduler, settings: SubRunSettings, expr: Any, job: JobInfo) -> Run:
    scheduler.load()
    is_dry, use_cache = settings.is_dry, settings.use_cache
    if settings.new_execution:
        return scheduler.make_execution(
            expr, ("subrun", job.job_id), is_dry, use_cache, settings.context, settings.exports
        )
    if not scheduler.backend.is_durable and find_outer_run(job.execution_id) is None:
        logger.warning(
            "The repository of the workflow is in memory, which no other process can reach: of this sub-run only the "
            "result comes back. Configure a db_uri to have its jobs recorded and its results used again."
        )
        return scheduler.make_execution(
            expr, ("subrun", job.job_id), is_dry, use_cache, settings.context, settings.exports
        )
    try:
        return _make_extension(scheduler, expr, job.job_id, is_dry, use_cache, settings.context, settings.exports)
    except ValueError as error:
        raise SchedulerError(
            f"{error}. The inner scheduler of a sub-run needs the repository of the outer one ([backend] db_uri); "
            "with new_execution=True it may have another one"
        ) from None
