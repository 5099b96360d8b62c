"""Files as values: a path, and the state that the file was in."""

from __future__ import annotations

import os
import weakref
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeVar

from redun.file.credentials import path_without_password
from redun.file.errors import naming
from redun.file.filesystem import FileSystem, get_filesystem
from redun.file.shell_copy import shell_copy
from redun.hashing import hash_parts, new_hasher
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.file.staging import StagingFile

_WRITING = frozenset("wax+")
_F = TypeVar("_F", bound="File")


class File(Value):
    """A file: on this machine, or in the store that the scheme of its URL names.

    The hash of a local file is made of its path as it was given, its size and the time of its last change. It is
    worked out when it is first asked for and then kept: changes by others count after `update_hash`, those through
    `open`, `write` and `copy_to` at once. From the cache, a File is valid while its hash is still that of the file.
    """

    type_name: ClassVar[str] = "redun.File"
    _redun_has_path = True
    staging_class: ClassVar[type[StagingFile]]
    """What `stage` makes; each family of files has its own."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_without_password(path)
        self._hash: str | None = None
        self._writers: list[weakref.ref[IO[Any]]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.path}, hash={self.hash[:8]})"

    def __fspath__(self) -> str:
        return self.path

    @property
    def filesystem(self) -> FileSystem:
        """Where the file is. Raises UnknownSchemeError if there is no filesystem for its scheme."""
        return get_filesystem(self.path)

    # -- as a value ---------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "hash": self.hash}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._hash = state["hash"]
        self._writers = []

    @property
    def hash(self) -> str:
        """The hash of the file's state, as 40 hex digits."""
        if self._writers:
            # While a stream is open for writing the state is not final, so it is not kept.
            self._writers = [ref for ref in self._writers if (stream := ref()) is not None and not stream.closed]
            if self._writers:
                return self._compute_hash()
        if self._hash is None:
            self._hash = self._compute_hash()
        return self._hash

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002
        """The hash of the file's state, as 40 hex digits."""
        return self.hash

    def update_hash(self) -> None:
        """Look at the file again, after something else has changed it."""
        self._hash = self._compute_hash()

    def _compute_hash(self) -> str:
        with naming(self.path):
            state = self.filesystem.state(self.path)
        return self._hash_of_state(state)

    def _hash_of_state(self, state: tuple[str, ...]) -> str:
        return hash_text("redun.File", self.path, *state)

    def is_valid(self) -> bool:
        """Whether the file is still in the state that this value speaks of."""
        if self._hash is None:
            self.update_hash()
            return True
        return self._hash == self._compute_hash()

    # -- content ------------------------------------------------------------------------------------------------------

    def open(self, mode: str = "r", encoding: str | None = None, **options: Any) -> IO[Any]:
        """Open the file, as the built-in `open` does. Opening for writing makes the folders above it.

        options: what else the filesystem takes.

        Raises ValueError for an encoding in binary mode, RedunFileNotFoundError and its like for what cannot be opened.
        """
        if encoding is not None and "b" in mode:
            raise ValueError(f"{self.path!r}: an encoding ({encoding}) makes no sense in binary mode {mode!r}")
        with naming(self.path):
            stream = self.filesystem.open(self.path, mode, encoding, **options)
        if not _WRITING.isdisjoint(mode):
            self._hash = None
            self._writers.append(weakref.ref(stream))
        return stream

    def read(self, mode: str = "r", encoding: str | None = None) -> Any:
        """The whole content: text, or bytes in mode `rb`."""
        with naming(self.path), self.open(mode, encoding) as stream:
            return stream.read()

    def readlines(self, mode: str = "r", encoding: str | None = None) -> list[Any]:
        """The lines, each with its end."""
        with naming(self.path), self.open(mode, encoding) as stream:
            return stream.readlines()

    def write(self, data: str | bytes, mode: str = "w", encoding: str | None = None) -> None:
        """Replace the content (or, in mode `a`, add to it): text, or bytes in mode `wb`."""
        with naming(self.path), self.open(mode, encoding) as stream:
            stream.write(data)

    # -- the file as a whole ------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is a file or directory at the path."""
        with naming(self.path):
            return self.filesystem.exists(self.path)

    def isfile(self) -> bool:
        """Whether there is a file at the path."""
        with naming(self.path):
            return self.filesystem.isfile(self.path)

    def isdir(self) -> bool:
        """Whether there is a directory at the path."""
        with naming(self.path):
            return self.filesystem.isdir(self.path)

    def size(self) -> int:
        """How many bytes the file has. Raises RedunFileNotFoundError if there is none."""
        with naming(self.path):
            return self.filesystem.size(self.path)

    def remove(self) -> None:
        """Remove the file. Does nothing if there is none."""
        with naming(self.path):
            self.filesystem.remove(self.path)

    def touch(self) -> None:
        """Make an empty file, or set its time to now. The hash stays what it was until `update_hash`."""
        with naming(self.path):
            self.filesystem.touch(self.path)

    def copy_to(self, dest_file: _F, skip_if_exists: bool = False) -> _F:
        """Copy the content to another file, in any filesystem, and return that file.

        skip_if_exists: leave a file that is there as it is.
        """
        if not (skip_if_exists and dest_file.exists()):
            with naming(self.path, dest_file.path):
                self.filesystem.copy(self.path, dest_file.filesystem, dest_file.path)
            dest_file.update_hash()
        return dest_file

    def shell_copy_to(self, dest_path: str | None, as_mount: bool = False) -> str:
        """A shell command that copies the content to a path or URL; to stdout for None.

        as_mount: read files of a remote store where it is mounted, if its filesystem knows where that is.
        """
        return shell_copy(self.path, dest_path, as_mount=as_mount)

    def stage(self, local: str | None = None) -> StagingFile:
        """The file together with the local path at which a script shall find or leave it.

        local: by default the file's name in the working directory; with a slash at the end, the file's name below that
        directory.

        Raises ValueError where the file has no name to go by.
        """
        if not local or local.endswith("/"):
            if not self.basename():
                raise ValueError(f"{self.path!r} has no file name: say which local path it shall have")
            local = f"{local or ''}{self.basename()}"
        return self.staging_class(local, self)

    def basename(self) -> str:
        """The last part of the path."""
        return os.path.basename(self.path)  # noqa: PTH119 - of URLs as well

    def dirname(self) -> str:
        """The path without its last part."""
        return os.path.dirname(self.path)  # noqa: PTH120 - of URLs as well


class IFile(File):
    """A file that is written once: its hash is that of its path, and it is always valid."""

    type_name = "redun.IFile"

    def _compute_hash(self) -> str:
        return hash_text("redun.IFile", self.path)

    def is_valid(self) -> bool:
        """Always."""
        return True


class ContentFile(File):
    """A file whose hash is made of its content, not of its time: reading it costs what reading costs."""

    type_name = "redun.ContentFile"

    def _compute_hash(self) -> str:
        if not self.isfile():
            return hash_text("redun.ContentFile", self.path)
        hasher = new_hasher("content")
        with naming(self.path), self.filesystem.open(self.path, "rb") as stream:
            for block in _blocks(stream):
                hasher.update(block)
        return hash_text("redun.ContentFile", self.path, hasher.hexdigest())


def hash_listed(files: Sequence[File], filesystem: FileSystem) -> None:
    """Work out the hashes of files that the filesystem has just listed, for all of them at once."""
    by_state = [file for file in files if type(file) is File]
    for file, state in zip(by_state, filesystem.states([file.path for file in by_state]), strict=True):
        file._hash = file._hash_of_state(state)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(1 << 20):
        yield block


def hash_text(*parts: str) -> str:
    """The hash of a file's description, as 40 hex digits. Paths may have bytes that are no text."""
    return hash_parts("file", [part.encode("utf-8", "surrogatepass") for part in parts]).hex()
