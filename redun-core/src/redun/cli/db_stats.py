"""`redun db stats`: what the repository holds, and how much room it takes."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import click

from redun.cli.colours import shows_colours
from redun.cli.stages import bytes_text

if TYPE_CHECKING:
    from redun.backends.maintenance import RepositoryStats
    from redun.cli.app import App


@click.command()
@click.option("--largest", type=click.IntRange(min=0), default=10, show_default=True, help="How many values to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def stats(app: App, largest: int, as_json: bool) -> None:
    """Show what the repository holds: how much of each kind, its size, and its largest values."""
    app.start_logging()
    backend = app.open_backend()
    try:
        found = backend.stats(largest)
    finally:
        backend.close()
    if as_json:
        click.echo(json.dumps(_content(found)))
    else:
        _print(found)


def _content(found: RepositoryStats) -> dict[str, object]:
    return {
        "kinds": {kind: {"count": count, "bytes": size} for kind, count, size in found.kinds},
        "size": found.size,
        "unused": found.unused,
        "largest": [{"value": each.hash.hex(), "type": each.type_name, "bytes": each.bytes} for each in found.largest],
    }


def _print(found: RepositoryStats) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for kind, count, size in found.kinds:
        click.echo(f"{kind:>14} {count:>12,} {bytes_text(size):>12}")
    unused = (
        f", of which {bytes_text(found.unused)} hold nothing (`redun db gc --yes --vacuum`)" if found.unused else ""
    )
    click.echo(f"\nDatabase with its indexes: {bytes_text(found.size)}{unused}")
    if found.largest:
        heading = "Largest values:"
        click.echo(f"\n{click.style(heading, bold=True) if shows_colours(sys.stdout) else heading}", color=True)
    for each in found.largest:
        start = f"{bytes_text(each.bytes):>12}  {each.hash.hex()[:16]}"
        # A name that is too long for the line is not broken, but stands on the next one.
        is_short = width is None or len(start) + 2 + len(each.type_name) <= width
        click.echo(f"{start}  {each.type_name}" if is_short else f"{start}\n  {each.type_name}")
