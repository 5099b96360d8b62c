"""`redun db check`: whether the repository is whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import click

from redun.cli.failures import CommandExit
from redun.cli.stages import Stages

if TYPE_CHECKING:
    from redun.cli.app import App

_MOST_SHOWN = 5
_PARTICULARS = re.compile(r"\b[0-9a-f]{16,}\b|\d[\d,.]*|'[^']*'")
"""What tells problems of one kind apart: hashes, numbers, and what is quoted."""


@click.command()
@click.option("--verbose", is_flag=True, help="Print a line for each problem, however many there are of a kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object a line, for each problem.")
@click.pass_obj
def check(app: App, verbose: bool, as_json: bool) -> None:
    """Check every reference, hash and count of the repository, and the files of its value store.

    Prints the first problems of each kind, and how many more there are; the exit code is then 1. Nothing is changed,
    and runs may go on meanwhile.
    """
    app.start_logging()
    backend = app.open_backend()
    kinds: Counter[str] = Counter()
    try:
        with Stages() as stages:
            for flaw in backend.flaws(stages.tell):
                kind = _PARTICULARS.sub("...", flaw.what)
                kinds[kind] += 1
                if kinds[kind] > _MOST_SHOWN and not verbose and not as_json:
                    continue
                stages.clear()
                click.echo(json.dumps({"where": flaw.where, "what": flaw.what}) if as_json else str(flaw))
    finally:
        backend.close()
    count = kinds.total()
    if not verbose and not as_json:
        for kind, number in kinds.items():
            if number > _MOST_SHOWN:
                click.echo(f"... and {number - _MOST_SHOWN:,} more like these: {kind}")
    if count:
        raise CommandExit(1, "" if as_json else f"{count:,} problem{'s' if count > 1 else ''}")
    if not as_json:
        click.echo("The repository is whole.")
