"""Files in two places: where they are kept, and where a script works on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from redun.file.file import ContentFile, File, IFile, hash_text
from redun.file.fileset import ContentDir, Dir, IDir
from redun.file.shell_copy import shell_copy
from redun.value import Value

if TYPE_CHECKING:
    import os

T = TypeVar("T", File, Dir)


class Staging(Value, Generic[T]):
    """A local path together with the place where the file or directory is kept. Made by `File.stage`, `Dir.stage`.

    As a value it is the two paths, whatever is there, and always valid: a task that shall run again when the content
    changes takes the `File` itself.
    """

    type_name: ClassVar[str] = "redun.Staging"
    kept_class: ClassVar[type[Any]]
    """The class of `local` and `remote`."""
    is_directory: ClassVar[bool]

    def __init__(self, local: str | os.PathLike[str], remote: str | os.PathLike[str]) -> None:
        self.local: T = self._as_kept(local)
        self.remote: T = self._as_kept(remote)

    def _as_kept(self, path: Any) -> Any:
        return path if isinstance(path, self.kept_class) else self.kept_class(path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(local={self.local.path!r}, remote={self.remote.path!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"local": self.local.path, "remote": self.remote.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.local = self._as_kept(state["local"])
        self.remote = self._as_kept(state["remote"])

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The hash of the two paths, as 40 hex digits."""
        return hash_text(self.type_name, self.local.path, self.remote.path)

    def stage(self) -> T:
        """Copy from where it is kept to the local path, and return what is there."""
        _copy(self.remote, self.local)
        return self.local

    def unstage(self) -> T:
        """Copy from the local path to where it is kept, and return what is there."""
        _copy(self.local, self.remote)
        return self.remote

    def render_stage(self, as_mount: bool = False) -> str:
        """The shell command that does what `stage` does: empty where both paths are the same.

        as_mount: read files of a remote store where it is mounted, if its filesystem knows where that is.
        """
        return self._render(self.remote.path, self.local.path, as_mount)

    def render_unstage(self, as_mount: bool = False) -> str:
        """The shell command that does what `unstage` does: empty where both paths are the same."""
        return self._render(self.local.path, self.remote.path, as_mount)

    def _render(self, source: str, target: str, as_mount: bool) -> str:
        return "" if source == target else shell_copy(source, target, recursive=self.is_directory, as_mount=as_mount)


def _copy(source: Any, target: Any) -> None:
    if source.path != target.path:
        source.copy_to(target)


class StagingFile(Staging[File]):
    """A file in two places."""

    type_name = "redun.StagingFile"
    kept_class = File
    is_directory = False


class StagingDir(Staging[Dir]):
    """A directory in two places."""

    type_name = "redun.StagingDir"
    kept_class = Dir
    is_directory = True


class IStagingFile(StagingFile):
    """A file that is written once, in two places."""

    type_name = "redun.IStagingFile"
    kept_class = IFile


class IStagingDir(StagingDir):
    """A directory that is written once, in two places."""

    type_name = "redun.IStagingDir"
    kept_class = IDir


class ContentStagingFile(StagingFile):
    """A file by its content, in two places."""

    type_name = "redun.ContentStagingFile"
    kept_class = ContentFile


class ContentStagingDir(StagingDir):
    """A directory by the content of the files below it, in two places."""

    type_name = "redun.ContentStagingDir"
    kept_class = ContentDir


File.staging_class, Dir.staging_class = StagingFile, StagingDir
IFile.staging_class, IDir.staging_class = IStagingFile, IStagingDir
ContentFile.staging_class, ContentDir.staging_class = ContentStagingFile, ContentStagingDir
