"""Reading an object as a stream, without holding it in memory."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING, Any

from redun.file import RedunOSError

from redun_aws.errors import boto_errors
from redun_aws.s3.places import Place, s3_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

BUFFER_SIZE = 1 << 20
_TRIES = 4
"""How often what is left is asked for where the connection breaks before anything more has come."""


class S3Reader(io.RawIOBase):
    """An object from its beginning to its end, as it was when it was opened; seeking asks for it from there."""

    def __init__(self, client: S3Client, place: Place, path: str) -> None:
        """Raises RedunFileNotFoundError where no such object is, and other errors of `redun.file`."""
        self._client, self._place, self._path = client, place, path
        self._position = 0
        with s3_errors(path):
            response = client.get_object(Bucket=place.bucket, Key=place.key)
        self._body: Any = response["Body"]
        self.size: int = response["ContentLength"]
        self._etag = response["ETag"]

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere else. Nothing is asked for before the next read."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        position = start + offset
        if position < 0:
            raise OSError(errno.EINVAL, f"there is no position {position}", self._path)
        if position != self._position:
            self._drop_body()
            self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer, or a part of it."""
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """All that is left."""
        blocks = []
        while block := self._read(max(self.size - self._position, 0)):
            blocks.append(block)
        return b"".join(blocks)

    def close(self) -> None:
        """Let go of the connection."""
        self._drop_body()
        super().close()

    def _read(self, size: int) -> bytes:
        if self.closed:
            raise ValueError("the stream is closed")
        if size <= 0 or self._position >= self.size:
            return b""
        with s3_errors(self._path):
            data = self._next_bytes(min(size, self.size - self._position))
        self._position += len(data)
        return data

    def _next_bytes(self, size: int) -> bytes:
        for tries_left in reversed(range(_TRIES)):
            try:
                if self._body is None:
                    self._body = self._ask_for_the_rest()
                data: bytes = self._body.read(size)
                if data:
                    return data
            except boto_errors() as error:
                self._drop_body()
                if _is_changed(error):
                    text = "the file was replaced while it was read"
                    raise RedunOSError(errno.ESTALE, text, self._path) from None
                if not tries_left:
                    raise
            self._drop_body()
        raise RedunOSError(0, f"the connection ends after {self._position} of {self.size} bytes", self._path)

    def _ask_for_the_rest(self) -> Any:
        rest = f"bytes={self._position}-"
        bucket, key = self._place
        return self._client.get_object(Bucket=bucket, Key=key, Range=rest, IfMatch=self._etag)["Body"]

    def _drop_body(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def _is_changed(error: Exception) -> bool:
    response = getattr(error, "response", None)  # None for errors without an answer
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return code in ("PreconditionFailed", "412", "NoSuchKey", "InvalidRange")
