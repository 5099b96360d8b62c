"""`redun repo`: the other repositories that the configuration knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from redun.cli.app import App


@click.group()
def repo() -> None:
    """List, add and remove other repositories, for push, pull and --repo."""


@repo.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_obj
def list_repos(app: App, as_json: bool) -> None:
    """List the repositories that the configuration knows."""
    from redun.config.repos import repo_dirs

    found = sorted(repo_dirs(app.load_repo("default")).items())
    if as_json:
        for name, config_dir in found:
            click.echo(json.dumps({"name": name, "config_dir": config_dir}))
        return
    click.echo("Repositories:")
    for name, config_dir in found:
        click.echo(f"  {name}: {config_dir}")


@repo.command()
@click.argument("name")
@click.argument("config_dir", metavar="DIR")
@click.pass_obj
def add(app: App, name: str, config_dir: str) -> None:
    """Add the repository whose configuration directory is DIR, such as ../project/.redun, under NAME."""
    from redun.config.repos import add_repo, repo_dirs

    config = app.load_repo("default")
    found = add_repo(config, name, config_dir)
    for other, other_dir in repo_dirs(config).items():
        if other_dir == found:
            click.echo(f"Repo {other!r} has the same directory.")
    click.echo(f"Added repo {name!r}: {found}")


@repo.command()
@click.argument("name")
@click.pass_obj
def remove(app: App, name: str) -> None:
    """Remove NAME from the configuration. The repository itself stays as it is."""
    from redun.config.repos import remove_repo

    remove_repo(app.load_repo("default"), name)
    click.echo(f"Removed repo {name!r}. Its records are where they were.")
