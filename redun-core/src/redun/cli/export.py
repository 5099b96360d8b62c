"""`redun export`: records as a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from redun.cli.copied import execution_ids
from redun.cli.record_files import PIPE, open_for_writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.cli.app import App


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("-f", "--file", "file", default=PIPE, metavar="FILE", help="Where to write; `-`, or nothing, is stdout.")
@click.pass_obj
def export(app: App, ids: Sequence[str], file: str) -> None:
    """Write executions, with all that they need, as lines of JSON.

    ID is an execution, or one of its jobs: `-` for the latest execution, an id or the beginning of one. Without ID: all
    executions. A FILE whose name ends with .gz is compressed; it may be a URL.
    """
    from redun.backends.copying import collect_records
    from redun.backends.exchange import write_lines

    app.start_logging()
    backend = app.open_backend()
    try:
        wanted = execution_ids(backend, ids)
        count = -2  # the first line and the last one
        with open_for_writing(file) as stream:
            for line in write_lines(collect_records(backend, wanted)):
                stream.write(line.encode())
                count += line[:15] != '{"type":"batch"'
    finally:
        backend.close()
    if file != PIPE:
        click.echo(f"Exported {count} record(s) to {file}", file=sys.stderr)
