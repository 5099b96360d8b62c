"""`redun launch`: a command, run by an executor."""

from __future__ import annotations

import shlex
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redun.cli.app import App, open_repository
from redun.cli.failures import CommandExit
from redun.errors import ConfigError, UsageError
from redun.tags import parse_tag_key_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.config import Config


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND...")
@click.option("--executor", required=True, metavar="NAME", help="The executor, as the configuration names it.")
@click.option("--code-package", is_flag=True, help="Send the code along, as the executor's options say what that is.")
@click.option("-o", "--option", "options", multiple=True, metavar="KEY=VALUE", help="A task option, such as memory=8.")
@click.option("--wait", is_flag=True, help="Wait until it has ended, print what it printed, and record it.")
@click.pass_obj
def launch(
    app: App, command: tuple[str, ...], executor: str, code_package: bool, options: tuple[str, ...], wait: bool
) -> None:
    """Run a command on an executor.

    COMMAND is a command with its words, or a single word with the text of a script. Without --wait nothing is recorded.
    """
    app.start_logging()
    if not command:
        raise UsageError("which command? For example: redun launch --executor batch redun run workflow.py main")
    given = _read_options(options)
    config = app.load_config()
    text = command[0] if len(command) == 1 else shlex.join(command)
    if code_package:
        text = f"{_unpacking(config, executor)}\n{text}"
    if wait:
        _run(app, text, {**given, "executor": executor})
        return
    from redun.scheduler.launching import launch as begin
    from redun.scripting import script_task

    remote_id = begin(config, executor, script_task, text, given, str(uuid.uuid4()))
    if remote_id is not None:
        click.echo(remote_id)


def _read_options(texts: Sequence[str]) -> dict[str, Any]:
    try:
        return dict(parse_tag_key_value(text) for text in texts)
    except ValueError as error:
        raise UsageError(f"--option: {str(error).removeprefix('tag ')}") from None


def _unpacking(config: Config, name: str) -> str:
    """The shell command that brings the code to where the command runs."""
    import logging
    import tempfile

    from redun.executors.base import ExecutorContext
    from redun.file.shell_copy import shell_copy
    from redun.plugins.connect import connect_filesystems
    from redun.remote.polling import PollingExecutor
    from redun.scheduler import Scheduler

    connect_filesystems()
    executor = Scheduler(config=config).find_executor(name)
    folder, scratch = Path(config.configdir), Path(tempfile.gettempdir())
    path = None
    if isinstance(executor, PollingExecutor):
        path = executor.code_file(ExecutorContext(folder, "", "", scratch, logging.getLogger("redun")))
    if path is None:
        raise ConfigError(f"--code-package: the executor {name!r} sends no code along (its option code_package)")
    return f"{shell_copy(path, None)} | tar -xzf -"


def _run(app: App, text: str, options: dict[str, Any]) -> None:
    """Run the command as a workflow of one script."""
    from redun.executors.scripts import ScriptError
    from redun.scripting import script_task

    scheduler = app.make_scheduler()
    open_repository(scheduler)
    try:
        output = scheduler.run(script_task.options(**options)(text), exec_argv=["redun", *app.arguments])
    except ScriptError as error:
        raise CommandExit(error.exit_code if error.exit_code > 0 else 1, f"redun: error: {error}") from error
    assert isinstance(output, bytes)
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
