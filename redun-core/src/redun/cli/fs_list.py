"""`redun fs ls`: what is in a directory of any filesystem."""

from __future__ import annotations

import glob
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from redun.cli.file_errors import files_reported
from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.file import FileSystem

FILE, DIRECTORY = "file", "directory"


class Entry(NamedTuple):
    """A line of the list."""

    path: str
    kind: str


@click.command()
@click.argument("url")
@click.option("-l", "--long", "wants_more", is_flag=True, help="Show sizes in bytes, and hashes as `redun log` does.")
@click.option("-r", "--recursive", is_flag=True, help="List all files below, instead of what is right in it.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list for programs.")
def ls(url: str, wants_more: bool, recursive: bool, as_json: bool) -> None:
    """List the files and directories in URL, a path or URL of any filesystem; of a file, itself.

    Hidden files are left out. A directory ends with a slash.
    """
    with files_reported():
        rows = _rows(url, recursive, wants_more)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for line in _lines(rows, wants_more):
            click.echo(line)


def _rows(url: str, recursive: bool, wants_more: bool) -> list[dict[str, Any]]:
    from redun.file import get_filesystem
    from redun.file.errors import naming

    with naming(url):
        filesystem = get_filesystem(url)
        entries = _entries(filesystem, url, recursive)
        rows: list[dict[str, Any]] = [{"path": entry.path, "type": entry.kind} for entry in entries]
        if wants_more:
            _add_sizes(filesystem, [row for row in rows if row["type"] == FILE])
    return rows


def _entries(filesystem: FileSystem, url: str, recursive: bool) -> list[Entry]:
    if filesystem.isfile(url):
        return [Entry(url, FILE)]
    if not filesystem.isdir(url):
        raise RedunError(f"there is no file or directory {url!r}")
    if recursive:
        return [Entry(path, FILE) for path in filesystem.list_files(url)]
    start = glob.escape(url if url.endswith("/") else f"{url}/")
    entries = [Entry(path, FILE) for path in filesystem.glob(f"{start}*")]
    entries += [Entry(f"{path}/", DIRECTORY) for path in filesystem.list_folders(url)]
    return sorted(entries)


def _add_sizes(filesystem: FileSystem, rows: Sequence[dict[str, Any]]) -> None:
    from redun.file import File
    from redun.file.file import hash_listed

    files = [File(row["path"]) for row in rows]
    hash_listed(files, filesystem)
    for row, file in zip(rows, files, strict=True):
        row["size"] = filesystem.size(file.path)
        row["hash"] = file.hash


def _lines(rows: Sequence[dict[str, Any]], wants_more: bool) -> list[str]:
    if not wants_more:
        return [row["path"] for row in rows]
    sizes = [f"{row['size']:,}" if "size" in row else "-" for row in rows]
    width = max(map(len, sizes), default=0)
    return [
        f"{size:>{width}}  {row.get('hash', '-')[:8]:8}  {row['path']}" for size, row in zip(sizes, rows, strict=True)
    ]
