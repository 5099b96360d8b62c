"""Filesystems that fsspec knows: http, ftp, gs and many more."""

from __future__ import annotations

import errno
import os
import re
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING, Any

from redun.file.filesystem import FileSystem

if TYPE_CHECKING:
    from collections.abc import Sequence

_WRITING = frozenset("wax")
_MAGIC = re.compile(r"[*?\[]")
_MARKS = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "content_md5",
    "checksum",
    "mtime",
    "LastModified",
    "last_modified",
    "modified",
    "modify",
    "updated",
)
"""What stores tell of a file that changes with its content, under the names that their fsspec packages use."""


class FsspecFileSystem(FileSystem):
    """A scheme that fsspec, or a package that extends it, knows.

    A file's state is its size with whatever else the store tells of its content or its time. From a store that tells
    the size only, a change that keeps the size goes unnoticed.
    """

    name = "fsspec"

    def __init__(self, proto: str) -> None:
        """Raises ImportError or ValueError if fsspec, or what it needs for this scheme, is missing."""
        import fsspec  # type: ignore[import-untyped]

        self.proto = proto
        self._class = fsspec.get_filesystem_class(proto)

    def _at(self, path: str) -> Any:
        """What serves a path: one object for all of them, unless the URL names a host or a user to connect as.

        fsspec keeps these objects, and makes one for each thread.
        """
        return self._class(**self._class._get_kwargs_from_urls(path))

    def _fresh(self, path: str) -> Any:
        """What to ask about files: without listings of earlier, which others may have made obsolete."""
        found = self._at(path)
        found.invalidate_cache()
        return found

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream; parent folders are made before writing."""
        found = self._at(path)
        if encoding is not None:
            options["encoding"] = encoding
        try:
            if not _WRITING.isdisjoint(mode):
                self._make_folders(path, found._parent(path))
            stream: IO[Any] = found.open(path, mode, **options)
        except NotImplementedError as error:
            raise OSError(errno.ENOTSUP, f"{self.proto} files cannot be opened in mode {mode!r}", path) from error
        return stream

    def _make_folders(self, path: str, folder: str) -> None:
        """Make the folder that a file will be in, and those above it."""
        self._at(path).makedirs(folder, exist_ok=True)

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory."""
        return bool(self._fresh(path).exists(path))

    def isfile(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(self._fresh(path).isfile(path))

    def isdir(self, path: str) -> bool:
        """Whether there is a directory."""
        return bool(self._fresh(path).isdir(path))

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        return int(self._fresh(path).size(path))

    def state(self, path: str) -> tuple[str, ...]:
        """The size and what else tells contents apart; -1 where nothing is."""
        self._fresh(path)
        return self._known_state(path)

    def states(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """The states of files, as the listing told them if the store's package keeps it."""
        return [self._known_state(path) for path in paths]

    def _known_state(self, path: str) -> tuple[str, ...]:
        return self._state_from(self._at(path), path)

    def _state_from(self, found: Any, path: str) -> tuple[str, ...]:
        try:
            info = found.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return ("-1",)
        marks = [f"{name} {info[name]}" for name in _MARKS if info.get(name) is not None]
        # Some stores replace a file by a new one. Elsewhere this time is not that of the content.
        if not marks and info.get("created") is not None:
            marks = [f"created {info['created']}"]
        return str(info.get("size")), *marks

    def remove(self, path: str) -> None:
        """Remove a file. Does nothing if there is none."""
        try:
            self._at(path).rm_file(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except NotImplementedError as error:
            raise OSError(errno.ENOTSUP, f"{self.proto} files cannot be removed", path) from error

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it, where the store has directories."""
        if self.isfile(path):
            raise _error(FileExistsError, errno.EEXIST, path)
        self._at(path).makedirs(path, exist_ok=True)

    def rmdir(self, path: str, *, recursive: bool) -> None:
        """Remove an empty directory; with `recursive`, also one that is not empty."""
        fresh = self._fresh(path)
        if not fresh.isdir(path):
            if fresh.exists(path):
                raise _error(NotADirectoryError, errno.ENOTDIR, path)
            raise _error(FileNotFoundError, errno.ENOENT, path)
        if recursive:
            fresh.rm(path, recursive=True)
        elif fresh.ls(path, detail=False):
            raise _error(OSError, errno.ENOTEMPTY, path)
        else:
            fresh.rmdir(path)

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted, each as the pattern begins."""
        scheme, separator, rest = pattern.partition("://")
        parts = rest.split("/")
        literal = next((number for number, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
        if literal == len(parts):
            return [pattern] if self.isfile(pattern) else []
        base = f"{scheme}{separator}{'/'.join(parts[:literal])}"
        return self._find(base, parts[literal:])

    def list_files(self, path: str) -> list[str]:
        """The paths of the files below a directory, sorted; hidden ones are left out."""
        return self._find(path, ["**"])

    def list_folders(self, path: str) -> list[str]:
        """The paths of the directories right in a directory, sorted; hidden ones are left out."""
        start = path if path.endswith("/") else f"{path}/"
        infos = self._fresh(path).ls(path, detail=True)
        names = {str(one["name"]).rstrip("/").rpartition("/")[2] for one in infos if one["type"] == "directory"}
        return sorted(f"{start}{name}" for name in names if name and not name.startswith("."))

    def _find(self, base: str, parts: list[str]) -> list[str]:
        """The files below a directory whose relative paths match the parts of a pattern.

        Not left to fsspec, whose patterns match hidden files, and whose paths are not those that the user would write.
        """
        above = str(self._class._strip_protocol(base)).rstrip("/")
        depth = None if "**" in parts else len(parts)
        start = base if base.endswith("/") else f"{base}/"
        found = []
        for path in self._fresh(base).find(base, maxdepth=depth):
            names = path.removeprefix(above).strip("/").split("/")
            if path.strip("/") != above.strip("/") and _matches(names, parts):
                found.append(start + "/".join(names))
        return sorted(found)


def _matches(names: list[str], parts: list[str]) -> bool:
    """Whether the parts of a path match those of a pattern. Only a dot at the start of a part matches a hidden name."""
    if not parts:
        return not names
    is_hidden = bool(names) and names[0].startswith(".")
    if parts[0] == "**":
        return _matches(names, parts[1:]) or (bool(names) and not is_hidden and _matches(names[1:], parts))
    if not names or (is_hidden and not parts[0].startswith(".")):
        return False
    return fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _error(kind: type[OSError], number: int, path: str) -> OSError:
    return kind(number, os.strerror(number), path)
