"""`redun run --input`: arguments that another program has written."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.task import Task


def with_input(path: str, task: Task[..., Any], given: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments in a file, with those that are given on the command line added or in their place.

    Raises UsageError for a file that holds no arguments, or those of another task.
    """
    args, kwargs = read_input(path)
    try:
        bound = task.signature.bind_partial(*args, **kwargs)
        bound.arguments.update(given)
        task.signature.bind(*bound.args, **bound.kwargs)
    except TypeError as error:
        raise UsageError(f"--input {path} does not fit {task.fullname}: {error}") from None
    return bound.args, bound.kwargs


def read_input(path: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and the keyword arguments in a file.

    It is a pickle, so reading it runs whatever code its author wants.

    Raises `UsageError` for a file that cannot be read, or that holds something else.
    """
    from redun.file import File
    from redun.plugins.connect import connect_filesystems

    connect_filesystems()
    try:
        with File(path).open("rb") as stream:
            found = pickle.load(stream)
    except Exception as error:  # classes run their own code here, and filesystems have errors of their own
        raise UsageError(f"--input {path} cannot be read: {type(error).__name__}: {error}") from error
    if isinstance(found, (list, tuple)) and len(found) == 2:
        args, kwargs = found
        if isinstance(args, (list, tuple)) and isinstance(kwargs, dict):
            return tuple(args), kwargs
    raise UsageError(
        f"--input {path} holds a {type(found).__name__}, but a pickled list of a tuple and a dict is needed"
    )
