"""Runs a command line, and turns whatever ends it into a message for people and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from redun.cli.app import App
from redun.cli.failures import CommandExit
from redun.cli.root import root
from redun.cli.signals import INTERRUPTED, TERMINATED, Terminated
from redun.errors import RedunError, UsageError
from redun.log_lines import printable, shows_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

BROKEN_PIPE = 141
# Before click 8.2 a group without a command shows its help by itself.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
_NOT_WRITTEN = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Errors end up on stderr."""
    _replace_closed_streams()
    app = App(arguments=tuple(arguments))
    try:
        code = _run(app)
    except (KeyboardInterrupt, click.Abort) as error:
        code = _interrupted(error)
    except OSError as error:
        # Where stdout is not buffered it forgets what it could not write, and flushing it says nothing.
        code = _end_output(error) if error.errno in _NOT_WRITTEN else _report(error, app)
    except Exception as error:
        code = _report(error, app)
    return _flush_output(code)


def _run(app: App) -> int:
    result = root.main(args=list(app.arguments), prog_name="redun", standalone_mode=False, obj=app)
    return result if isinstance(result, int) else 0


def _interrupted(error: BaseException) -> int:
    # Click puts an Abort of its own in the place of an interrupt.
    if isinstance(error, Terminated) or isinstance(error.__cause__, Terminated):
        print("redun: terminated", file=sys.stderr)
        return TERMINATED
    print("redun: interrupted", file=sys.stderr)
    return INTERRUPTED


def _report(error: Exception, app: App) -> int:
    if app.debug and not isinstance(error, click.exceptions.Exit):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, CommandExit):
        if error.text:
            print(error.text, file=sys.stderr)
        return error.exit_code
    if isinstance(error, _NO_ARGUMENTS):
        click.echo(error.ctx.get_help())
        return 0
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
    start = "redun: error:"
    if shows_colours(sys.stderr):
        start = click.style(start, fg="red", bold=True)
    print(f"{start} {printable(message)}", file=sys.stderr)


def _where_to_look(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"\nTry '{context.command_path} --help' for help." if context is not None else ""


def _replace_closed_streams() -> None:
    # `>&-`: whatever file is opened next would take the number of the closed stream, and get what is printed to it.
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115


def _flush_output(code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError as error:
        return _end_output(error)
    return code


def _end_output(error: OSError) -> int:
    """Say that the output is not complete, unless it goes to a pipe whose reader has seen enough."""
    # Python flushes stdout once more at exit, which would complain about the same again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    _print_error(f"cannot write: {error.strerror}")
    return 1
