"""The options of `redun run`.

They may stand before the script, between script and task, and in their long form after the task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from redun.errors import UsageError
from redun.tags import parse_tag_key_value

if TYPE_CHECKING:
    from collections.abc import Sequence


CLOUDS = ("aws", "gcp")
"""Those to which a user may be known by another name."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a workflow, apart from what to run."""

    cache: bool = True
    prov: bool = True
    dryrun: bool = False
    option: tuple[tuple[str, Any], ...] = ()
    """Task options for the root task."""
    tag: tuple[tuple[str, Any], ...] = ()
    """Tags for the execution."""
    project: str | None = None
    user: str | None = None
    doc: str | None = None
    execution_id: str | None = None
    input: str | None = None
    """A file with the arguments of the task."""
    context_file: str | None = None
    exclude_user: tuple[str, ...] = ()
    """Clouds for which no tag says who the user is there."""
    rerun: bool = False
    pdb: bool = False
    context: tuple[tuple[str, Any], ...] = ()
    """Paths into the context, and what to set there."""

    def updated(self, given: dict[str, Any]) -> RunOptions:
        """These options with those of another place on the command line: lists add up, the later of two values wins."""
        changes = {
            name: getattr(self, name) + value if isinstance(value, tuple) else value for name, value in given.items()
        }
        return replace(self, **changes)


def click_options() -> list[click.Parameter]:
    """The options as click's, made anew for each command that takes them."""
    return [
        click.Option(
            ["--no-cache", "cache"], flag_value=False, is_flag=True, default=None, help="Run every task anew."
        ),
        click.Option(
            ["--no-prov", "prov"],
            flag_value=False,
            is_flag=True,
            default=None,
            help="Record no jobs, calls and values, and use no earlier results.",
        ),
        click.Option(["--dryrun"], is_flag=True, default=None, help="Say what would run, and run nothing."),
        click.Option(
            ["-o", "--option"],
            multiple=True,
            metavar="KEY=VALUE",
            callback=_read_pairs,
            help="An option for the task, as in task.options(...).",
        ),
        click.Option(
            ["-t", "--tag"], multiple=True, metavar="KEY=VALUE", callback=_read_pairs, help="A tag for the execution."
        ),
        click.Option(["-p", "--project"], help="The project that the execution is tagged with."),
        click.Option(["-u", "--user"], help="The user that the execution is tagged with."),
        click.Option(
            ["--exclude-user"],
            multiple=True,
            type=click.Choice(CLOUDS),
            help="Leave out the tags that say who you are to a cloud.",
        ),
        click.Option(["--doc"], help="A description that the execution is tagged with."),
        click.Option(
            ["--context-file"],
            metavar="FILE",
            help="A JSON file with the context that the execution begins with, over the configured one.",
        ),
        click.Option(
            ["--context"],
            multiple=True,
            metavar="PATH=VALUE",
            callback=_read_pairs,
            help="A value of the context, such as database.port=5432. Comes after --context-file.",
        ),
        click.Option(["--execution-id"], metavar="UUID", callback=_check_uuid, help="The id of the new execution."),
        click.Option(
            ["-i", "--input"],
            metavar="FILE",
            help="Take the task's arguments from a file or URL: a pickled list of a tuple and a dict.",
        ),
        click.Option(
            ["--rerun"],
            is_flag=True,
            default=None,
            help="Run a task again with the arguments that a job was given: TASK is the id of a job or an execution, "
            "or `-` for the latest one. Arguments that are given as well replace the recorded ones.",
        ),
        click.Option(["--pdb"], is_flag=True, default=None, help="Open Python's debugger where the workflow failed."),
    ]


def given_options(ctx: click.Context) -> dict[str, Any]:
    """Those options of a context that were given on the command line, by their names in `RunOptions`."""
    names = RunOptions.__dataclass_fields__
    return {
        name: value
        for name, value in ctx.params.items()
        if name in names and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }


def read_options(words: Sequence[str], parent: click.Context) -> tuple[dict[str, Any], list[str]]:
    """Read the options that some words begin with: those that are given, and the words from the first other word on."""
    rest = click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)
    command = click.Command(
        "run",
        params=[*click_options(), rest],
        context_settings={"allow_interspersed_args": False},
        add_help_option=False,
    )
    ctx = command.make_context(parent.info_name, list(words), parent=parent.parent)
    return given_options(ctx), list(ctx.params["rest"])


def long_options() -> dict[str, bool]:
    """The long options, and whether each takes a value."""
    return {
        name: not option.is_flag
        for option in click_options()
        if isinstance(option, click.Option)
        for name in option.opts
        if name.startswith("--")
    }


def _read_pairs(ctx: click.Context, option: click.Parameter, texts: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    try:
        return tuple(parse_tag_key_value(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error).removeprefix("tag "), ctx, option) from None


def _check_uuid(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    import uuid

    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UsageError(f"--execution-id {text!r} is not a UUID") from None
