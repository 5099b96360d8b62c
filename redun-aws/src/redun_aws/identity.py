"""Who somebody is to AWS, as tags of executions."""

from __future__ import annotations

import logging
import threading
from typing import Any

from redun_aws.errors import AwsError, aws_errors
from redun_aws.sessions import client

TIME_LIMIT = 1.5
"""Seconds that a run waits at most for its tags."""

logger = logging.getLogger("redun")


def identity_tags(time_limit: float | None = None) -> dict[str, str]:
    """`user_aws_arn`, and `user_aws`, which is the name at its end: of a user, or of the session of a role.

    Nothing where AWS does not say so within the time limit, in seconds: a tag is not worth a failure, or waiting for.
    """
    limit = TIME_LIMIT if time_limit is None else time_limit
    found: list[str] = []
    # A daemon: a process need not stay for it.
    asking = threading.Thread(target=_ask, args=(found, limit), name="redun-aws-identity", daemon=True)
    asking.start()
    asking.join(limit)
    return {"user_aws_arn": found[0], "user_aws": short_name(found[0])} if found else {}


def short_name(arn: str) -> str:
    """The name at the end of an ARN: `ann` of `arn:aws:iam::123456789012:user/ann`."""
    return arn.rpartition(":")[2].rpartition("/")[2]


def _ask(found: list[str], time_limit: float) -> None:
    try:
        with aws_errors("who you are to AWS"):
            limits: dict[str, Any] = {
                "connect_timeout": time_limit,
                "read_timeout": time_limit,
                "retries": {"total_max_attempts": 1},
            }
            found.append(client("sts", **limits).get_caller_identity()["Arn"])
    except AwsError as error:
        logger.debug("no tag says who you are to AWS: %s", error)
    except Exception as error:
        logger.debug("no tag says who you are to AWS: %s", type(error).__name__)
