"""What can go wrong with a file, with its path in the message."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Iterator


class RedunOSError(RedunError, OSError):
    """The operating system, or a remote store, refused something. Carries `errno`, `strerror` and `filename`.

    `errno` is 0 where the store says no more than a text.
    """

    def __str__(self) -> str:
        return super().__str__().removeprefix("[Errno 0] ")


class RedunFileNotFoundError(RedunOSError, FileNotFoundError):
    """There is no such file or directory."""


class RedunFileExistsError(RedunOSError, FileExistsError):
    """There is such a file already."""


class RedunPermissionError(RedunOSError, PermissionError):
    """The user may not do that with the file."""


class UnknownSchemeError(RedunError, ValueError):
    """No filesystem is known for the scheme of a URL."""


class PasswordInPathError(RedunError, ValueError):
    """A URL holds a password, which would be recorded with every value that names it."""


@contextmanager
def naming(path: str, target: str | None = None) -> Iterator[None]:
    """Raise any OSError from inside as one of this module, with the path, and the one that it is copied to.

    The libraries of remote stores have errors of their own as well, which are no OSErrors.
    """
    try:
        yield
    except RedunError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__ == "builtins":
            raise  # such as a ValueError for a mode that there is not
        kinds = (kind for base, kind in _KINDS.items() if isinstance(error, base))
        cls, number = next(kinds, (RedunOSError, 0))
        words = (*_described(error, number, path), path)
        raise (cls(*words) if target is None else cls(*words, None, target)) from error


_KINDS: dict[type[OSError], tuple[type[RedunOSError], int]] = {
    FileNotFoundError: (RedunFileNotFoundError, errno.ENOENT),
    FileExistsError: (RedunFileExistsError, errno.EEXIST),
    PermissionError: (RedunPermissionError, errno.EACCES),
}


def _described(error: Exception, number: int, path: str) -> tuple[int, str]:
    """The number of an error and what it says. Stores raise some with nothing but a path."""
    if not isinstance(error, OSError):
        return number, f"{type(error).__name__}: {error}"
    if error.errno:
        return error.errno, error.strerror or os.strerror(error.errno)
    text = str(error)
    says_only_path = number and text.strip("/") in path
    return number, os.strerror(number) if says_only_path else text or type(error).__name__
