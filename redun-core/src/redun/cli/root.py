"""The command `redun` itself: global options, and the commands below it, each imported when it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

import click

from redun.cli import planned
from redun.cli.app import LOG_LEVELS, App
from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem


class LazyCommand(NamedTuple):
    """A command whose code is not imported before it is used."""

    target: str
    """`module:attribute` of a click command."""
    summary: str


COMMANDS = {
    "run": LazyCommand("redun.cli.run:run", "Run a task of a workflow."),
    "launch": LazyCommand("redun.cli.launch:launch", "Run a command on an executor."),
    "log": LazyCommand("redun.cli.log:log", "Show executions, jobs, tasks, values and files."),
    "explain": LazyCommand("redun.cli.explain:explain", "Say why a job ran, or why it did not have to."),
    "diff": LazyCommand("redun.cli.diff:diff", "Compare two executions: what ran differently, what changed."),
    "viz": LazyCommand("redun.cli.viz:viz", "Draw the calls or the dataflow of an execution."),
    "repl": LazyCommand("redun.cli.repl:repl", "Ask the repository in Python."),
    "tag": LazyCommand("redun.cli.tag:tag", "List and change tags."),
    "init": LazyCommand("redun.cli.init:init", "Create a configuration directory and its repository."),
    "push": LazyCommand("redun.cli.sharing:push", "Copy records to another repository."),
    "pull": LazyCommand("redun.cli.sharing:pull", "Copy records from another repository."),
    "export": LazyCommand("redun.cli.export:export", "Write records to a file."),
    "import": LazyCommand("redun.cli.import_records:import_records", "Add the records of a file."),
    "repo": LazyCommand("redun.cli.repo:repo", "List, add and remove other repositories."),
    "db": LazyCommand("redun.cli.db:db", "Look after the repository: its size, garbage, damage, schema."),
    "config": LazyCommand("redun.cli.config:config", "Show, check and explain the configuration."),
    "fs": LazyCommand("redun.cli.fs:fs", "Copy files across filesystems, and list these."),
    "oneshot": LazyCommand("redun.cli.oneshot:oneshot", "Run one call of a task, without a scheduler."),
    "plugins": LazyCommand("redun.cli.plugins:plugins", "List the installed plugins."),
    "completion": LazyCommand("redun.cli.completion:completion", "Print a script for shell completion."),
    "help": LazyCommand("redun.cli.help:show_help", "Show help for redun, or for one command."),
}


class RootGroup(click.Group):
    """Knows the names and summaries of redun's own commands; looks at plugins only for a name that is none of these."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the built-in commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of this name, built-in or of a plugin."""
        if cmd_name in COMMANDS:
            return _resolve(COMMANDS[cmd_name].target)
        return plugin_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with, or say which name comes near."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            if name.startswith("-"):
                raise click.NoSuchOption(name, ctx=ctx)
            if name in planned.COMMANDS:
                raise UsageError(f"the command `redun {name}` is not supported yet")
            _check_packages(name)
            from difflib import get_close_matches

            near = get_close_matches(name, [*COMMANDS, *plugin_commands()], n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"no command {name!r}.{hint} `redun help --all` lists those of plugins too.", ctx)
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from what is known without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])
        formatter.write_paragraph()
        formatter.write_text("Plugins may bring more: redun help --all.")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names without importing the commands."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=COMMANDS[name].summary) for name in COMMANDS if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)


def plugin_commands() -> dict[str, click.Command]:
    """The commands that installed plugins bring, by name. This loads the plugins."""
    from redun.plugins import get_plugins

    return {
        command.name: _PluginCommand(command.name, command.command, command.summary)
        for command in get_plugins().commands().unambiguous()
        if command.name not in COMMANDS
    }


def _check_packages(name: str) -> None:
    """Raise UsageError for a command that one of our own packages would bring: it says what to do to have it."""
    from redun.plugins import get_plugins
    from redun.plugins.hints import COMMAND_PACKAGES

    if name in COMMAND_PACKAGES:
        how = get_plugins().how_to_get(COMMAND_PACKAGES[name])
        raise UsageError(f"no installed plugin provides the command `redun {name}`.{how}")


class _PluginCommand(click.Command):
    """Stands for a plugin's command until it is invoked, so that listing commands imports none of them."""

    def __init__(self, name: str, target: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self._target = target

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        return _resolve(self._target).make_context(info_name, args, parent, **extra)


def _resolve(target: str) -> click.Command:
    module_name, _, attribute = target.partition(":")
    try:
        command = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"command {target} cannot be loaded: {error}") from error
    assert isinstance(command, click.Command)
    return command


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from redun.version import __version__

    click.echo(__version__)
    ctx.exit()


def _check_version(ctx: click.Context, _option: click.Parameter, specification: str | None) -> None:
    if specification is None or ctx.resilient_parsing:
        return
    from redun.cli.version_condition import check_version

    check_version(specification)


@click.command(cls=RootGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--config", "config_option", metavar="DIR", help="The configuration directory.")
@click.option("-r", "--repo", default="default", metavar="NAME", help="Use another configured repository.")
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
@click.option(
    "--check-version",
    metavar="SPEC",
    expose_value=False,
    callback=_check_version,
    help="Go on only with a version of redun such as '>=1.2,<2'.",
)
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS, case_sensitive=False),
    default="INFO",
    help="The least important messages to show.",
)
@click.option("-s", "--setup", multiple=True, metavar="KEY=VALUE", help="An argument for setup_scheduler.")
@click.option("--setup-help", is_flag=True, help="Show the arguments of setup_scheduler.")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
@click.pass_context
def root(
    ctx: click.Context,
    config_option: str | None,
    repo: str,
    log_level: str,
    setup: Sequence[str],
    setup_help: bool,
    debug: bool,
) -> None:
    """Run workflows written in plain Python, and ask what they did."""
    app = ctx.ensure_object(App)
    app.config_option = config_option
    app.repo = repo
    app.setup = tuple(setup)
    app.debug = debug
    app.log_level = log_level.upper()
    if setup_help:
        from redun.cli.setup import describe_setup

        click.echo(describe_setup(app.load_config()))
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
