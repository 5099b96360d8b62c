"""The text of shell scripts: what a script task returns, made ready to run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from redun.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.task import Task

DEFAULT_SHELL = "#!/usr/bin/env bash\nset -exo pipefail"
"""How a script begins that does not say what runs it: with bash, which stops at the first command that fails, in a
pipe too, and shows on stderr what it does."""


def prepare_command(command: str | Sequence[str], default_shell: str = DEFAULT_SHELL) -> str:
    """The text of a script, ready to be written to a file and run.

    command: the script, which may be indented as a whole, as a text inside of Python code is; or the words of one
    command, which are quoted.
    default_shell: the first lines of a script that does not begin with `#!`.

    Raises `TypeError` for anything else.
    """
    if isinstance(command, str):
        text = dedent(command).strip()
    elif isinstance(command, Sequence) and not isinstance(command, bytes) and all(isinstance(w, str) for w in command):
        text = shlex.join(command)
    else:
        raise TypeError(f"a command is a text or a list of words, not {type(command).__name__}")
    if not text.startswith("#!"):
        text = f"{default_shell}\n{text}"
    return f"{text}\n"


def get_task_command(task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The script that a script task makes of these arguments, ready to run.

    Raises whatever the body of the task raises, and `ExecutorError` when it returns something else than a command.
    """
    command = task.func(*args, **kwargs)
    try:
        return prepare_command(command)
    except TypeError as error:
        raise ExecutorError(
            f"Script task {task.fullname} must return the text of a script, "
            f"or a list of the words of a command: {error}."
        ) from None
