"""What can go wrong with AWS: which of boto3's many errors means what, in words that hold no secret."""

from __future__ import annotations

import re
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Iterator


class AwsError(RedunError):
    """An AWS service refused something, or could not be asked."""


class AwsCredentialsError(AwsError):
    """There are no credentials, they have expired, or AWS does not accept them."""


class AwsConnectionError(AwsError):
    """AWS cannot be reached."""


class Kind(Enum):
    """What sort of error it is."""

    MISSING = "missing"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    NETWORK = "network"
    EXISTS = "exists"
    OTHER = "other"


class Reason(NamedTuple):
    """An error of boto3 in our words."""

    kind: Kind
    text: str
    code: str = ""
    """The error code of the service."""
    operation: str = ""
    """The operation of the service, such as `PutObject`."""


_BY_CODE = {
    **dict.fromkeys(("404", "NoSuchKey", "NotFound", "NoSuchBucket", "NoSuchUpload"), Kind.MISSING),
    **dict.fromkeys(("ResourceNotFoundException",), Kind.MISSING),
    **dict.fromkeys(("403", "AccessDenied", "AccessDeniedException", "Forbidden", "AllAccessDisabled"), Kind.DENIED),
    **dict.fromkeys(("UnauthorizedOperation", "NotAuthorized"), Kind.DENIED),
    **dict.fromkeys(("412", "PreconditionFailed"), Kind.EXISTS),
}
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_REJECTED = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "UnrecognizedClientException",
        "AuthFailure",
        "MissingAuthenticationToken",
    }
)
LOG_IN = "Log in with `aws sso login` or `aws configure`, or name a profile in AWS_PROFILE."
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")


def boto_errors() -> tuple[type[Exception], ...]:
    """The classes of what boto3 raises."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError

    return (ClientError, BotoCoreError, Boto3Error, RetriesExceededError)


def reason_of(error: Exception) -> Reason:
    """What an error of boto3 means."""
    from botocore.exceptions import ClientError

    cause = getattr(error, "last_exception", None) or error.__context__
    if not isinstance(error, ClientError) and isinstance(cause, ClientError):
        error = cause
    return _of_service(error) if isinstance(error, ClientError) else _of_client(error)


def _of_service(error: Exception) -> Reason:
    response = getattr(error, "response", {})
    details = response.get("Error", {})
    code, operation = str(details.get("Code", "")), str(getattr(error, "operation_name", ""))
    if code in _EXPIRED:
        return Reason(Kind.CREDENTIALS, f"the AWS credentials have expired. {LOG_IN}", code, operation)
    if code in _REJECTED:
        return Reason(Kind.CREDENTIALS, f"AWS does not accept the credentials ({code}). {LOG_IN}", code, operation)
    kind = _BY_CODE.get(code, Kind.OTHER)
    message = without_keys(str(details.get("Message", "")))
    # Answers to HEAD have no body: what is in their place says nothing.
    said = "" if message in ("", "Forbidden", "Not Found", "Unknown", "Bad Request") else f": {message}"
    if kind is Kind.DENIED:
        return Reason(kind, f"AWS denies {operation}{said}", code, operation)
    return Reason(kind, f"AWS answers {code} to {operation}{said}", code, operation)


def _of_client(error: Exception) -> Reason:
    from botocore import exceptions as boto

    without_credentials = (boto.NoCredentialsError, boto.NoAuthTokenError)
    if isinstance(error, without_credentials):
        return Reason(Kind.CREDENTIALS, f"there are no AWS credentials. {LOG_IN}")
    if isinstance(error, boto.PartialCredentialsError):
        return Reason(Kind.CREDENTIALS, f"the AWS credentials are not complete. {LOG_IN}")
    expired = (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError)
    if isinstance(error, expired):
        return Reason(Kind.CREDENTIALS, f"the login to AWS has expired. {LOG_IN}")
    if isinstance(error, boto.CredentialRetrievalError):
        # What a program of the user's says about it may hold anything.
        return Reason(Kind.CREDENTIALS, f"the AWS credentials cannot be had ({type(error).__name__}). {LOG_IN}")
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        where = getattr(error, "kwargs", {}).get("endpoint_url")
        return Reason(Kind.NETWORK, f"AWS cannot be reached{f' at {where}' if where else ''} ({type(error).__name__})")
    return Reason(Kind.OTHER, without_keys(" ".join(str(error).split())))


def without_keys(text: str) -> str:
    """A text without the ids of access keys that it may hold."""
    return _ACCESS_KEY.sub("***", text)


_ERRORS: dict[Kind, type[AwsError]] = {Kind.CREDENTIALS: AwsCredentialsError, Kind.NETWORK: AwsConnectionError}


def error_for(reason: Reason, subject: str) -> AwsError:
    """The error to raise; subject: what its message begins with."""
    return _ERRORS.get(reason.kind, AwsError)(f"{subject}: {reason.text}")


@contextmanager
def aws_errors(subject: str) -> Iterator[None]:
    """Raise what boto3 raises inside as an `AwsError`.

    subject: what the message begins with, such as `the secret db`.
    """
    try:
        yield
    except RedunError:
        raise
    except Exception as error:
        if not isinstance(error, boto_errors()):
            raise
        # The cause is left out of the message and of tracebacks: it may show what the service was sent.
        raise error_for(reason_of(error), subject) from None
