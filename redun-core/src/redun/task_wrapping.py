"""Decorators for tasks: what to do around the body of a task, written as a function of the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from redun.base_task import Task
from redun.errors import UsageError
from redun.option_checks import check_export_options
from redun.partial_task import PartialTask
from redun.scheduler_tasks import SchedulerTask
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
R = TypeVar("R")
Q = ParamSpec("Q")
S = TypeVar("S")

_INSTEAD = {
    "name": "the task that is decorated keeps its name. The wrapper is named by wrapper_name",
    "namespace": "the task that is decorated keeps its namespace",
    "hash_includes": "use wrapper_hash_includes",
}


def wraps_task(
    wrapper_name: str | None = None,
    wrapper_hash_includes: Sequence[Any] = (),
    use_wrapper_signature: bool = False,
    *,
    version: str | None = None,
    compat: list[str] | None = None,
    script: bool = False,
    source: str | None = None,
    export_options: dict[str, Any] | None = None,
    **task_options: Any,
) -> Callable[[Callable[[Task[P, R]], Callable[Q, S]]], Callable[[Callable[P, R]], Task[Q, S]]]:
    """Make a function `wrapper(inner_task)` a decorator for tasks and for plain functions.

    The wrapper returns the function to run in place of the task. That function runs the task's own body with
    `inner_task.func(...)`, or returns a call `inner_task(...)`, which is a job of its own.

        @wraps_task()
        def doubled(inner_task):
            def run(*args, **kwargs):
                return 2 * inner_task.func(*args, **kwargs)
            return run

        @doubled
        @task
        def measure(word: str) -> int: ...

    The task that is decorated keeps its name, and what was called so before is renamed, with all that it wraps itself,
    into the namespace `<its namespace>.<wrapper_name>`. An edit of either function runs the task again.

    wrapper_name: otherwise the name of the wrapper.
    wrapper_hash_includes: further values that run the task again when they change, such as arguments of a function
    that makes the wrapper.
    use_wrapper_signature: take arguments as the function that the wrapper returns does, not as the task does.
    version, compat, script, source, export_options: as for `task`; of the task that runs. A version stands for the text
        of the wrapper, not for that of the task that it wraps.
    task_options: options of the task that runs. Those of the wrapped one hold where that one is called itself.

    Raises `UsageError` when applied to something else, and `TypeError` for `name`, `namespace` and `hash_includes`.
    """
    if callable(wrapper_name):
        raise UsageError("wraps_task needs parentheses: write @wraps_task()")
    for option, instead in _INSTEAD.items():
        if option in task_options:
            raise TypeError(f"wraps_task() takes no {option!r}: {instead}")
    check_export_options("wraps_task()", export_options)
    options = {**task_options, **(export_options or {}), "use_wrapper_signature": use_wrapper_signature}
    own = {
        "version": version,
        "compat": compat,
        "script": script,
        "source": source,
        "hash_includes": list(wrapper_hash_includes),
        "export_names": export_options or (),
    }

    def make_decorator(wrapper: Callable[[Task[P, R]], Callable[Q, S]]) -> Callable[[Callable[P, R]], Task[Q, S]]:
        name = wrapper_name or wrapper.__name__

        def decorate(inner: Callable[P, R]) -> Task[Q, S]:
            return _wrap(_as_inner_task(inner, name), wrapper, name, options, own)

        return decorate

    return make_decorator


def _wrap(
    inner_task: Task[P, R],
    wrapper: Callable[[Task[P, R]], Callable[Q, S]],
    wrapper_name: str,
    options: dict[str, Any],
    own: dict[str, Any],
) -> Task[Q, S]:
    """Register the task that runs the wrapper, under the name that the inner task has had.

    own: what it is made with beside its options.
    """
    namespace, name, load_module = inner_task.namespace, inner_task.name, inner_task.load_module
    _rename(inner_task, wrapper_name)
    func = wrapper(inner_task)
    if not callable(func) or isinstance(func, Task):
        raise UsageError(f"the wrapper {wrapper_name!r} must return the function to run, not {func!r}")
    outer: Task[Q, S] = Task(
        func,
        name=name,
        namespace=namespace,
        wrapped=inner_task,
        source_functions=_written(wrapper, func),
        task_options_base={"load_module": load_module, **options, "wrapped_task": inner_task.fullname},
        **own,
    )
    get_task_registry().add(outer)
    return outer


def _as_inner_task(inner: Callable[P, R], name: str) -> Task[P, R]:
    if isinstance(inner, (SchedulerTask, PartialTask)) or not callable(inner):
        raise UsageError(f"{name} decorates tasks and functions, not {inner!r}")
    made: Task[P, R] = inner if isinstance(inner, Task) else Task(inner)
    # Also a task that is registered: this one may be a copy of it with other options.
    get_task_registry().add(made)
    return made


def _rename(task: Task[..., Any], wrapper_name: str) -> None:
    """Move a task, and what it wraps, into the namespace of a wrapper."""
    inner = task.wrapped_task
    if inner is not None:
        _rename(inner, wrapper_name)
        task.set_wrapped_name(inner.fullname)
    namespace = f"{task.namespace}.{wrapper_name}" if task.namespace else wrapper_name
    get_task_registry().rename(task.fullname, namespace, task.name)


def _written(wrapper: Callable[..., Any], func: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """The functions whose text makes up the code of a wrapper."""
    is_nested = getattr(func, "__qualname__", "").startswith(f"{wrapper.__qualname__}.")
    # What functools.wraps has made look like the task's own function has no text but that one's.
    return (wrapper,) if is_nested or hasattr(func, "__wrapped__") else (wrapper, func)
