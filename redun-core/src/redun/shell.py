"""The text of shell scripts: what a script task returns, made ready to run."""

from __future__ import annotations

import itertools
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
    text = command_text(command)
    return f"{text}\n" if text.startswith("#!") else f"{default_shell}\n{text}\n"


def command_text(command: str | Sequence[str]) -> str:
    """The text of a command as `prepare_command` takes it, without its indentation: taking it twice changes nothing.

    Raises `TypeError` for what is no command.
    """
    if isinstance(command, str):
        return _without_margin(command).strip()
    if isinstance(command, Sequence) and not isinstance(command, bytes) and all(isinstance(w, str) for w in command):
        return shlex.join(command)
    if isinstance(command, (list, tuple)):
        number, odd = next((number, word) for number, word in enumerate(command) if not isinstance(word, str))
        raise TypeError(
            f"a command is a text or a list of words, and item {number} of this list is a value of {type(odd).__name__}"
        )
    raise TypeError(f"a command is a text or a list of words, not {type(command).__name__}")


def _without_margin(text: str) -> str:
    """Take away the indentation that all lines share. Without one, lines of nothing but spaces stay as they are too."""
    lines = [line for line in text.split("\n") if line.strip()]
    return dedent(text) if all(line[0] in " \t" for line in lines) else text


def get_command_eof(command: str, eof_prefix: str = "EOF") -> str:
    """A word that ends a here-document with this text, because none of its lines is that word."""
    lines = set(command.split("\n"))
    numbers = (str(number or "") for number in itertools.count())
    return next(word for word in (f"{eof_prefix}{number}" for number in numbers) if word not in lines)


def get_wrapped_command(command: str, eof_prefix: str = "EOF") -> str:
    """Shell text that runs a script, as `prepare_command` makes it, in whatever language it is.

    It goes between other shell text: as one command, which exits as the script does and leaves no file behind.
    """
    eof = get_command_eof(command, eof_prefix)
    first = command.split("\n", 1)[0]
    # As the system would read the first line: a program, and all the rest as one argument. The file is not executed
    # itself, because that fails in a folder where no programs are allowed.
    words = first[2:].strip().split(None, 1) if first.startswith("#!") else ["sh"]
    text = command if command.endswith("\n") else f"{command}\n"
    return (
        f"(\n{temporary_folder('redun_command')}\n"
        f'cat > "$redun_command/command" <<"{eof}"\n{text}{eof}\n'
        f'{shlex.join(words)} "$redun_command/command"\n)'
    )


def temporary_folder(variable: str) -> str:
    """Shell text, for bash, that makes a private folder which is removed when this shell ends, and sets a variable."""
    folder = f'"${variable}"'
    return (
        f'{variable}="$(mktemp -d "${{REDUN_SCRIPT_FOLDER:-${{TMPDIR:-/tmp}}}}/redun-XXXXXXXX")" || exit\n'
        # What a script has made may be protected even from its owner.
        f"trap 'rm -rf {folder} 2> /dev/null || {{ chmod -R u+rwX {folder}; rm -rf {folder}; }} || :' EXIT"
    )


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
