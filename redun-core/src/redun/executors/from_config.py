"""Executors and their classes by name, and modules of tasks, for programs that put things together themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import ExecutorError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redun.executors.base import Executor


def get_executor_class(executor_name: str, required: bool = True) -> Any:
    """What makes executors of a type, `local` for example: their class, or another callable.

    Raises `ExecutorError`, which says what to install, when no plugin provides the type; or gives None where it is not
    required.
    """
    from redun.plugins import get_plugins, resolve

    try:
        kind = get_plugins().executor_type(executor_name)
    except PluginError as error:
        if required:
            raise ExecutorError(f'executor type "{executor_name}": {error}') from None
        return None
    return resolve(kind.factory)


def get_executors_from_config(executors_config: Mapping[str, Any]) -> Iterator[Executor]:
    """The executors that sections describe, by name: `config["executors"]`. Raises as `get_executor_from_config`."""
    return (get_executor_from_config(executors_config, name) for name in executors_config)


def get_executor_from_config(executors_config: Mapping[str, Any], executor_name: str) -> Executor:
    """The executor that one of these sections describes, not started.

    Raises `ExecutorError` when there is no such section, and `ConfigError` for wrong options.
    """
    from redun.config.build import make_executor_of_type

    if executor_name not in executors_config:
        known = ", ".join(executors_config) or "none"
        raise ExecutorError(f'there is no executor "{executor_name}". Known: {known}')
    section = executors_config[executor_name]
    type_name = section.get("type")
    if not type_name:
        raise ExecutorError(f'the executor "{executor_name}" has no option "type"')
    try:
        return make_executor_of_type(type_name, executor_name, section, {})
    except PluginError as error:
        raise ExecutorError(f'the executor "{executor_name}" of type "{type_name}": {error}') from None


def load_task_module(module_name: str, task_name: str) -> None:
    """Import the module that defines a task.

    Raises `ModuleNotFoundError`, which names the task, when there is no such module.
    """
    from redun.source import import_workflow_module

    try:
        import_workflow_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ModuleNotFoundError(
            f"there is no module {module_name!r}, which should define the task {task_name}: it must be installed or on "
            "the import path of this process",
            name=error.name,
        ) from None
