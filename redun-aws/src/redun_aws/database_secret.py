"""The login of a database, from AWS Secrets Manager."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError

from redun_aws.errors import Kind, boto_errors, error_for, reason_of
from redun_aws.sessions import DEFAULT_REGION, client

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("engine", "host", "port", "username", "password", "dbname")
_NEEDED = ("host", "username", "password", "dbname")


def database_secret(name: str) -> Mapping[str, str]:
    """Where a database is and how to log in: the fields of a secret as RDS writes them.

    name: the name or the ARN of the secret. An ARN says its region; a name is looked up in `AWS_REGION`, else in
    us-west-2.

    Raises `ConfigError` for a secret that does not exist or does not have such fields, and `AwsError` where AWS does
    not hand it out. No message holds anything of its content.
    """
    region = _region_of(name) or os.environ.get("AWS_REGION") or DEFAULT_REGION
    subject = f"[backend] db_aws_secret_name: the secret {name!r} in {region}"
    secrets = client("secretsmanager", region)
    try:
        answer = secrets.get_secret_value(SecretId=name)
    except boto_errors() as error:
        reason = reason_of(error)
        if reason.kind is Kind.MISSING:
            raise ConfigError(f"{subject} does not exist. AWS_REGION names another region") from None
        raise error_for(reason, subject) from None
    return _fields(answer.get("SecretString"), subject)


def _region_of(name: str) -> str | None:
    parts = name.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) > 6 else None


def _fields(text: str | None, subject: str) -> dict[str, str]:
    try:
        content: Any = json.loads(text) if text is not None else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        # Not even where it stops to be JSON: that would show a part of it.
        raise ConfigError(f"{subject} is no JSON object with the fields {', '.join(FIELDS)}")
    fields = {key: str(content[key]) for key in FIELDS if content.get(key) not in (None, "")}
    missing = [key for key in _NEEDED if key not in fields]
    if missing:
        raise ConfigError(f"{subject} lacks {', '.join(missing)}")
    return fields
