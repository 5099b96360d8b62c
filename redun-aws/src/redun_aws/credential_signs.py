"""Whether anybody has ever given this machine credentials for AWS, found out without boto3."""

from __future__ import annotations

import os
from pathlib import Path

_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_FILES = (("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config"))
_OPTIONS = ("aws_access_key_id", "role_arn", "sso_", "credential_process", "login_session", "web_identity_token_file")


def has_sign_of_credentials() -> bool:
    """Whether environment or files say something of credentials.

    The role of an EC2 instance leaves no such sign: to ask for it takes a second where there is none.
    """
    if any(os.environ.get(name) for name in _VARIABLES):
        return True
    return any(_speaks_of_credentials(os.environ.get(name) or default) for name, default in _FILES)


def _speaks_of_credentials(path: str) -> bool:
    try:
        text = Path(path).expanduser().read_text(errors="replace")
    except (OSError, RuntimeError):  # there is no such file, or no home directory
        return False
    return any(option in text for option in _OPTIONS)
