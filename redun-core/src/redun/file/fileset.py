"""Sets of files as values: those that match a pattern, and those below a directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from redun.file.credentials import path_without_password
from redun.file.errors import naming
from redun.file.file import ContentFile, File, IFile, hash_listed, hash_text
from redun.file.filesystem import FileSystem, get_filesystem
from redun.file.shell_copy import shell_copy
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.file.staging import StagingDir

_D = TypeVar("_D", bound="Dir")


class FileSet(Value):
    """The files that match a pattern; `**` matches any number of directories.

    Its hash is made of the pattern and the hashes of the files, so it changes when a file comes, goes or changes.
    """

    type_name: ClassVar[str] = "redun.FileSet"
    file_class: ClassVar[type[File]] = File

    def __init__(self, pattern: str | os.PathLike[str]) -> None:
        self.pattern = path_without_password(pattern)
        self._hash: str | None = None
        self._hashed_files: list[File] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(pattern={self.pattern}, hash={self.hash})"

    def __iter__(self) -> Iterator[File]:
        return iter(self.files())

    @property
    def filesystem(self) -> FileSystem:
        """Where the files are. Raises UnknownSchemeError if there is no filesystem for the scheme."""
        return get_filesystem(self.pattern)

    def files(self) -> list[File]:
        """The files that match now, by path."""
        with naming(self.pattern):
            return [self.file_class(path) for path in self.filesystem.glob(self.pattern)]

    # -- as a value ---------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"pattern": self.pattern, "hash": self.hash}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.pattern = state["pattern"]
        self._hash = state["hash"]
        self._hashed_files = None

    @property
    def hash(self) -> str:
        """The hash of the pattern and the files, as 40 hex digits."""
        if self._hash is None:
            self.update_hash()
            assert self._hash is not None
        return self._hash

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002
        """The hash of the pattern and the files, as 40 hex digits."""
        return self.hash

    def update_hash(self) -> None:
        """Look at the files again."""
        files = self._files_to_hash()
        self._hash = self._hash_of(files)
        self._hashed_files = files

    def _files_to_hash(self) -> list[File]:
        files = self.files()
        with naming(self.pattern):
            hash_listed(files, self.filesystem)
        return files

    def _hash_of(self, files: list[File]) -> str:
        return hash_text(self.type_name, self.pattern, *sorted(file.hash for file in files))

    def is_valid(self) -> bool:
        """Whether the files are still the same, in the same state."""
        if self._hash is None:
            self.update_hash()
            return True
        return self._hash == self._hash_of(self._files_to_hash())

    def iter_subvalues(self) -> Iterator[Value]:
        """The files that the hash was made of."""
        if self._hashed_files is None:
            self._hashed_files = self._files_to_hash()
        return iter(self._hashed_files)


class Dir(FileSet):
    """A directory with all the files below it.

    Hidden files do not count: they are neither in the hash nor in `files` nor in a copy. Only a script that is given a
    directory of its own machine sees them.
    """

    type_name = "redun.Dir"
    _redun_has_path = True
    staging_class: ClassVar[type[StagingDir]]
    """What `stage` makes; each family of directories has its own."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = _strip_slash(path_without_password(path))
        super().__init__(f"{self.path}/**")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.path}, hash={self.hash[:8]})"

    def __fspath__(self) -> str:
        return self.path

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "hash": self.hash}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        super().__setstate__({"pattern": f"{self.path}/**", "hash": state["hash"]})

    def files(self) -> list[File]:
        """The files below the directory, by path."""
        with naming(self.path):
            return [self.file_class(path) for path in self.filesystem.list_files(self.path)]

    def _hash_of(self, files: list[File]) -> str:
        return hash_text(self.type_name, self.path, *sorted(file.hash for file in files))

    # -- the directory as a whole -------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """Whether there is such a directory."""
        with naming(self.path):
            return self.filesystem.exists(self.path)

    def mkdir(self) -> None:
        """Make the directory and those above it. Does nothing if there is one."""
        with naming(self.path):
            self.filesystem.mkdir(self.path)

    def rmdir(self, recursive: bool = False) -> None:
        """Remove the directory: an empty one, or with `recursive` any."""
        with naming(self.path):
            self.filesystem.rmdir(self.path, recursive=recursive)

    def file(self, rel_path: str) -> File:
        """The file at a path relative to the directory."""
        return self.file_class(f"{self.path.rstrip('/')}/{rel_path}")

    def rel_path(self, path: str) -> str:
        """The path of a file below the directory, relative to it. Raises ValueError for a path outside of it."""
        prefix = f"{self.path.rstrip('/')}/"
        if not path.startswith(prefix):
            raise ValueError(f"{path!r} is not below the directory {self.path!r}")
        return path[len(prefix) :]

    def copy_to(self, dest_dir: _D, skip_if_exists: bool = False) -> _D:
        """Copy all files to the same relative paths below another directory, and return that directory.

        skip_if_exists: leave files that are there as they are.
        """
        for file in self.files():
            file.copy_to(dest_dir.file(self.rel_path(file.path)), skip_if_exists)
        dest_dir.update_hash()
        return dest_dir

    def shell_copy_to(self, dest_path: str, as_mount: bool = False) -> str:
        """A shell command that copies what is below the directory to below another one."""
        return shell_copy(self.path, dest_path, recursive=True, as_mount=as_mount)

    def stage(self, local: str | None = None) -> StagingDir:
        """The directory together with the local path at which a script shall find or leave it.

        local: by default the directory's name in the working directory.
        """
        if not local:
            local = os.path.basename(self.path)  # noqa: PTH119 - of URLs as well
            if not local:
                raise ValueError(f"{self.path!r} has no name: say which local path it shall have")
        return self.staging_class(local, self)


def _strip_slash(path: str) -> str:
    stripped = path.rstrip("/")
    return path if not stripped or stripped.endswith(":") else stripped


class IFileSet(FileSet):
    """Files that are written once: the hash is that of the pattern, and the set is always valid."""

    type_name = "redun.IFileSet"
    file_class = IFile

    def _files_to_hash(self) -> list[File]:
        return []

    def is_valid(self) -> bool:
        """Always."""
        return True

    def iter_subvalues(self) -> Iterator[Value]:
        """None: the files do not count."""
        return iter(())


class IDir(Dir):
    """A directory that is written once: its hash is that of its path, and it is always valid."""

    type_name = "redun.IDir"
    file_class = IFile

    def _files_to_hash(self) -> list[File]:
        return []

    def is_valid(self) -> bool:
        """Always."""
        return True

    def iter_subvalues(self) -> Iterator[Value]:
        """None: the files do not count."""
        return iter(())


class ContentFileSet(FileSet):
    """Files by their content, not by their times."""

    type_name = "redun.ContentFileSet"
    file_class = ContentFile


class ContentDir(Dir):
    """A directory by the content of the files below it, not by their times."""

    type_name = "redun.ContentDir"
    file_class = ContentFile
