"""Executors that live next to a workflow, in no package of their own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import UsageError
from redun.executors.base import Executor

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound=type[Any])


def register_executor(
    executor_name: str,
    executor_class_name: str | None = None,
    *,
    settings: str | None = None,
    task_options: str | None = None,
) -> Callable[[C], C]:
    """Class decorator: from here on `type = <executor_name>` in `redun.ini` means this class, in this process.

    executor_class_name: where the class is instead, as `"package.module.Class"`; it is imported when such an executor
    is first needed. Then there is nothing to decorate: the call alone does it.
    settings, task_options: name the pydantic models of the options that a section, and a task, may give such an
    executor, as `"module:attribute"`. A section takes no options without one; those of tasks are then not checked.

    The class derives from `redun.executors.base.Executor` and is called with the executor's name and the options that
    the section sets. Only who imports this knows the type: `redun run` imports the workflow before it makes any
    executor, while `redun config check` imports none. A package with a plugin is known everywhere.

    Raises `UsageError` for a class that is no such executor, or not at the top level of its module, and `PluginError`
    when an installed plugin provides the type.
    """
    if executor_class_name is not None:
        module, _, attribute = executor_class_name.rpartition(".")
        if not module:
            raise UsageError(f'register_executor({executor_name!r}): write the class as "package.module.Class"')
        _register(executor_name, f"{module}:{attribute}", settings, task_options)
        return lambda cls: cls

    def register(cls: C) -> C:
        _check(executor_name, cls)
        _register(executor_name, f"{cls.__module__}:{cls.__qualname__}", settings, task_options)
        return cls

    return register


def _register(name: str, factory: str, settings: str | None, task_options: str | None) -> None:
    from redun.plugins import ExecutorType, get_plugins

    kind = ExecutorType(name, factory, settings=settings, task_options=task_options, summary="Registered by a workflow")
    get_plugins().add_executor_type(kind)


def _check(name: str, cls: type[Any]) -> None:
    what = f"register_executor({name!r}): {cls.__module__}.{cls.__qualname__}"
    if not (isinstance(cls, type) and issubclass(cls, Executor)):
        raise UsageError(f"{what} does not derive from redun.executors.base.Executor")
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise UsageError(f"{what} lacks {missing}. docs/coming-from-redun.md shows how executors are ported")
    if "<locals>" in cls.__qualname__:
        raise UsageError(f"{what} is made inside a function: define it at the top level of its module")
