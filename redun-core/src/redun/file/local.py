"""The filesystem of this machine."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from pathlib import Path
from typing import IO, Any

from redun.file.filesystem import FileSystem, register_filesystem

_WRITING = frozenset("wax+")
_MISSING = ("-1", "-1")


def _local(path: str) -> str:
    return path.removeprefix("file://")


@register_filesystem
class LocalFileSystem(FileSystem):
    """Files of this machine: paths without a scheme, or with `file://`."""

    name = "local"

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """The built-in `open`, after making the parent folders for a file that will be written."""
        local = Path(_local(path))
        if not _WRITING.isdisjoint(mode) and "r" not in mode:
            local.parent.mkdir(parents=True, exist_ok=True)
        return local.open(mode, encoding=encoding, **options)

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory."""
        return Path(_local(path)).exists()

    def isfile(self, path: str) -> bool:
        """Whether there is a file."""
        return Path(_local(path)).is_file()

    def isdir(self, path: str) -> bool:
        """Whether there is a directory."""
        return Path(_local(path)).is_dir()

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        return Path(_local(path)).stat().st_size

    def state(self, path: str) -> tuple[str, ...]:
        """Size and time of the last change, in nanoseconds; -1 and -1 where nothing is."""
        try:
            stat = os.stat(_local(path))  # noqa: PTH116 - half the cost of Path.stat
        except (FileNotFoundError, NotADirectoryError):
            return _MISSING
        return str(stat.st_size), str(stat.st_mtime_ns)

    def remove(self, path: str) -> None:
        """Remove a file. Does nothing if there is none."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            Path(_local(path)).unlink()

    def mkdir(self, path: str) -> None:
        """Make a directory and those above it. Does nothing if there is one."""
        Path(_local(path)).mkdir(parents=True, exist_ok=True)

    def rmdir(self, path: str, *, recursive: bool) -> None:
        """Remove an empty directory; with `recursive`, also one that is not empty."""
        if recursive:
            shutil.rmtree(_local(path))
        else:
            Path(_local(path)).rmdir()

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted. Hidden files match only a pattern that starts with a dot there."""
        paths = glob.glob(_local(pattern), recursive=True)  # noqa: PTH207 - keeps the paths as they were given
        prefix = "file://" if pattern.startswith("file://") else ""
        return sorted(prefix + path for path in paths if os.path.isfile(path))  # noqa: PTH113 - as above

    def list_files(self, path: str) -> list[str]:
        """The paths of the files below a directory, sorted; hidden ones are left out, as by `glob`."""
        prefix = "file://" if path.startswith("file://") else ""
        return self.glob(f"{prefix}{glob.escape(_local(path))}/**")

    def list_folders(self, path: str) -> list[str]:
        """The paths of the directories right in a directory, sorted; hidden ones are left out."""
        start = path if path.endswith("/") else f"{path}/"
        with os.scandir(_local(path)) as entries:
            return sorted(f"{start}{one.name}" for one in entries if one.is_dir() and not one.name.startswith("."))

    def touch(self, path: str) -> None:
        """Make an empty file, with the folders above it, or set its time to now."""
        local = Path(_local(path))
        local.parent.mkdir(parents=True, exist_ok=True)
        local.touch()

    def shell_copy(self, source: str, target: str, recursive: bool, as_mount: bool) -> str | None:  # noqa: ARG002
        """`cat`, from or to a pipe."""
        from redun.file.shell_copy import PIPE, quote_path

        if target == PIPE:
            return f"cat {quote_path(source)}"
        return f"cat > {quote_path(target)}" if source == PIPE else None

    def copy(self, path: str, target: FileSystem, target_path: str) -> None:
        """Copy a file; between local files in the fastest way of the operating system."""
        if not isinstance(target, LocalFileSystem):
            super().copy(path, target, target_path)
            return
        local = Path(_local(target_path))
        local.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(shutil.SameFileError):
            shutil.copyfile(_local(path), local)
