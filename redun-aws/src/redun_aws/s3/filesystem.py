"""The filesystem behind `s3://`."""

from __future__ import annotations

import errno
import io
import shutil
import threading
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, cast

from redun.file import LocalFileSystem, RedunFileExistsError, RedunFileNotFoundError, RedunOSError
from redun.file.filesystem import FileSystem

from redun_aws.s3.listing import Listed, delete_below, list_below, list_folder_names
from redun_aws.s3.patterns import is_hidden, key_pattern
from redun_aws.s3.places import Place, file_of, folder_of, place_of, s3_errors
from redun_aws.s3.reader import BUFFER_SIZE, S3Reader
from redun_aws.s3.writer import PART_SIZE, S3TextWriter, S3Writer
from redun_aws.sessions import client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boto3.s3.transfer import TransferConfig
    from mypy_boto3_s3 import S3Client

_MISSING = ("",)
_A_MOMENT = 5.0
"""Seconds for which a listing is believed."""


class S3FileSystem(FileSystem):
    """Objects in Amazon S3, and in stores that speak as it does (`AWS_ENDPOINT_URL`).

    A file's state is its ETag. A folder is there while keys begin with its name; none is ever made or needed. An object
    appears whole, when the stream that writes it is closed, or not at all.
    """

    name = "s3"

    def __init__(self) -> None:
        self._recent = _RecentListing()

    @property
    def _client(self) -> S3Client:
        return cast("S3Client", client("s3"))

    # -- streams ------------------------------------------------------------------------------------------------------

    def open(self, path: str, mode: str, encoding: str | None = None, **options: Any) -> IO[Any]:
        """A stream that reads (mode `r`), or writes a new content (`w`, `x`) or the old one with more behind it (`a`).

        options: `newline` and `errors`, as of the built-in `open`.
        """
        flags = set(mode)
        if flags - set("rwaxbt+") or len(flags & set("rwax")) != 1 or len(flags) != len(mode) or {"b", "t"} <= flags:
            raise ValueError(f"invalid mode: {mode!r}")
        if "+" in flags:
            raise RedunOSError(errno.ENOTSUP, f"files in S3 cannot be opened in mode {mode!r}", path)
        place = file_of(path)
        is_binary = "b" in flags
        if "r" in flags:
            reader = io.BufferedReader(S3Reader(self._client, place, path), BUFFER_SIZE)
            return reader if is_binary else io.TextIOWrapper(reader, encoding, **options)
        writer = self._open_to_write(path, place, flags)
        if is_binary:
            return cast("IO[Any]", writer)
        return S3TextWriter(cast("Any", writer), encoding, **options)

    def _open_to_write(self, path: str, place: Place, flags: set[str]) -> S3Writer:
        self._recent.forget()
        exists = not flags.isdisjoint("xa") and self.isfile(path)
        if exists and "x" in flags:
            raise RedunFileExistsError(errno.EEXIST, "there is such a file already", path)
        writer = S3Writer(self._client, place, path, must_be_new="x" in flags)
        if exists:
            with S3Reader(self._client, place, path) as old:
                shutil.copyfileobj(cast("Any", old), writer, BUFFER_SIZE)
        return writer

    # -- questions ----------------------------------------------------------------------------------------------------

    def _head(self, path: str) -> Any:
        """What S3 knows of an object; None where there is none."""
        place = place_of(path)
        if not place.key or place.key.endswith("/"):
            return None
        try:
            with s3_errors(path):
                return self._client.head_object(Bucket=place.bucket, Key=place.key)
        except RedunFileNotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is an object, or one below."""
        return self.isfile(path) or self.isdir(path)

    def isfile(self, path: str) -> bool:
        """Whether there is an object."""
        return self._head(path) is not None

    def isdir(self, path: str) -> bool:
        """Whether there are objects below; a bucket is a folder also without any."""
        place = folder_of(path)
        try:
            with s3_errors(path):
                found = self._client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
        except RedunFileNotFoundError:
            return False
        return not place.key or bool(found.get("Contents"))

    def size(self, path: str) -> int:
        """How many bytes an object has."""
        head = self._head(path)
        if head is None:
            raise RedunFileNotFoundError(errno.ENOENT, "there is no such key or bucket", path)
        return int(head["ContentLength"])

    def state(self, path: str) -> tuple[str, ...]:
        """The ETag; an empty one where nothing is."""
        head = self._head(path)
        return _MISSING if head is None else (head["ETag"].strip('"'),)

    def states(self, paths: Sequence[str]) -> list[tuple[str, ...]]:
        """The ETags of objects, from the listing that found them."""
        known = self._recent.take()
        return [(known[path],) if path in known else self.state(path) for path in paths]

    # -- listing ------------------------------------------------------------------------------------------------------

    def glob(self, pattern: str) -> list[str]:
        """The paths of the objects whose keys match, sorted: one call for each 1,000 keys with the same beginning."""
        bucket, written = place_of(pattern)
        matcher = key_pattern(written)
        if matcher is None:
            return [pattern] if self.isfile(pattern) else []
        with s3_errors(pattern):
            listed = list_below(self._client, Place(bucket, matcher.prefix), only_here=matcher.in_one_folder)
            found = [one for one in listed if matcher.matches.match(one.key)]
        start = pattern[: len(pattern) - len(written)]
        return self._remembered(start, found)

    def list_files(self, path: str) -> list[str]:
        """The paths of the objects below a folder, sorted; hidden ones are left out."""
        folder = folder_of(path)
        with s3_errors(path):
            listed = list_below(self._client, folder)
            found = [Listed(one.key[len(folder.key) :], one.etag) for one in listed]
        start = path if path.endswith("/") else f"{path}/"
        return self._remembered(start, [one for one in found if not is_hidden(one.key)])

    def _remembered(self, start: str, found: list[Listed]) -> list[str]:
        states = {start + one.key: one.etag for one in found}
        self._recent.keep(states)
        return sorted(states)

    def list_folders(self, path: str) -> list[str]:
        """The paths of the folders right in a folder, sorted; hidden ones are left out."""
        with s3_errors(path):
            names = list(list_folder_names(self._client, folder_of(path)))
        start = path if path.endswith("/") else f"{path}/"
        return sorted(f"{start}{name}" for name in names if name and not name.startswith("."))

    # -- changes ------------------------------------------------------------------------------------------------------

    def remove(self, path: str) -> None:
        """Remove an object. Does nothing if there is none."""
        place = file_of(path)
        self._recent.forget()
        with s3_errors(path):
            self._client.delete_object(Bucket=place.bucket, Key=place.key)

    def mkdir(self, path: str) -> None:
        """Do nothing: a folder is there once something is in it."""

    def rmdir(self, path: str, *, recursive: bool) -> None:
        """Remove all objects below a folder, 1,000 with each call; without `recursive`, only if there is none."""
        if not self.isdir(path):
            if self.isfile(path):
                raise NotADirectoryError(errno.ENOTDIR, "that is a file", path)
            raise RedunFileNotFoundError(errno.ENOENT, "there is no such folder", path)
        self._recent.forget()
        folder = folder_of(path)
        with s3_errors(path):
            if not recursive and any(
                one.key != folder.key for one in list_below(self._client, folder, folders_too=True)
            ):
                raise RedunOSError(errno.ENOTEMPTY, "the folder is not empty", path)
            delete_below(self._client, folder, path)

    def touch(self, path: str) -> None:
        """Make an empty object if there is none. One that is there stays as it is: its time cannot be set."""
        if not self.isfile(path):
            self.open(path, "wb").close()

    # -- copies -------------------------------------------------------------------------------------------------------

    def copy(self, path: str, target: FileSystem, target_path: str) -> None:
        """Copy an object: within S3 without its content passing through here, to elsewhere in parallel parts."""
        place = file_of(path)
        if isinstance(target, S3FileSystem):
            self._recent.forget()
            self._copy_within(path, place, target_path)
            return
        with S3Reader(self._client, place, path) as reader:
            if reader.size <= PART_SIZE or not isinstance(target, LocalFileSystem):
                with target.open(target_path, "wb") as sink:
                    shutil.copyfileobj(cast("Any", reader), sink, BUFFER_SIZE)
                return
        with target.open(target_path, "wb") as sink, s3_errors(path, target_path):
            self._client.download_fileobj(place.bucket, place.key, sink, Config=_transfers())

    def _copy_within(self, path: str, place: Place, target_path: str) -> None:
        to = file_of(target_path)
        if to == place:
            if not self.isfile(path):
                raise RedunFileNotFoundError(errno.ENOENT, "there is no such key or bucket", path)
            return
        with s3_errors(path, target_path):
            self._client.copy({"Bucket": place.bucket, "Key": place.key}, to.bucket, to.key, Config=_transfers())

    def receive(self, source: FileSystem, path: str, target_path: str) -> bool:
        """Upload a file of this machine, in parallel parts."""
        if not isinstance(source, LocalFileSystem):
            return False
        place = file_of(target_path)
        self._recent.forget()
        with source.open(path, "rb") as stream, s3_errors(path, target_path):
            self._client.upload_fileobj(stream, place.bucket, place.key, Config=_transfers())
        return True

    def shell_copy(self, source: str, target: str, recursive: bool, as_mount: bool) -> str | None:  # noqa: ARG002
        """`aws s3 cp`, where the other side is S3, a local path or a pipe."""
        from redun.file.filesystem import get_proto
        from redun.file.shell_copy import PIPE, quote_path

        if any(path != PIPE and get_proto(path) not in ("s3", "local") for path in (source, target)):
            return None
        words = ["aws", "s3", "cp", "--no-progress", *(["--recursive"] if recursive else [])]
        return " ".join([*words, quote_path(source), quote_path(target)])


def _transfers() -> TransferConfig:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=PART_SIZE + 1, multipart_chunksize=PART_SIZE)


class _RecentListing(threading.local):
    """The ETags that this thread's latest listing told, for whoever asks for the states of these files next."""

    etags: dict[str, str] | None = None
    ended = 0.0

    def keep(self, etags: dict[str, str]) -> None:
        """Remember a listing that has just ended."""
        self.etags, self.ended = etags, monotonic()

    def take(self) -> dict[str, str]:
        """What was listed a moment ago. It is told once."""
        etags, self.etags = self.etags, None
        return etags if etags is not None and monotonic() - self.ended < _A_MOMENT else {}

    def forget(self) -> None:
        """Let go of it: something changes."""
        self.etags = None
