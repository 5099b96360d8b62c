"""Large values as files of their own, beside the database or in an object store.

A file holds four bytes that say what it is, a hash over the rest and the value's own hash, and the value's bytes. So it
is known by itself whether it is whole and whose it is, and any writer may replace it by another of the same value.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import uuid
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from redun.errors import BackendError, ConfigError
from redun.file.filesystem import get_filesystem, get_proto

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from redun.backends.records import ValueRecord
    from redun.file.filesystem import FileSystem

logger = logging.getLogger("redun.backend")

MAGIC = b"RVS1"
HEADER_SIZE = len(MAGIC) + 20
MOST_REMEMBERED = 100_000

_FILE = re.compile(r"[0-9a-f]{2}/(?:([0-9a-f]{38})|\.[0-9a-f]{38}\.([0-9a-f]{32}))")


class StoredFile(NamedTuple):
    """A file of a store."""

    value_hash: bytes | None
    """None for what a writer has left behind."""
    path: Path
    size: int
    time: float
    """When it was written."""


class ValueStore:
    """Files named `<path>/<first two hex digits of the value's hash>/<the others>`. Any number of users at once.

    A file is whole, and on the disk, before a row refers to it. What is missing or damaged counts as not there.
    """

    def __init__(self, path: str, min_size: int) -> None:
        """Describe a store; its folders are made when they are needed.

        path: a folder, or a URL of any filesystem.
        min_size: bytes from which a value belongs here.
        """
        self.path = path.rstrip("/")
        self.min_size = min_size
        self._is_local = get_proto(path) in ("local", "file")
        self._filesystem: FileSystem | None = None
        self._is_prepared = False
        self._written: set[bytes] = set()
        self._damaged: set[bytes] = set()
        self._fresh: set[bytes] = set()

    def prepare(self) -> None:
        """Make sure, once, that values can be kept here: the scheme is known, and a folder can be made and written.

        Raises `ConfigError` where they cannot be.
        """
        if self._is_prepared:
            return
        try:
            self._files(self.path)
            if self._is_local:
                folder = Path(self.path.removeprefix("file://"))
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"[backend] value_store_path: large values cannot be kept in {self.path}: {reason}"
            ) from error
        self._is_prepared = True

    def takes(self, data: bytes) -> bool:
        """Whether these bytes belong here."""
        return len(data) >= self.min_size

    def put(self, values: Iterable[ValueRecord]) -> None:
        """Write those of the values that belong here and are not there yet.

        Raises `BackendError` when one cannot be written.
        """
        for value in values:
            if self.takes(value.data) and value.hash not in self._written:
                try:
                    self._put(value.hash, value.data)
                except OSError as error:
                    raise BackendError(f"the value store {self.path} cannot be written: {error}") from error
                if len(self._written) > MOST_REMEMBERED:
                    self._written.clear()
                self._written.add(value.hash)

    def require(self, value: ValueRecord) -> None:
        """Make sure that the file of a value is still there, now that nobody else writes to the repository.

        What `put` has found there may have been removed as garbage since.
        """
        if value.hash in self._fresh:
            return
        self._written.discard(value.hash)
        self.put([value])

    def forget(self) -> None:
        """Look again which files there are: some may have been removed."""
        self._written.clear()
        self._fresh.clear()

    def size(self, value_hash: bytes) -> int:
        """How many bytes a value has, as its file tells; 0 where that is missing."""
        place = self.place(value_hash)
        try:
            return max(0, self._files(place).size(place) - HEADER_SIZE)
        except OSError:
            return 0

    def get(self, value_hash: bytes) -> bytes | None:
        """The bytes of a value; None, with a warning, where they are missing or damaged."""
        found = self.look_at(value_hash)
        if isinstance(found, bytes):
            return found
        # When the value is computed again it is also written again.
        self._damaged.add(value_hash)
        self._written.discard(value_hash)
        self._fresh.discard(value_hash)
        logger.warning("%s: its value counts as not cached.", found)
        return None

    def look_at(self, value_hash: bytes) -> bytes | str:
        """The bytes of a value, or what is wrong with its file."""
        place = self.place(value_hash)
        name = f"The file {place} of the value store"
        try:
            with self._files(place).open(place, "rb") as file:
                content: bytes = file.read()
        except OSError as error:
            return f"{name} cannot be read ({error.strerror or error})"
        data = content[HEADER_SIZE:]
        return data if content[:HEADER_SIZE] == _header(value_hash, data) else f"{name} is damaged"

    def remove(self, value_hash: bytes) -> None:
        """Remove the file of a value, if it is there. Raises `BackendError` when it cannot be removed."""
        place = self.place(value_hash)
        self._written.discard(value_hash)
        self._fresh.discard(value_hash)
        try:
            if self._files(place).exists(place):
                self._files(place).remove(place)
            if self._is_local:
                with suppress(OSError):  # others are in it
                    Path(place.removeprefix("file://")).parent.rmdir()
        except OSError as error:
            raise BackendError(f"the value store {self.path}: {place} cannot be removed: {error}") from error

    def files(self) -> Iterator[StoredFile]:
        """The files of a store on this machine, with those of writers that were killed. Elsewhere none are told."""
        if not self._is_local:
            return
        for file in Path(self.path.removeprefix("file://")).glob("*/*"):
            found = _FILE.fullmatch(f"{file.parent.name}/{file.name}")
            try:
                status = file.stat()
            except OSError:
                continue  # gone, or somebody else's
            if found is not None:
                value_hash = None if found[2] else bytes.fromhex(f"{file.parent.name}{found[1]}")
                yield StoredFile(value_hash, file, status.st_size, status.st_mtime)

    def place(self, value_hash: bytes) -> str:
        """The path of a value's file."""
        name = value_hash.hex()
        return f"{self.path}/{name[:2]}/{name[2:]}"

    def _put(self, value_hash: bytes, data: bytes) -> None:
        place = self.place(value_hash)
        files = self._files(place)
        if value_hash not in self._damaged and files.exists(place):
            return
        if self._is_local:
            _write_durably(Path(place.removeprefix("file://")), _header(value_hash, data), data)
        else:
            # Object stores show a file when it is whole; elsewhere its header tells whether it is.
            with files.open(place, "wb") as file:
                file.write(_header(value_hash, data))
                file.write(data)
        self._damaged.discard(value_hash)
        if len(self._fresh) > MOST_REMEMBERED:
            self._fresh.clear()
        self._fresh.add(value_hash)

    def _files(self, place: str) -> FileSystem:
        if self._filesystem is None:
            self._filesystem = get_filesystem(place)
        return self._filesystem


def _header(value_hash: bytes, data: bytes) -> bytes:
    return MAGIC + blake2b(data, digest_size=20, key=value_hash).digest()


def _write_durably(place: Path, *parts: bytes) -> None:
    """Write a file of this machine: it is there whole and on the disk, or not at all."""
    temporary = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    try:
        with _opened(temporary) as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name of the file, too
    finally:
        os.close(folder)


def _opened(file: Path) -> BinaryIO:
    """A new file, with its folder, which a collection of garbage removes where it is empty: perhaps at this moment."""
    for _ in range(10):
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return file.open("wb")
    return file.open("wb")
