"""Filesystems, by the scheme of a file's URL."""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeVar

from redun.file.errors import UnknownSchemeError
from redun.filesystem_finders import filesystem_finders

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_C = TypeVar("_C", bound="type[FileSystem]")


class FileSystem(ABC):
    """Where files are. Subclass it, set `name` to a URL scheme and decorate it with `register_filesystem`.

    Every path that a method receives is the one that the user gave, scheme included. One instance serves a scheme,
    from any thread. What cannot be done raises an OSError.
    """

    name: ClassVar[str]
    """The scheme: `s3` for `s3://bucket/key`."""

    @abstractmethod
    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream, as the built-in `open` gives. Makes parent folders when opening for writing."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether there is a file or directory."""

    @abstractmethod
    def isfile(self, path: str) -> bool:
        """Whether there is a file."""

    @abstractmethod
    def isdir(self, path: str) -> bool:
        """Whether there is a directory."""

    @abstractmethod
    def size(self, path: str) -> int:
        """How many bytes a file has."""

    @abstractmethod
    def state(self, path: str) -> tuple[str, ...]:
        """What tells the file's present content from any other, without reading it. Missing files have a state too."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file. Does nothing if there is none."""

    @abstractmethod
    def mkdir(self, path: str) -> None:
        """Make a directory and those above it. Does nothing if there is one."""

    @abstractmethod
    def rmdir(self, path: str, *, recursive: bool) -> None:
        """Remove an empty directory; with `recursive`, also one that is not empty. Nothing else is removed."""

    @abstractmethod
    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted and in the form of the pattern: `b/*` gives `b/x`.

        `*`, `?`, `[ab]` and `[!ab]` match within one name, `**` any number of directories. A name that starts with a
        dot matches only where the pattern has a dot there.
        """

    @abstractmethod
    def list_files(self, path: str) -> list[str]:
        """The paths of the files below a directory, sorted, each beginning with the path that was given.

        Files whose name, or a directory on the way to them, starts with a dot are left out. Where no directory is there
        are no files.
        """

    def list_folders(self, path: str) -> list[str]:
        """The paths of the directories right in a directory, sorted, each beginning with the path that was given.

        Hidden ones are left out. Asked of directories only. Not abstract: whoever cannot list a single directory still
        knows those that hold files.
        """
        start = path if path.endswith("/") else f"{path}/"
        below = (found.removeprefix(start).partition("/") for found in self.list_files(path))
        return sorted({f"{start}{name}" for name, slash, _ in below if slash})

    def states(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """The states of files that were listed a moment ago. A filesystem that still knows them need not ask again."""
        return [self.state(path) for path in paths]

    def shell_copy(self, source: str, target: str, recursive: bool, as_mount: bool) -> str | None:  # noqa: ARG002
        """A shell command that copies with a tool of its own; None if `redun fs cp` has to do it.

        source, target: a path of this filesystem, and another one or `-` for a pipe. Between two local paths it is not
        asked.
        recursive: the content of a directory; never with a pipe. as_mount: use what is mounted, if the store can be.
        """
        return None

    def touch(self, path: str) -> None:
        """Make an empty file if there is none; else set its time to now where that is possible."""
        with self.open(path, "ab"):
            pass

    def receive(self, source: FileSystem, path: str, target_path: str) -> bool:  # noqa: ARG002
        """Copy a file of another filesystem in a way of one's own. False, without having done anything, without one."""
        return False

    def copy(self, path: str, target: FileSystem, target_path: str) -> None:
        """Copy a file within this filesystem or to another one. A copy onto itself leaves it as it is."""
        if target is not self and target.receive(self, path, target_path):
            return
        with self.open(path, "rb") as source:
            if target is self and target_path == path:
                return
            with target.open(target_path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


_classes: dict[str, type[FileSystem]] = {}
_fallbacks: dict[str, type[FileSystem]] = {}
_instances: dict[str, FileSystem] = {}
_PACKAGES = {"s3": "redun-aws"}
"""Which of our own packages serves a scheme."""


def register_filesystem(cls: _C) -> _C:
    """Class decorator: files whose URL has the scheme `cls.name` are in this filesystem."""
    _classes[cls.name] = cls
    _instances.pop(cls.name, None)
    return cls


def register_fallback(cls: _C) -> _C:
    """Class decorator, for redun's own: what serves a scheme if neither a user nor a plugin brings something better."""
    _fallbacks[cls.name] = cls
    return cls


def get_proto(path: str) -> str:
    """The scheme of a path: `s3` for `s3://bucket/key`, `local` for one without a scheme."""
    match = _SCHEME.match(path)
    if match is None or match[1] == "file":
        return "local"
    return match[1].lower()


def list_filesystems() -> list[type[FileSystem]]:
    """The classes that are registered, and redun's own."""
    return list({**_fallbacks, **_classes}.values())


def get_filesystem_class(proto: str) -> type[FileSystem] | None:
    """The class for a scheme: one that is registered, or redun's own. None where there is none."""
    return _classes.get(proto) or _fallbacks.get(proto)


def get_filesystem(path: str) -> FileSystem:
    """The filesystem that a path is in.

    Raises UnknownSchemeError if there is none for its scheme.
    """
    proto = get_proto(path)
    found = _instances.get(proto)
    if found is None:
        found = _instances[proto] = _make_filesystem(proto, path)
    return found


def _make_filesystem(proto: str, path: str) -> FileSystem:
    cls = _classes.get(proto)
    if cls is not None:
        return cls()
    for find in filesystem_finders:
        found = find(proto)
        if found is not None:
            return found
    from redun.file.remote import FsspecFileSystem

    known = ", ".join(sorted({**_fallbacks, **_classes}))
    plugin = _PACKAGES.get(proto)
    install = f"pip install {plugin}" if plugin else "install the plugin or the fsspec package for this scheme"
    try:
        return _fallbacks[proto]() if proto in _fallbacks else FsspecFileSystem(proto)
    except (ImportError, ValueError) as error:
        raise UnknownSchemeError(
            f"{path!r}: no filesystem for the scheme {proto!r} ({error}). Known: {known}; {install}, or register a "
            f"FileSystem"
        ) from error
