"""`redun db check`: whether the repository is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from redun.cli.failures import CommandExit
from redun.cli.stages import Stages

if TYPE_CHECKING:
    from redun.cli.app import App


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object a line.")
@click.pass_obj
def check(app: App, as_json: bool) -> None:
    """Check every reference, hash and count of the repository, and the files of its value store.

    Prints a line for each problem; the exit code is then 1. Nothing is changed, and runs may go on meanwhile.
    """
    app.start_logging()
    backend = app.open_backend()
    count = 0
    try:
        with Stages() as stages:
            for flaw in backend.flaws(stages.tell):
                count += 1
                stages.clear()
                click.echo(json.dumps({"where": flaw.where, "what": flaw.what}) if as_json else str(flaw))
    finally:
        backend.close()
    if count:
        raise CommandExit(1, "" if as_json else f"{count} problem{'s' if count > 1 else ''}")
    if not as_json:
        click.echo("The repository is whole.")
