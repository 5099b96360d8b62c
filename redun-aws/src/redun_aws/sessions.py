"""Clients of AWS services: a boto3 session for each thread, and in it one client for each service and place.

boto3 is imported when the first client is made. Credentials, profiles and endpoints are found as by every program that
uses boto3: environment, `~/.aws`, the role of the machine.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from redun_aws.boto_options import boto_config_text, client_config
from redun_aws.errors import aws_errors

if TYPE_CHECKING:
    import boto3

DEFAULT_REGION = "us-west-2"
"""Where neither the caller nor the user names a region."""
# Clients are made anew when one of these changes: a program may well log in while it runs.
_WATCHED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
)


class _Clients(threading.local):
    """What a thread has. Sessions are not made for being shared by threads."""

    def __init__(self) -> None:
        self.session: boto3.Session | None = None
        self.environment: tuple[str | None, ...] = ()
        self.by_place: dict[tuple[str | None, ...], Any] = {}


_clients = _Clients()
# Reads the descriptions of services, which takes much longer than all the rest.
_loader: Any = None


def forget_clients() -> None:
    """Have all clients of this thread made anew when they are next used."""
    global _clients
    _clients = _Clients()


# Two processes must not speak through one connection.
os.register_at_fork(after_in_child=forget_clients)


def client(service: str, region: str | None = None, endpoint: str | None = None, **options: Any) -> Any:
    """A client of an AWS service, the same one for the same arguments in the same thread. Other threads may use it too.

    service: as boto3 names it, such as `s3`. region: by default `AWS_REGION`, then what boto3 finds, then us-west-2.
    endpoint: a URL to use instead of AWS. options: for botocore's `Config`, whatever the user's `boto_config` says.

    Raises `ConfigError` for a `boto_config` that cannot be used, and `AwsError` where no client can be made.
    """
    text = boto_config_text()
    environment = tuple(map(os.environ.get, _WATCHED))
    found = _clients
    if found.environment != environment:
        found.session, found.environment = None, environment
        found.by_place.clear()
    place = (service, region, endpoint, text, repr(options) if options else None)
    if place not in found.by_place:
        with aws_errors(f"a client of {service}"):
            session = found.session = found.session or _new_session()
            found.by_place[place] = session.client(
                service,  # type: ignore[call-overload]
                region_name=region or default_region(session),
                endpoint_url=endpoint,
                config=client_config(text, **options),
            )
    return found.by_place[place]


def default_region(session: boto3.Session | None = None) -> str:
    """The region to use where the caller names none."""
    named = os.environ.get("AWS_REGION")
    if named:
        return named
    return (session.region_name if session is not None else os.environ.get("AWS_DEFAULT_REGION")) or DEFAULT_REGION


def _new_session() -> boto3.Session:
    import boto3
    import botocore.session

    global _loader
    core = botocore.session.Session()
    if _loader is None:
        _loader = core.get_component("data_loader")
    else:
        core.register_component("data_loader", _loader)
    return boto3.Session(botocore_session=core)
