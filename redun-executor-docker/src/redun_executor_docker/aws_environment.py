"""The environment variables by which programs in containers use AWS as this process does."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
OTHERS = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_ELSEWHERE = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def aws_environment() -> dict[str, str]:
    """Credentials, region and addresses of AWS, from the environment or, where botocore is installed, a profile.

    Those that a machine of EC2 has by itself are left out: containers find them as well.
    """
    found = {name: os.environ[name] for name in (*CREDENTIALS, *OTHERS) if os.environ.get(name)}
    if "AWS_ACCESS_KEY_ID" in found or not _may_be_elsewhere(os.environ) or find_spec("botocore") is None:
        return found
    return {**_from_botocore(), **found}


def _may_be_elsewhere(environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in _ELSEWHERE) or (Path.home() / ".aws").is_dir()


def _from_botocore() -> dict[str, str]:
    from importlib import import_module

    # Loaded by name: an optional library, which this package does not ask for.
    session = import_module("botocore.session").get_session()
    # Otherwise every start of a container on a machine without credentials would wait for an address of EC2.
    session.get_component("credential_provider").remove("iam-role")
    values = dict.fromkeys(CREDENTIALS)
    credentials = session.get_credentials()
    if credentials is not None:
        values = dict(zip(CREDENTIALS, credentials.get_frozen_credentials(), strict=False))
    values["AWS_DEFAULT_REGION"] = session.get_config_variable("region")
    return {name: value for name, value in values.items() if value}
