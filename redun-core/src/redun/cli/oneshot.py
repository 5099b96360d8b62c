"""`redun oneshot`: one call of a task, or those of one job, on the machine where the job runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.task import Task


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Without --input, the task's arguments follow it as --name VALUE; without --output its result is printed.",
)
@click.argument("script")
@click.argument("task")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[TASK ARGUMENTS]...")
@click.option("-c", "--code", metavar="FILE", help="A package of code, unpacked into the working directory first.")
@click.option("-p", "--import-path", "import_paths", multiple=True, metavar="DIR", help="A folder with modules.")
@click.option("-i", "--input", "input_path", metavar="FILE", help="What is to be run, as a scheduler has written it.")
@click.option("-o", "--output", metavar="FILE", help="Where the result goes.")
@click.option("-e", "--error", metavar="FILE", help="Where an error goes.")
@click.option("--array-job", is_flag=True, help="This is a job of an array: its index is in the environment.")
@click.option("--array-rank-env", metavar="NAME", help="The environment variable with that index.")
@click.option("--no-cache", is_flag=True, help="Run it even if its output is there already.")
def oneshot(
    script: str,
    task: str,
    words: tuple[str, ...],
    code: str | None,
    import_paths: tuple[str, ...],
    input_path: str | None,
    output: str | None,
    error: str | None,
    array_job: bool,
    array_rank_env: str | None,
    no_cache: bool,
) -> int:
    """Run one call of a task, without a scheduler: what executors have run elsewhere.

    SCRIPT is a .py file or the dotted name of a module, TASK the name of a task in it.
    """
    if code is not None:
        from redun.remote.code_package import unpack_code

        unpack_code(code, Path.cwd())
    sys.path[:0] = [os.path.abspath(path) for path in import_paths]  # noqa: PTH100 - without resolving links
    if input_path is None:
        return _run_with_words(script, task, words, output, error)
    if words:
        raise UsageError(f"--input says what the arguments are, so {words[0]!r} cannot be one")
    if output is None or error is None:
        raise UsageError("--input needs --output and --error as well")

    from redun.remote.worker import array_index, run_job

    index = array_index(array_rank_env) if array_job else None
    return run_job(input_path, output, error, index, use_output=not no_cache)


def _run_with_words(script: str, name: str, words: Sequence[str], output: str | None, error: str | None) -> int:
    """Run a task with arguments from the command line."""
    from redun.cli.annotations import as_python_passes_them
    from redun.cli.task_command import TaskCommand
    from redun.cli.workflow_script import find_task, import_script, user_failure

    module = import_script(script)
    task = find_task(name, module)
    command = TaskCommand(task, {}, f"redun oneshot {script} {name}")
    if list(words) == ["help"]:
        click.echo(command.help_text())
        return 0
    read = command.read(words)
    if read.wants_help:
        click.echo(command.help_text())
        return 0
    command.check_complete(read.arguments)
    args, kwargs = as_python_passes_them(task.signature, read.arguments)
    if output is not None:
        return _run_and_write(task, args, kwargs, output, error)

    from pprint import pformat

    from redun.executors.calls import run_task

    try:
        value = run_task(_target(task), tuple(args), dict(kwargs))
    except Exception as problem:
        raise user_failure(f"task {task.fullname} failed", problem) from problem
    if value is not None:
        click.echo(pformat(value))
    return 0


def _run_and_write(task: Task[..., Any], args: Any, kwargs: Any, output: str, error: str | None) -> int:
    from redun.executors.base import TaskCall
    from redun.executors.transport import encode_call
    from redun.remote.frames import CALL, Frame, pack
    from redun.remote.scratch import remove_file, write_file
    from redun.remote.worker import run_job

    call = TaskCall(1, _target(task), tuple(args), dict(kwargs), {}, b"", "", "NONE")
    given = f"{output}.input"
    write_file(given, pack(Frame(CALL, "", encode_call(call))))
    try:
        return run_job(given, output, error or f"{output}.error", use_output=False)
    finally:
        remove_file(given)


def _target(task: Task[..., Any]) -> Any:
    from redun.executors.base import TaskTarget

    return TaskTarget(task.fullname, task.hash_bytes, task.load_module, (), task.is_async(), task.script)
