"""`redun db stats`: what the repository holds, and how much room it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

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
    for kind, count, size in found.kinds:
        click.echo(f"{kind:>14} {count:>12,} {bytes_text(size):>12}")
    unused = (
        f", of which {bytes_text(found.unused)} hold nothing (`redun db gc --yes --vacuum`)" if found.unused else ""
    )
    click.echo(f"\nDatabase with its indexes: {bytes_text(found.size)}{unused}")
    if found.largest:
        click.echo("\nLargest values:")
    for each in found.largest:
        click.echo(f"{bytes_text(each.bytes):>12}  {each.hash.hex()[:16]}  {each.type_name}")
