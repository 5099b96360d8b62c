"""A task and the arguments of a call, for programs that make or show calls themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.scheduler.failures import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redun.task import Task


def get_arg_defaults(task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the parameters that a call leaves out, by name. They may be expressions.

    Raises `TypeError` for arguments that the task does not take. One that is missing is no error.
    """
    given = task.signature.bind_partial(*args, **kwargs).arguments
    return {
        name: parameter.default
        for name, parameter in task.signature.parameters.items()
        if name not in given and parameter.default is not parameter.empty
    }


def set_arg_defaults(
    task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with the defaults added as keyword arguments. Raises as `get_arg_defaults` does."""
    return args, {**kwargs, **get_arg_defaults(task, args, kwargs)}


def format_task_call(task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """A call as it could be written in Python, with defaults and with long values shortened: `ns.name(a=1, b=2)`.

    Raises `TypeError` for arguments that the task does not take.
    """
    bound = task.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    texts = []
    for name, value in bound.arguments.items():
        kind = task.signature.parameters[name].kind
        if kind is kind.VAR_POSITIONAL:
            texts += [shorten(item) for item in value]
        elif kind is kind.VAR_KEYWORD:
            texts += [f"{key}={shorten(item)}" for key, item in value.items()]
        else:
            texts.append(f"{name}={shorten(value)}")
    return f"{task.fullname}({', '.join(texts)})"
