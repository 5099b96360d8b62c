"""Filesystems that fsspec knows: http, ftp, gs and many more."""

from __future__ import annotations

from typing import IO, Any

from redun.file.filesystem import FileSystem

_WRITING = frozenset("wax")


class FsspecFileSystem(FileSystem):
    """A scheme that fsspec, or a package that extends it, knows.

    A file's state is its size: the one thing that every such store tells. So a change that keeps the size goes
    unnoticed.
    """

    name = "fsspec"

    def __init__(self, proto: str) -> None:
        """Raises ImportError or ValueError if fsspec, or what it needs for this scheme, is missing."""
        import fsspec  # type: ignore[import-untyped]

        self.proto = proto
        self._fs = fsspec.filesystem(proto)

    def _strip(self, path: str) -> str:
        return str(self._fs._strip_protocol(path))

    def _full(self, path: str) -> str:
        return str(self._fs.unstrip_protocol(path))

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream; parent folders are made before writing."""
        if not _WRITING.isdisjoint(mode):
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)
        if encoding is not None:
            options["encoding"] = encoding
        stream: IO[Any] = self._fs.open(path, mode, **options)
        return stream

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory."""
        return bool(self._fs.exists(path))

    def isfile(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(self._fs.isfile(path))

    def isdir(self, path: str) -> bool:
        """Whether there is a directory."""
        return bool(self._fs.isdir(path))

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        return int(self._fs.size(path))

    def state(self, path: str) -> tuple[str, ...]:
        """The size; -1 where nothing is."""
        try:
            return (str(self._fs.size(path)),)
        except FileNotFoundError:
            return ("-1",)

    def remove(self, path: str) -> None:
        """Remove a file. Does nothing if there is none."""
        try:
            self._fs.rm_file(path)
        except FileNotFoundError:
            return

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it, where the store has directories."""
        self._fs.makedirs(path, exist_ok=True)

    def rmdir(self, path: str, *, recursive: bool) -> None:
        """Remove an empty directory; with `recursive`, also one that is not empty."""
        if recursive:
            self._fs.rm(path, recursive=True)
        else:
            self._fs.rmdir(path)

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted."""
        found = self._fs.glob(pattern, detail=True)
        return sorted(self._full(path) for path, info in found.items() if info["type"] == "file")

    def list_files(self, path: str) -> list[str]:
        """The paths of the files below a directory, sorted."""
        return sorted(self._full(found) for found in self._fs.find(path))
