"""`redun run --input`: arguments that another program has written."""

from __future__ import annotations

import pickle
from typing import Any

from redun.errors import UsageError


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
