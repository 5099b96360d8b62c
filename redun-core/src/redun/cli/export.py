"""`redun export`: records as a file."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from redun.cli.copied import execution_ids
from redun.cli.copy_progress import copy_progress
from redun.cli.id_command import IdCommand
from redun.cli.record_files import PIPE, open_for_writing

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.copying import CopyCount
    from redun.backends.records import RecordBatch
    from redun.cli.app import App

    Progress = Callable[[Counter[str]], None]


@click.command(cls=IdCommand)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("-f", "--file", "file", default=PIPE, metavar="FILE", help="Where to write; `-`, or nothing, is stdout.")
@click.pass_obj
def export(app: App, ids: Sequence[str], file: str) -> None:
    """Write executions, with all that they need, as lines of JSON.

    ID is an execution, or one of its jobs: `-` for the latest execution, an id or the beginning of one. Without ID: all
    executions. A FILE whose name ends with .gz is compressed; it may be a URL.
    """
    from redun.backends.copying import CopyCount, collect_records
    from redun.backends.exchange import write_lines

    app.start_logging()
    backend = app.open_backend()
    try:
        wanted = execution_ids(backend, ids)
        copied = CopyCount()
        with open_for_writing(file) as stream, _progress(file) as progress:
            for line in write_lines(_counted(collect_records(backend, wanted), copied, progress)):
                stream.write(line.encode())
    finally:
        backend.close()
    if file != PIPE:
        click.echo(f"Exported {copied.counts.total()} record(s) to {file}", file=sys.stderr)


def _progress(file: str) -> AbstractContextManager[Progress]:
    if file == PIPE and sys.stdout.isatty():
        return nullcontext(_say_nothing)  # the records themselves are on the screen
    return copy_progress("Exporting" if file == PIPE else f"Exporting to {file}")


def _say_nothing(_counts: Counter[str]) -> None:
    pass


def _counted(batches: Iterable[RecordBatch], copied: CopyCount, progress: Progress) -> Iterator[RecordBatch]:
    for batch in batches:
        yield batch
        copied.add(batch)
        progress(copied.counts)
