"""Listing keys: as many calls as S3 needs for them, and no more."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.file import RedunOSError, RedunPermissionError

from redun_aws.errors import without_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from redun_aws.s3.places import Place


class Listed(NamedTuple):
    """An object that was found."""

    key: str
    etag: str


def list_below(
    client: S3Client, start: Place, *, only_here: bool = False, folders_too: bool = False
) -> Iterator[Listed]:
    """The objects whose keys begin like this.

    only_here: leave out those with a slash after that beginning. folders_too: and the empty objects that some programs
    make in place of folders, whose keys end with a slash.
    """
    options: dict[str, Any] = {"Delimiter": "/"} if only_here else {}
    for page in _pages(client, start, options):
        for one in page.get("Contents", ()):
            if folders_too or not one["Key"].endswith("/"):
                yield Listed(one["Key"], one["ETag"].strip('"'))


def list_folder_names(client: S3Client, folder: Place) -> Iterator[str]:
    """The names of the folders right in a folder."""
    for page in _pages(client, folder, {"Delimiter": "/"}):
        for one in page.get("CommonPrefixes", ()):
            yield one["Prefix"][len(folder.key) : -1]


def _pages(client: S3Client, start: Place, options: dict[str, Any]) -> Iterator[Any]:
    return iter(client.get_paginator("list_objects_v2").paginate(Bucket=start.bucket, Prefix=start.key, **options))


def delete_below(client: S3Client, folder: Place, path: str) -> None:
    """Remove all objects below a folder, page by page. Raises an error of `redun.file` for those that stay."""
    for page in _pages(client, folder, {}):
        keys: Any = [{"Key": one["Key"]} for one in page.get("Contents", ())]
        if not keys:
            continue
        answer = client.delete_objects(Bucket=folder.bucket, Delete={"Objects": keys, "Quiet": True})
        for failure in answer.get("Errors", ()):
            place = f"s3://{folder.bucket}/{failure.get('Key', '')}"
            text = f"{place} is not removed: {failure.get('Code')} {without_keys(failure.get('Message', ''))}".rstrip()
            if failure.get("Code") == "AccessDenied":
                raise RedunPermissionError(errno.EACCES, text, path)
            raise RedunOSError(0, text, path)
