"""`subrun`: evaluating a part of a workflow in a scheduler of its own, somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.cache_options import CacheResult
from redun.expression import SchedulerExpression, TaskExpression
from redun.expression_graph import decode_graph, encode_graph
from redun.hashing import hash_parts
from redun.job_info import JobInfo
from redun.task import scheduler_task, task
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redun.config import Config
    from redun.promise import Promise
    from redun.scheduler.extension import SubRunReport
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler


class PackedExpression(Value):
    """An expression on its way to another scheduler: bytes that are opened once the modules of its tasks are loaded."""

    type_name = "redun.PackedExpression"

    def __init__(self, expr: Any) -> None:
        """Raises `InvalidValueError` for an expression with a value that cannot be stored."""
        encoded = encode_graph(expr)
        is_call = isinstance(expr, (TaskExpression, SchedulerExpression))
        self.names = expr.task_name if is_call else type(expr).__name__
        """The task that is called, or what else it is, for people."""
        self._hash = encoded.hash
        self._data = encoded.data

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The hash of the expression."""
        return hash_parts("value", [b"packed", self._hash]).hex()

    def unpack(self) -> Any:
        """The expression. Raises `InvalidValueError` where a value in it cannot be brought back here."""
        return decode_graph(self._data)

    def __repr__(self) -> str:
        return f"PackedExpression({self.names})"


@scheduler_task(namespace="redun", version="1")
def subrun(
    scheduler: Scheduler,
    parent_job: Job,
    sexpr: SchedulerExpression[Any],
    expr: Any,
    executor: str,
    config: Config | Mapping[str, Mapping[str, Any]] | None = None,
    config_dir: str | None = None,
    new_execution: bool = False,
    load_modules: Sequence[str] | None = None,
    **task_options: Any,
) -> Promise[Any]:
    """The value of an expression that a scheduler of its own evaluates, within one job on an executor.

    On an executor that runs tasks elsewhere, the many small jobs of the expression cost the outer scheduler one job.

    expr: anything that may hold expressions. It is sent unevaluated.
    executor: runs the job `redun.subrun_root_task`; what is below it runs on executors of the inner scheduler.
    config: the configuration of the inner scheduler, as options by section name.
    config_dir: its configuration directory, instead. Without either it has the configuration of this scheduler as it is
        written: what `${...}` stands for is looked up where the inner scheduler runs.
    new_execution: record an execution of its own, instead of more jobs of this one. Otherwise both schedulers need the
        same repository.
    load_modules: what to import there; None: the modules of all tasks of this process.
    task_options: of the job, such as `memory` or `limits`; with `check_valid="full"` the inner scheduler is always
        started, and looks up every call.

    Errors of the expression are raised as they are. With `check_valid="shallow"`, the default, an earlier result is
    used as long as every task that was used for it is unchanged. Dry run, cache, context and exported options are those
    of the calling job.
    """
    given = (executor, config, config_dir, new_execution, load_modules, {**sexpr._redun_options, **task_options})

    def start(evaluated: tuple[Any, ...]) -> Any:
        from redun.scheduler.sub_runs import sub_run_call

        return scheduler.evaluate(sub_run_call(scheduler, parent_job, expr, *evaluated), parent_job=parent_job)

    evaluated: Promise[Any] = scheduler.evaluate(given, parent_job=parent_job)
    return evaluated.then(start)


@task(
    namespace="redun",
    version="1",
    check_valid="shallow",
    allowed_cache_results={CacheResult.CSE, CacheResult.ULTIMATE},
)
def subrun_root_task(
    expr: PackedExpression,
    config_dir: str | None,  # noqa: ARG001 - part of the key: another configuration may give another value
    job: JobInfo = JobInfo(),  # noqa: B008 - how a task asks for it
) -> SubRunReport:
    """Evaluate a packed expression with a scheduler of its own. The scheduler takes the value out of the report."""
    from redun.scheduler.sub_scheduler import evaluate_packed

    return evaluate_packed(expr, job)
