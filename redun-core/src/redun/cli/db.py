"""`redun db`: looking after the repository. Here: which version its schema has, and bringing it to another one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from redun.cli.db_check import check
from redun.cli.db_gc import gc
from redun.cli.db_stats import stats
from redun.errors import BackendError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.backends.base import Backend
    from redun.backends.schema_versions import SchemaChange, SchemaInfo
    from redun.cli.app import App


class _Version(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """The number of a version, or `latest`."""

    name = "version"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value == "latest":
            return None
        if not value.isdecimal():
            self.fail(f"{value!r} is no version: write a number that `redun db versions` shows, or latest", param, ctx)
        return int(value)


@click.group()
def db() -> None:
    """Look after the repository: how large and whole it is, what of it can go, the version of its schema.

    A repository in a SQLite file is brought up to date by any command; one on a database server by `redun db upgrade`.
    """


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def info(app: App, as_json: bool) -> None:
    """Show the version that the repository has, and the one that is needed."""
    from redun.version import __version__

    config = app.load_existing_config()
    found = _info(_backend(app))
    state = _state(found)
    if as_json:
        content = {"redun": __version__, "config_dir": str(config.configdir), "version": found.current}
        click.echo(json.dumps({**content, "required": found.required, "state": state}))
        return
    description = next((f" ({each.description})" for each in found.known if each.number == found.current), "")
    click.echo(f"redun version:     {__version__}")
    click.echo(f"config directory:  {config.configdir}")
    click.echo(f"schema version:    {found.current}{description}")
    click.echo(f"required version:  {found.required}")
    click.echo(f"state:             {state}")


@db.command()
@click.argument("version", type=_Version(), default="latest")
@click.pass_obj
def upgrade(app: App, version: int | None) -> None:
    """Bring the schema up to VERSION, by default the latest. An empty database gets its tables."""
    backend = _backend(app)
    _change(lambda: backend.upgrade_schema(version))


@db.command()
@click.argument("version", type=_Version())
@click.option("--force", is_flag=True, help="Also remove what has no place in that version.")
@click.pass_obj
def downgrade(app: App, version: int | None, force: bool) -> None:
    """Bring the schema back to VERSION, for an older version of redun."""
    if version is None:
        raise UsageError("the latest version is nothing to go back to: write the number of an earlier one")
    backend = _backend(app)
    _change(lambda: backend.downgrade_schema(version, force=force))


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def versions(app: App, as_json: bool) -> None:
    """List the versions of the schema that this version of redun knows."""
    known = _info(_backend(app)).known
    if as_json:
        click.echo(json.dumps([each._asdict() for each in known]))
        return
    click.echo("Version  Migration  Description")
    for each in known:
        click.echo(f"{each.number:<7}  {each.migration:<9}  {each.description}")


for _command in (stats, check, gc):
    db.add_command(_command)


def _backend(app: App) -> Backend:
    from redun.config.build import make_backend

    app.start_logging()
    return make_backend(app.load_existing_config())


def _info(backend: Backend) -> SchemaInfo:
    try:
        return backend.schema_info()
    except BackendError as error:
        raise UsageError(str(error)) from error


def _change(action: Callable[[], SchemaChange]) -> None:
    """Bring the schema to another version, and say from which to which."""
    try:
        change = action()
    except BackendError as error:
        raise UsageError(str(error)) from error
    if change.before == change.after:
        click.echo("No migration needed.")
        return
    click.echo(f"Initial version: {change.before}")
    click.echo(f"Final version:   {change.after}")


def _state(found: SchemaInfo) -> str:
    if found.current == found.required:
        return "up to date"
    return "empty: `redun db upgrade` makes the tables" if not found.current else "older: `redun db upgrade`"
