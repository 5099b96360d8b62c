"""What redun-core learns about this package at start-up. Importing it imports nothing of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.plugins import Command, FileSystemType, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.plugins import JobObserver

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_filesystems() -> list[FileSystemType]:
    """Serve `s3://`."""
    return [FileSystemType(("s3",), "redun_aws.s3.filesystem:S3FileSystem", summary="Files in Amazon S3")]


@hookimpl
def redun_register_commands() -> list[Command]:
    """Add `redun aws`."""
    return [Command("aws", "redun_aws.commands:aws", summary="List and kill AWS Batch jobs, and show their logs.")]


@hookimpl
def redun_resolve_secret(name: str) -> Mapping[str, str]:
    """The login that AWS Secrets Manager keeps."""
    from redun_aws.database_secret import database_secret

    return database_secret(name)


@hookimpl
def redun_execution_tags() -> Mapping[str, Any]:
    """Who this is to AWS."""
    from redun_aws.credential_signs import has_sign_of_credentials

    if not has_sign_of_credentials():
        return {}
    from redun_aws.identity import identity_tags

    return identity_tags()


@hookimpl
def redun_job_observers(config: Mapping[str, Mapping[str, str]]) -> list[JobObserver]:
    """Observe nothing: a run begins, and what its configuration says of clients counts from now on."""
    from redun_aws.boto_options import set_boto_config

    set_boto_config(config.get("scheduler", {}).get("boto_config"))
    return []
