"""Well-known schemes that fsspec serves, each with what is special about it."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from redun.file.credentials import with_netrc
from redun.file.filesystem import register_fallback
from redun.file.remote import FsspecFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

_VALIDATORS = ("ETag", "Content-MD5", "Digest", "Last-Modified")
_REFUSED = frozenset({401, 403, 407})
_GONE = frozenset({404, 410})


@register_fallback
class HTTPFileSystem(FsspecFileSystem):
    """Files that a web server has. They can be read only.

    A file's state is its size, as `Content-Length` tells it, with the first of `ETag`, `Content-MD5`, `Digest` and
    `Last-Modified` that the server answers to a HEAD request, or else to GET. A server that answers none of them shows
    no change that keeps the size.
    """

    name = "http"

    def __init__(self) -> None:
        try:
            super().__init__(self.name)
        except ImportError as error:
            raise ImportError(f"{error}. Try: pip install 'redun-core[http]'") from error

    def _at(self, path: str) -> Any:  # noqa: ARG002 - one object serves all hosts
        # Proxies of the environment, and passwords of the user's netrc file.
        return self._class(client_kwargs={"trust_env": True})

    def _info(self, path: str) -> dict[str, Any]:
        try:
            info: dict[str, Any] = self._at(path).info(path)
        except FileNotFoundError as error:
            _explain(error, path)
        return info

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream for reading."""
        try:
            return super().open(path, mode, encoding, **options)
        except FileNotFoundError as error:
            _explain(error, path)

    def exists(self, path: str) -> bool:
        """Whether the server has something there."""
        try:
            self._info(path)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        """Whether the server has something there."""
        return self.exists(path)

    def isdir(self, path: str) -> bool:  # noqa: ARG002
        """Never: whatever a URL leads to can be read."""
        return False

    def size(self, path: str) -> int:
        """How many bytes a file has."""
        size = self._info(path)["size"]
        if size is None:
            raise OSError(errno.ENOTSUP, "the server does not tell the size", path)
        return int(size)

    def _known_state(self, path: str) -> tuple[str, ...]:
        try:
            info = self._info(path)
        except FileNotFoundError:
            return ("-1",)
        validator = next((f"{name} {info[name]}" for name in _VALIDATORS if info.get(name)), "")
        return str(info["size"]), validator


@register_fallback
class HTTPSFileSystem(HTTPFileSystem):
    """Files that a web server has, over an encrypted connection."""

    name = "https"


@register_fallback
class FTPFileSystem(FsspecFileSystem):
    """Files of an FTP server: `ftp://user@host:port/path`. Their state is size and time of change.

    The password comes from the user's netrc file; without one, the server sees an anonymous user. They can be read,
    written and removed, but not added to.
    """

    name = "ftp"

    def __init__(self) -> None:
        super().__init__(self.name)

    def _at(self, path: str) -> Any:
        # A connection of its own each time, which ends when nobody holds it: they serve no two threads, and servers end
        # those that were idle for some minutes.
        with _ftp_errors(path):
            return self._class(**with_netrc(self._class._get_kwargs_from_urls(path)))

    def states(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """The states of files below one pattern or directory: over one connection, which lists each directory once."""
        if not paths:
            return []
        with _ftp_errors(paths[0]):
            connected = self._at(paths[0])
            return [self._state_from(connected, path) for path in paths]

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream; parent folders are made before writing."""
        if "a" in mode or "+" in mode:
            # fsspec would write a new file.
            raise OSError(errno.ENOTSUP, f"ftp files cannot be opened in mode {mode!r}", path)
        if "x" in mode and self.exists(path):
            raise FileExistsError(errno.EEXIST, "there is such a file", path)
        if self.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "that is a directory", path)
        with _ftp_errors(path):
            return super().open(path, mode.replace("x", "w"), encoding, **options)

    def _make_folders(self, path: str, folder: str) -> None:
        import ftplib

        # Refused, too, where somebody else has made a folder of the path a moment ago: those below it are yet to be
        # made. Each such refusal is one folder less to make, so that there are no more of them than folders.
        for _ in folder.split("/"):
            with suppress(ftplib.error_perm):
                super()._make_folders(path, folder)
                break
        # Taken for done where a file is in the way.
        if not self._fresh(path).isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, "its folder cannot be made", path)

    def remove(self, path: str) -> None:
        """Remove a file. Does nothing if there is none."""
        if self.exists(path):
            with _ftp_errors(path):
                super().remove(path)

    def _find(self, base: str, parts: list[str]) -> list[str]:
        # Listing a file gives the file.
        return [] if self.isfile(base) else super()._find(base, parts)

    def touch(self, path: str) -> None:
        """Make an empty file if there is none. The time of one that is there stays."""
        if not self.exists(path):
            self.open(path, "wb").close()


@contextmanager
def _ftp_errors(path: str) -> Iterator[None]:
    import ftplib

    try:
        yield
    except (ftplib.Error, EOFError) as error:
        raise OSError(errno.EPROTO, f"the server answers {error}", path) from error


@register_fallback
class GSFileSystem(FsspecFileSystem):
    """Files in Google Cloud Storage. Needs the package gcsfs."""

    name = "gs"

    def __init__(self) -> None:
        super().__init__(self.name)

    def shell_copy(self, source: str, target: str, recursive: bool, as_mount: bool) -> str | None:
        """`gsutil cp`, or `cp` from or to where the bucket is mounted."""
        from redun.file.shell_copy import PIPE, is_local, quote_path, shell_copy

        other = target if source.startswith("gs://") else source
        if as_mount and (is_local(other) or other == PIPE):
            mounted = [path.replace("gs://", "/mnt/disks/", 1) for path in (source, target)]
            return shell_copy(*mounted, recursive=recursive)
        if not is_local(other) and other != PIPE and not other.startswith("gs://"):
            return None
        words = ["gsutil", "cp", *(["-r"] if recursive else []), quote_path(source), quote_path(target)]
        return " ".join(words)


def _explain(error: FileNotFoundError, path: str) -> NoReturn:
    """Raise what really is the matter. For fsspec a server that cannot be reached is a file that is not found."""
    cause = error.__cause__
    status = getattr(cause, "status", None)
    if status in _GONE:
        raise FileNotFoundError(errno.ENOENT, f"the server answers {status}", path) from cause
    if status in _REFUSED:
        raise PermissionError(errno.EACCES, f"the server answers {status}", path) from cause
    if status is not None:
        raise OSError(errno.EPROTO, f"the server answers {status}", path) from cause
    if cause is None:
        raise error
    refused = getattr(cause, "os_error", None)  # of a connection: aiohttp's own text is about its internals
    if isinstance(refused, OSError):
        number = refused.errno or errno.EPROTO
        reason = os.strerror(number) if number > 0 else refused.strerror
        raise OSError(number, f"cannot connect to {urlsplit(path).netloc}: {reason}", path) from cause
    raise OSError(getattr(cause, "errno", None) or errno.EPROTO, str(cause) or type(cause).__name__, path) from cause
