"""What can go wrong with a file, with its path in the message."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Iterator


class RedunOSError(RedunError, OSError):
    """The operating system, or a remote store, refused something. Carries `errno`, `strerror` and `filename`."""


class RedunFileNotFoundError(RedunOSError, FileNotFoundError):
    """There is no such file or directory."""


class RedunPermissionError(RedunOSError, PermissionError):
    """The user may not do that with the file."""


class UnknownSchemeError(RedunError, ValueError):
    """No filesystem is known for the scheme of a URL."""


class PasswordInPathError(RedunError, ValueError):
    """A URL holds a password, which would be recorded with every value that names it."""


@contextmanager
def naming(path: str, target: str | None = None) -> Iterator[None]:
    """Raise any OSError from inside as one of this module, with the path, and the one that it is copied to."""
    try:
        yield
    except RedunOSError:
        raise
    except OSError as error:
        cls = RedunOSError
        if isinstance(error, FileNotFoundError):
            cls = RedunFileNotFoundError
        elif isinstance(error, PermissionError):
            cls = RedunPermissionError
        words = (error.errno or 0, error.strerror or str(error), path)
        raise (cls(*words) if target is None else cls(*words, None, target)) from error
