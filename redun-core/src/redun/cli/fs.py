"""`redun fs`: which filesystems there are, what is in them, and copying files between them."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from redun.cli.file_errors import files_reported
from redun.cli.fs_list import ls
from redun.errors import RedunError, UsageError

if TYPE_CHECKING:
    from redun.file import Dir, File

PIPE = "-"
_BLOCK = 1 << 20


@click.group(invoke_without_command=True)
@click.pass_context
def fs(ctx: click.Context) -> None:
    """List the supported filesystems or what is in them, or copy files across them."""
    from redun.plugins.connect import connect_filesystems

    connect_filesystems()
    if ctx.invoked_subcommand is None:
        click.echo("Supported filesystems:")
        for line in _filesystems():
            click.echo(f"  {line}")


fs.add_command(ls)


@fs.command()
@click.argument("source")
@click.argument("target")
@click.option("-r", "--recursive", is_flag=True, help="Copy what is below a directory to below TARGET.")
def cp(source: str, target: str, recursive: bool) -> None:
    """Copy a file from SOURCE to TARGET, paths or URLs of any filesystem.

    `-` is stdin or stdout. A TARGET that ends with a slash is a directory, where the file keeps its name. Of a
    directory hidden files are left out.
    """
    if recursive and PIPE in (source, target):
        raise UsageError("a directory cannot be copied through a pipe: give two paths, or leave out --recursive")
    if source == PIPE and target.endswith("/"):
        raise UsageError(f"{target!r} is a directory, and what comes from stdin has no name: add one")
    with files_reported():
        if recursive:
            _copy_directory(source, target)
        else:
            _copy_file(source, target)


def _copy_file(source: str, target: str) -> None:
    from redun.file import File

    if source != PIPE and File(source).isdir():
        raise UsageError(f"{source!r} is a directory: copy it with --recursive")
    if source == PIPE and target == PIPE:
        shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer, _BLOCK)
    elif source == PIPE:
        with File(target).open("wb") as sink:
            shutil.copyfileobj(sys.stdin.buffer, sink, _BLOCK)
    elif target == PIPE:
        _print_file(File(source))
    else:
        name = File(source).basename() if target.endswith("/") else ""
        File(source).copy_to(File(f"{target}{name}"))


def _print_file(file: File) -> None:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sys.stdout.buffer.write(block)


def _copy_directory(source: str, target: str) -> None:
    from redun.file import Dir

    directory, copy = Dir(source), Dir(target)
    if not directory.exists() and not directory.files():
        raise RedunError(f"there is no directory {source!r}")
    _refuse_overlap(directory, copy)
    # An empty directory has a copy as well.
    copy.mkdir()
    directory.copy_to(copy)


def _refuse_overlap(source: Dir, target: Dir) -> None:
    if f"{target.path}/".startswith(f"{source.path}/") and target.path != source.path:
        raise UsageError(f"{source.path!r} cannot be copied into itself, to {target.path!r}")


def _filesystems() -> list[str]:
    """The schemes that files may have, with what is missing for some of them."""
    from redun.file import UnknownSchemeError, get_filesystem, list_filesystems
    from redun.plugins import get_plugins

    lines = dict.fromkeys(get_plugins().filesystems(), "")
    for cls in list_filesystems():
        try:
            get_filesystem("." if cls.name == "local" else f"{cls.name}://")
        except UnknownSchemeError as error:
            lines.setdefault(cls.name, f" (not installed: {error.__cause__})")
        else:
            lines[cls.name] = ""
    return [*(f"{name}{lines[name]}" for name in sorted(lines)), "and whatever the installed fsspec packages serve"]
