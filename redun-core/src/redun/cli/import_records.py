"""`redun import`: the records of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from redun.cli.app import open_to_write
from redun.cli.copied import show_counts
from redun.cli.copy_progress import copy_progress
from redun.cli.record_files import PIPE, read_records

if TYPE_CHECKING:
    from redun.cli.app import App


@click.command("import")
@click.option("-f", "--file", "file", default=PIPE, metavar="FILE", help="What to read; `-`, or nothing, is stdin.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_obj
def import_records(app: App, file: str, as_json: bool) -> None:
    """Add the records of a file that `redun export` has written.

    Each record is checked against its hash where that is possible; nothing is unpickled. Import only what comes from
    people whose code you would run: a workflow that finds a pickled value in the cache loads it.
    """
    from redun.backends.imports import import_records as add_records

    app.start_logging()
    name = "standard input" if file == PIPE else file
    backend = open_to_write(app.load_existing_config())
    try:
        with read_records(file, name) as batches, copy_progress(f"Importing {name}") as progress:
            counts = add_records(batches, backend, name, progress)
    finally:
        backend.close()
    nothing = f"There is nothing new in {name}."
    show_counts("Imported {}", counts, nothing, as_json=as_json, kind="new record(s)")
