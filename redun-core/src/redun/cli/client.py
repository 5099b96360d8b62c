"""The command line, called from Python: for tests, and for programs that drive redun as a person would."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from redun.cli.app import App
from redun.cli.failures import CommandExit
from redun.cli.root import root
from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RedunClientError(RedunError):
    """A command line that cannot be run as it was asked for. The message is what `redun` would print."""


class RedunClient:
    """Runs commands in this process.

    stdout, stderr: where they print; None means the streams of the process at the time of each command.
    """

    def __init__(self, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.stdout = stdout
        self.stderr = stderr

    def execute(self, argv: Sequence[str] | None = None) -> Any:
        """Run a command. Of `redun run`: the result of the workflow; of any other: None.

        argv: the command line with the name of the program, such as `["redun", "run", "workflow.py", "main"]`; None
        takes that of the process.

        Raises `RedunClientError` for wrong usage or configuration, and what a workflow failed with.
        """
        app = App(arguments=tuple((sys.argv if argv is None else argv)[1:]))
        with (
            contextlib.redirect_stdout(self.stdout or sys.stdout),
            contextlib.redirect_stderr(self.stderr or sys.stderr),
        ):
            try:
                root.main(args=list(app.arguments), prog_name="redun", standalone_mode=False, obj=app)
            except CommandExit as error:
                # What a workflow failed with is for the caller to catch.
                if error.exit_code == 1 and isinstance(error.__cause__, Exception):
                    raise error.__cause__ from None
                raise RedunClientError(error.text) from error
            except click.ClickException as error:
                raise RedunClientError(error.format_message()) from error
            except click.exceptions.Exit:
                return None
            except RedunError as error:
                raise RedunClientError(str(error)) from error
        return app.result
