"""Where in S3 a path is, and what goes wrong there in terms of files."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from redun.errors import RedunError
from redun.file import RedunFileExistsError, RedunFileNotFoundError, RedunOSError, RedunPermissionError

from redun_aws.errors import Kind, Reason, boto_errors, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Place(NamedTuple):
    """A bucket, and a key in it: of an object, or what the keys of a folder begin with."""

    bucket: str
    key: str


def place_of(path: str) -> Place:
    """Where `s3://bucket/key` is. Keys are taken as they are written: nothing in them is decoded or put in order."""
    bucket, _, key = path.partition("://")[2].partition("/")
    if not bucket:
        raise RedunOSError(errno.EINVAL, "there is no bucket in it: write s3://bucket/key", path)
    return Place(bucket, key)


def folder_of(path: str) -> Place:
    """The same for a folder: its key is empty or ends with a slash."""
    bucket, key = place_of(path)
    return Place(bucket, f"{key.removesuffix('/')}/" if key else "")


def file_of(path: str) -> Place:
    """The same for a file. Raises an error for what can only be a folder."""
    place = place_of(path)
    if not place.key or place.key.endswith("/"):
        raise RedunOSError(errno.EISDIR, "that is a folder: the key of a file has no slash at its end", path)
    return place


@contextmanager
def s3_errors(path: str, target: str | None = None) -> Iterator[None]:
    """Raise what boto3 raises inside as an error of `redun.file` that names the path.

    target: where it is copied to.
    """
    try:
        yield
    except RedunError:
        raise
    except UnicodeEncodeError:
        raise RedunOSError(errno.EILSEQ, "the path has characters that no key can have", path) from None
    except Exception as error:
        if not isinstance(error, boto_errors()):
            raise
        # The cause may show what was sent to the service.
        raise file_error(reason_of(error), path, target) from None


def file_error(reason: Reason, path: str, target: str | None = None) -> RedunOSError:
    """The error of `redun.file` for an error of S3."""
    cls, number, text = _KINDS.get(reason.kind, (RedunOSError, 0, None))
    if reason.code == "NoSuchBucket":
        text = f"there is no bucket {place_of(path).bucket}" if target is None else "one of the buckets does not exist"
    return cls(number, text or reason.text, path, None, target) if target else cls(number, text or reason.text, path)


_KINDS: dict[Kind, tuple[type[RedunOSError], int, str | None]] = {
    Kind.MISSING: (RedunFileNotFoundError, errno.ENOENT, "there is no such key or bucket"),
    Kind.EXISTS: (RedunFileExistsError, errno.EEXIST, "there is such a file already"),
    Kind.DENIED: (RedunPermissionError, errno.EACCES, None),
    Kind.CREDENTIALS: (RedunPermissionError, errno.EACCES, None),
    Kind.NETWORK: (RedunOSError, errno.EHOSTUNREACH, None),
}
