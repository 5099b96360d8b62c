"""`redun run`: import a script, run one of its tasks, show what happens and what comes out."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from pprint import pformat
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from redun.cli.annotations import as_python_passes_them
from redun.cli.app import App, open_repository
from redun.cli.failures import CommandExit
from redun.cli.id_command import ids_without_dash
from redun.cli.input_file import with_input
from redun.cli.rerun import RecordedCall, read_recorded_call
from redun.cli.run_options import RunOptions, click_options, given_options, long_options, read_options
from redun.cli.task_command import TaskCommand
from redun.cli.workflow_script import find_task, import_script, user_tasks
from redun.errors import UsageError, describe_error
from redun.log_lines import logger, printable
from redun.option_checks import BOOLEANS
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    from redun.config import Config
    from redun.scheduler import Scheduler
    from redun.task import Task


_RERUN = "--rerun"


@click.command(
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
    epilog="The task's own arguments follow it as --name VALUE. TASK may be `help`, to list the script's tasks; "
    "`redun run SCRIPT TASK help` shows the task's arguments, `... info` its source.",
    params=click_options(),
)
@click.argument("script")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="TASK [TASK ARGUMENTS]...")
@click.pass_context
def run(ctx: click.Context, /, script: str, words: tuple[str, ...], **_options: Any) -> None:
    """Run a task of a workflow.

    SCRIPT is a .py file or the dotted name of a module.
    """
    app = ctx.find_object(App)
    assert app is not None
    app.start_logging()
    _warn_about_foreign_redun()
    options = RunOptions().updated(given_options(ctx))
    # Not further on: there it may be a number for the task.
    start = 1 + (words[:1] == (_RERUN,))
    more, rest = read_options([*ids_without_dash(words[:start]), *words[start:]], ctx)
    options = options.updated(more)
    module = import_script(script)
    if not rest:
        raise UsageError(f"which task of {script}? {_task_list()}")
    task_name, *task_words = rest
    if task_name == "help":
        click.echo(_task_list())
        return
    recorded = None
    if options.rerun or (_RERUN in task_words and not _is_task(task_name, module)):
        recorded = read_recorded_call(app, task_name)
        task_name = recorded.task_name
    task = find_task(task_name, module)
    command = TaskCommand(task, long_options(), f"redun run {script} {task_name}")
    if task_words == ["help"]:
        click.echo(command.help_text())
        return
    if task_words == ["info"]:
        _read_hash_helpers(app)
        click.echo(_task_info(task))
        return
    read = command.read(task_words)
    if read.wants_help:
        click.echo(command.help_text())
        return
    more, _ = read_options(read.run_words, ctx)
    options = options.updated(more)
    _run_task(app, task, *_arguments(command, read.arguments, options, recorded), options, recorded)


def _is_task(name: str, module: ModuleType) -> bool:
    try:
        find_task(name, module)
    except UsageError:
        return False
    return True


def _arguments(
    command: TaskCommand, given: dict[str, Any], options: RunOptions, recorded: RecordedCall | None
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments from the command line, a file, or a job."""
    if recorded is not None:
        if options.input is not None:
            raise UsageError("--rerun and --input both say what the arguments are: give one of them")
        return recorded.with_arguments(command.task, given)
    if options.rerun:
        raise UsageError(
            f"--rerun needs a job or an execution in the place of TASK, and {command.task.fullname} is a task"
        )
    if options.input is not None:
        return with_input(options.input, command.task, given)
    command.check_complete(given)
    return as_python_passes_them(command.task.signature, given)


def _run_task(
    app: App,
    task: Task[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: RunOptions,
    recorded: RecordedCall | None,
) -> None:
    from redun.cli.context import read_context
    from redun.cli.execution_tags import execution_tags
    from redun.cli.run_display import display_run

    scheduler = app.make_scheduler()
    open_repository(scheduler)
    _warn_about_namespaces(scheduler.config)
    tags = execution_tags(scheduler.config, options, task)
    called = _with_options(task, options)
    context = read_context(options.context_file, options.context, {} if recorded is None else recorded.context)
    with _debugged(options), display_run(scheduler):
        try:
            result = scheduler.run(
                called(*args, **kwargs),
                exec_argv=["redun", *app.arguments],
                dryrun=options.dryrun,
                cache=options.cache,
                tags=tags,
                context=context,
                execution_id=options.execution_id,
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a task raises
            failure = _workflow_failure(scheduler, error)
            if failure is None:
                raise
            raise failure from error
    app.result = result
    if result is not None:
        click.echo(_shown(result))


def _with_options(task: Task[..., Any], options: RunOptions) -> Task[..., Any]:
    given = {name: _as_boolean(value) if name in BOOLEANS else value for name, value in options.option}
    if not options.prov:
        given["prov"] = False
    if not given:
        return task
    try:
        return task.options(**given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--option: {error}") from None


def _as_boolean(value: Any) -> Any:
    """As JSON and as Python write it."""
    return {"True": True, "False": False}.get(value, value) if isinstance(value, str) else value


@contextmanager
def _debugged(options: RunOptions) -> Iterator[None]:
    """Open the debugger when the workflow has failed and nothing is on its way any more."""
    try:
        yield
    except CommandExit as failure:
        if not options.pdb or failure.__cause__ is None:
            raise
        from redun.cli.debugging import debug

        click.echo(failure.text, err=True)
        debug(failure.__cause__)
        raise CommandExit(failure.exit_code, "") from None


def _shown(result: Any) -> str:
    try:
        return pformat(result)
    except Exception as error:  # from a foreign __repr__, or for a value that is nested too deeply
        return f"<a result of type {type(result).__name__} that cannot be shown: {describe_error(error)}>"


def _workflow_failure(scheduler: Scheduler, error: BaseException) -> CommandExit | None:
    """How to end when the workflow itself failed, or None for an error of redun's own, which speaks for itself."""
    from redun.scheduler import DryRunResult

    if isinstance(error, DryRunResult):
        return CommandExit(1, f"redun: {error}")
    if scheduler.traceback is None:
        return None
    if not scheduler.use_task_traceback:
        import traceback

        text = printable("".join(traceback.format_exception(error)).rstrip())
        return CommandExit(1, f"redun: the workflow failed.\n{text}")
    return CommandExit(1, "\n".join(["redun: the workflow failed.", *scheduler.traceback.format()]))


def _read_hash_helpers(app: App) -> None:
    """Let tasks have the hashes that a run would give them: the configuration has a say in it, where there is one."""
    from redun.config.build import scheduler_settings
    from redun.config.discovery import REDUN_INI_FILE, find_config_dir

    folder = find_config_dir(app.config_option)
    if "://" in folder or (Path(folder) / REDUN_INI_FILE).is_file():
        get_task_registry().hash_helpers(scheduler_settings(app.load_config()).hash_helpers)


def _warn_about_foreign_redun() -> None:
    from redun.plugins.foreign import check_foreign_redun

    problem = check_foreign_redun()
    if problem is not None:
        logger.warning("%s", problem)


def _warn_about_namespaces(config: Config) -> None:
    from redun.config.build import scheduler_settings

    if "namespace" in scheduler_settings(config).ignore_warnings:
        return
    names = [f"{_defined_in(task)}:{task.name}" for task in user_tasks() if not task.namespace]
    if names:
        logger.warning(
            "tasks without a namespace: %s. Set redun_namespace in their module, or ignore_warnings = namespace in the "
            "section [scheduler] of redun.ini",
            ", ".join(names),
        )


def _defined_in(task: Task[..., Any]) -> str:
    code = getattr(task.func, "__code__", None)
    return task.load_module if code is None else str(code.co_filename)


def _task_list() -> str:
    return "\n".join(["Tasks available:", *(f"   {task.fullname}" for task in user_tasks())])


def _task_info(task: Task[..., Any]) -> str:
    text = f"Task {task.hash} {task.fullname}\n\n{indent(task.source.rstrip(), '  ')}\n"
    if task.wrapped_task is not None:
        inner = task.inner_task
        text += f"\nWraps {inner.fullname}\n\n{indent(inner.source.rstrip(), '  ')}\n"
    return text + _helpers_info(task)


def _helpers_info(task: Task[..., Any]) -> str:
    """What the task depends on beside its own text, where that counts."""
    if not task.hashes_helpers(get_task_registry().hashes_helpers):
        return ""
    helpers = task.helpers()
    text = _listed("An edit of these runs it again as well (hash_helpers):", helpers.found)
    return text + _listed("An edit of what these call does not, because only a run can tell:", helpers.not_followed)


def _listed(heading: str, lines: list[str]) -> str:
    return "\n".join(["", heading, "", *(f"  {line}" for line in lines), ""]) if lines else ""
