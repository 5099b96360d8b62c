"""Runs a command line, and turns whatever ends it into a message for people and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from redun.cli.app import App
from redun.cli.failures import CommandExit
from redun.cli.root import root
from redun.errors import RedunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
BROKEN_PIPE = 141


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Errors end up on stderr."""
    app = App(arguments=tuple(arguments))
    try:
        result = root.main(args=list(arguments), prog_name="redun", standalone_mode=False, obj=app)
        sys.stdout.flush()
    except BrokenPipeError:
        return _forget_stdout()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:
        return _report(error, app)
    return result if isinstance(result, int) else 0


def _report(error: Exception, app: App) -> int:
    if app.debug and not isinstance(error, click.exceptions.Exit):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, CommandExit):
        if error.text:
            print(error.text, file=sys.stderr)
        return error.exit_code
    if isinstance(error, click.ClickException):
        _print_error(error.format_message() + _where_to_look(error))
        return error.exit_code
    if isinstance(error, RedunError):
        _print_error(str(error))
        return 2 if isinstance(error, UsageError) else 1
    # Not one of ours: a bug, here or in a plugin. Its traceback is the message.
    if not app.debug:
        traceback.print_exception(error)
    _print_error(f"unexpected {type(error).__name__}: this is a bug in redun or in a plugin")
    return 1


def _print_error(message: str) -> None:
    print(f"redun: error: {message}", file=sys.stderr)


def _where_to_look(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"\nTry '{context.command_path} --help' for help." if context is not None else ""


def _forget_stdout() -> int:
    # Python flushes stdout once more at exit, which would complain about the same closed pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
