"""Files, directories and sets of files as values, on this machine or in a remote store."""

from __future__ import annotations

from typing import IO, Any

from redun.file.errors import (
    RedunFileExistsError,
    RedunFileNotFoundError,
    RedunOSError,
    RedunPermissionError,
    UnknownSchemeError,
)
from redun.file.file import ContentFile, File, IFile
from redun.file.fileset import ContentDir, ContentFileSet, Dir, FileSet, IDir, IFileSet
from redun.file.filesystem import (
    FileSystem,
    get_filesystem,
    get_filesystem_class,
    get_proto,
    list_filesystems,
    register_filesystem,
)
from redun.file.local import LocalFileSystem
from redun.file.remote import FsspecFileSystem
from redun.file.schemes import FTPFileSystem, GSFileSystem, HTTPFileSystem, HTTPSFileSystem
from redun.file.sharded import ShardedS3Dataset
from redun.file.staging import (
    ContentStagingDir,
    ContentStagingFile,
    IStagingDir,
    IStagingFile,
    Staging,
    StagingDir,
    StagingFile,
)
from redun.filesystem_finders import add_filesystem_finder

__all__ = [
    "ContentDir",
    "ContentFile",
    "ContentFileSet",
    "ContentStagingDir",
    "ContentStagingFile",
    "Dir",
    "FTPFileSystem",
    "File",
    "FileSet",
    "FileSystem",
    "FsspecFileSystem",
    "GSFileSystem",
    "HTTPFileSystem",
    "HTTPSFileSystem",
    "IDir",
    "IFile",
    "IFileSet",
    "IStagingDir",
    "IStagingFile",
    "LocalFileSystem",
    "RedunFileExistsError",
    "RedunFileNotFoundError",
    "RedunOSError",
    "RedunPermissionError",
    "ShardedS3Dataset",
    "Staging",
    "StagingDir",
    "StagingFile",
    "UnknownSchemeError",
    "add_filesystem_finder",
    "copy_file",
    "get_filesystem",
    "get_filesystem_class",
    "get_proto",
    "glob_file",
    "list_filesystems",
    "open_file",
    "register_filesystem",
]


def open_file(path: str, mode: str = "r", encoding: str | None = None, **options: Any) -> IO[Any]:
    """Open the file at a path or URL, as `File.open` does."""
    return File(path).open(mode, encoding, **options)


def copy_file(source: str, target: str) -> File:
    """Copy a file from one path or URL to another."""
    return File(source).copy_to(File(target))


def glob_file(pattern: str) -> list[str]:
    """The paths of the files that match a pattern, sorted."""
    return get_filesystem(pattern).glob(pattern)


# Stored pickles name these classes by their public place, so that the modules here can be rearranged.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__


def __getattr__(name: str) -> Any:
    if name == "S3FileSystem":
        # The class that serves `s3://`, which a plugin brings.
        try:
            found = type(get_filesystem("s3://"))
        except UnknownSchemeError:
            found = FsspecFileSystem
        if not issubclass(found, FsspecFileSystem):
            return found
        raise ImportError("redun.file.S3FileSystem needs the package redun-aws: pip install redun-aws")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
