"""The decorator `task`, and everything that belongs to tasks under the one name that users import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from redun.base_task import Task, split_task_fullname, undefined_task
from redun.cache_options import CacheCheckValid, CacheResult, CacheScope
from redun.errors import UsageError
from redun.option_checks import check_export_options
from redun.partial_task import PartialTask
from redun.result_length import get_tuple_type_length
from redun.scheduler_tasks import SchedulerTask, scheduler_task
from redun.task_registry import TaskRegistry, get_task_registry
from redun.task_wrapping import wraps_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.typing import TaskDecorator

__all__ = [
    "CacheCheckValid",
    "CacheResult",
    "CacheScope",
    "PartialTask",
    "SchedulerTask",
    "Task",
    "TaskRegistry",
    "get_task_registry",
    "get_tuple_type_length",
    "scheduler_task",
    "split_task_fullname",
    "task",
    "undefined_task",
    "wraps_task",
]

P = ParamSpec("P")
R = TypeVar("R")


@overload
def task(func: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    name: str | None = None,
    namespace: str | None = None,
    version: str | None = None,
    compat: list[str] | None = None,
    script: bool = False,
    hash_includes: list[Any] | None = None,
    source: str | None = None,
    export_options: dict[str, Any] | None = None,
    **task_options: Any,
) -> TaskDecorator: ...
def task(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    namespace: str | None = None,
    version: str | None = None,
    compat: list[str] | None = None,
    script: bool = False,
    hash_includes: list[Any] | None = None,
    source: str | None = None,
    export_options: dict[str, Any] | None = None,
    **task_options: Any,
) -> Any:
    """Make a function a task: calling it gives a lazy expression.

    name, namespace: what the task is called; otherwise the function's name, and `redun_namespace` of its module.
    version: stands for the source text in the task's hash, so that only a new version re-runs it.
    hash_includes: further values, or plain functions, whose change re-runs the task.
    export_options: options for this task and everything called below it.
    task_options: how to run and cache the task, such as `executor`, `limits`, `cache_scope`, `check_valid`, `nout`,
    `config_args`, and
        options of the executor.

    Raises `ValueError` or `TypeError` for options that contradict the function.
    """
    if func is not None and not callable(func):
        raise UsageError(
            f"@task takes a function, not {func!r}. What it is to be called is given by name: task(name=...)"
        )

    def decorate(func: Callable[..., Any]) -> Task[..., Any]:
        if isinstance(func, Task):
            raise UsageError(f"{func.fullname!r} is a task already: @task was applied to it twice")
        check_export_options(f"task {name or getattr(func, '__name__', func)!r}", export_options)
        made: Task[..., Any] = Task(
            func,
            name=name,
            namespace=namespace,
            version=version,
            compat=compat,
            script=script,
            task_options_base={**task_options, **(export_options or {})},
            hash_includes=hash_includes,
            source=source,
            export_names=export_options or (),
        )
        get_task_registry().add(made)
        return made

    return decorate(func) if func is not None else decorate
