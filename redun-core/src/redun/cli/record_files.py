"""The files of `redun export` and `redun import`: local or a URL, compressed or not, or a pipe."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from redun.errors import RedunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.exchange import ReadBatch

PIPE = "-"


@contextmanager
def open_for_writing(name: str) -> Iterator[IO[bytes]]:
    """A stream to write records to. Raises `RedunError` when the file cannot be written."""
    if name == PIPE:
        yield sys.stdout.buffer
        return
    with _reported(name, "written"), _open(name, "wb") as stream:
        if name.endswith(".gz"):
            with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as compressed:
                yield cast("IO[bytes]", compressed)
        else:
            yield stream


@contextmanager
def read_records(name: str, shown: str) -> Iterator[Iterator[ReadBatch]]:
    """The batches in a file; see `redun.backends.exchange.read_lines`. Raises `RedunError` when it cannot be read.

    shown: what messages call the file.
    """
    from redun.backends.exchange import read_lines

    if name == PIPE:
        if sys.stdin.isatty():
            raise UsageError("what should be imported? Name a file with -f, or give it on standard input")
        yield read_lines(sys.stdin.buffer, shown)
        return
    with _reported(name, "read"), _open(name, "rb") as stream:
        lines = _decompressed(stream) if name.endswith(".gz") else stream
        yield read_lines(lines, shown)


def _decompressed(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a compressed file, up to where it was cut off."""
    with gzip.GzipFile(fileobj=stream) as lines:
        while True:
            try:
                line = lines.readline()
            except EOFError:
                return  # `read_lines` says which line is the last one
            except (gzip.BadGzipFile, zlib.error) as error:
                raise RedunError(f"this is no whole gzip file: {error}") from None
            if not line:
                return
            yield line


def _open(name: str, mode: str) -> Any:
    from redun.file import File
    from redun.plugins.connect import connect_filesystems

    if "://" in name:
        connect_filesystems()
    return File(name).open(mode)


@contextmanager
def _reported(name: str, verb: str) -> Iterator[None]:
    """Let errors of the file be errors of this command."""
    try:
        yield
    except OSError as error:  # those of our own among them
        raise RedunError(f"{name} cannot be {verb}: {error.strerror or error}") from error
