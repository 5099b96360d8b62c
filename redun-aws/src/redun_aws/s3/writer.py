"""Writing an object as a stream: in parts, several at a time, and seen by others once it is whole."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from redun_aws.errors import boto_errors
from redun_aws.s3.places import Place, s3_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future, ThreadPoolExecutor
    from types import TracebackType

    from _typeshed import ReadableBuffer
    from mypy_boto3_s3 import S3Client

PART_SIZE = 16 << 20
"""Bytes in a part, here and in transfers: the ETag of an object depends on it."""
_PARTS_OF_THAT_SIZE = 1000
_LARGE_PART_SIZE = 4 * PART_SIZE
"""Of the parts after those: S3 takes 10,000, so that there are 620 GB at most."""
_AT_A_TIME = 4

logger = logging.getLogger("redun")


class S3Writer(io.BufferedIOBase):
    """The new content of an object, which begins to exist when the stream is closed.

    Where the `with` block is left by an error, or the stream is dropped without being closed, nothing is written, and
    what was there before stays.
    """

    def __init__(self, client: S3Client, place: Place, path: str, *, must_be_new: bool = False) -> None:
        """must_be_new: fail where there is such an object when the stream is closed."""
        self._client, self._path = client, path
        self._place: Any = {"Bucket": place.bucket, "Key": place.key}
        self._condition: dict[str, Any] = {"IfNoneMatch": "*"} if must_be_new else {}
        self._part = bytearray()
        self._written = 0
        self._upload_id = ""
        self._pool: ThreadPoolExecutor | None = None
        self._in_flight: deque[Future[dict[str, Any]]] = deque()
        self._parts: list[Any] = []
        self._parts_sent = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self._written

    def write(self, data: ReadableBuffer) -> int:
        """Take bytes, and send what makes a part."""
        if self.closed:
            raise ValueError("the stream is closed")
        view = memoryview(data).cast("B")
        size, position = len(view), 0
        while position < size:
            limit = PART_SIZE if self._parts_sent < _PARTS_OF_THAT_SIZE else _LARGE_PART_SIZE
            block = view[position : position + limit - len(self._part)]
            self._part += block
            position += len(block)
            # What fills the part is kept: whether it is the last one, only more bytes or the end can tell.
            if len(self._part) == limit and position < size:
                self._send_part()
        self._written += size
        return size

    def close(self) -> None:
        """Write what is left, and let others see the object. Raises errors of `redun.file`; then nothing is written."""
        if self.closed:
            return
        try:
            with s3_errors(self._path):
                self._finish()
        except BaseException:
            self.abort()
            raise
        finally:
            super().close()

    def abort(self) -> None:
        """Close the stream and leave what was there as it was."""
        self._give_up(wait=True)
        super().close()

    def _give_up(self, *, wait: bool) -> None:
        """Have what was sent removed. wait: until it is."""
        self._part.clear()
        pool, self._pool = self._pool, None
        if pool is None:
            return
        for future in self._in_flight:
            future.cancel()
        # After the parts that are on their way, which would be left otherwise.
        pool.submit(
            _remove_parts, self._client, self._path, {**self._place, "UploadId": self._upload_id}, self._in_flight
        )
        pool.shutdown(wait=wait)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the stream; where an error has come, without writing anything."""
        if kind is not None and not self.closed:
            self.abort()
        self.close()

    def __del__(self) -> None:
        """Leave what was there as it was: whether what was written is all, nobody has said."""
        if not self.closed and hasattr(self, "_parts_sent"):
            logger.warning("%s: nothing was written, because the stream was not closed", self._path)
            # Any thread may be the one that gets here, one of the pool too; and none can be used any more at the end.
            with contextlib.suppress(RuntimeError):
                self._give_up(wait=False)
            super().close()

    def _send_part(self) -> None:
        with s3_errors(self._path):
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor

                self._pool = ThreadPoolExecutor(_AT_A_TIME, "redun-s3-parts")
                self._upload_id = self._client.create_multipart_upload(**self._place)["UploadId"]
            # No more parts are held in memory than are on their way.
            while len(self._in_flight) >= _AT_A_TIME:
                self._parts.append(self._in_flight.popleft().result())
            part = bytes(self._part)
            self._part.clear()
            self._parts_sent += 1
            upload = {**self._place, "UploadId": self._upload_id, "PartNumber": self._parts_sent, "Body": part}
            # Not with a method, through which the pool would keep a stream that everybody else has dropped.
            self._in_flight.append(self._pool.submit(_send, self._client, upload))

    def _finish(self) -> None:
        if not self._parts_sent:
            self._client.put_object(**self._place, Body=bytes(self._part), **self._condition)
            return
        if self._part:
            self._send_part()
        self._parts += [future.result() for future in self._in_flight]
        self._in_flight.clear()
        whole: Any = {"Parts": self._parts}
        self._client.complete_multipart_upload(
            **self._place, UploadId=self._upload_id, MultipartUpload=whole, **self._condition
        )
        assert self._pool is not None
        self._pool.shutdown()
        self._pool = None


def _send(client: S3Client, part: dict[str, Any]) -> dict[str, Any]:
    return {"PartNumber": part["PartNumber"], "ETag": client.upload_part(**part)["ETag"]}


def _remove_parts(client: S3Client, path: str, upload: dict[str, Any], in_flight: Iterable[Future[Any]]) -> None:
    from concurrent.futures import wait

    wait(in_flight)
    try:
        client.abort_multipart_upload(**upload)
    except boto_errors() as error:
        # Nobody sees the parts, but they are stored, until the bucket's rules or somebody remove them.
        logger.warning("%s: parts of an upload that failed are left in the bucket (%s)", path, type(error).__name__)


class S3TextWriter(io.TextIOWrapper):
    """Text for an `S3Writer`, which it treats as that one treats bytes."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the stream; where an error has come, without writing anything."""
        if kind is not None and isinstance(self.buffer, S3Writer) and not self.buffer.closed:
            self.buffer.abort()
        self.close()

    def __del__(self) -> None:
        """Do not close it, as other streams of text do: see `S3Writer`."""
