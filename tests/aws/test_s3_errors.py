"""What can go wrong with files in S3: one error of redun's, which names the file and no secret."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from aws_names import ACCESS_KEY, SECRET_KEY
from redun import Dir, File
from redun.errors import RedunError
from redun.file import FileSet, RedunFileNotFoundError, RedunOSError, RedunPermissionError
from redun_aws.boto_options import set_boto_config

USES: dict[str, Callable[[str], Any]] = {
    "read": lambda path: File(path).read(),
    "write": lambda path: File(path).write("x"),
    "size": lambda path: File(path).size(),
    "hash": lambda path: File(path).hash,
    "remove": lambda path: File(path).remove(),
    "list": lambda path: Dir(path).hash,
    "glob": lambda path: FileSet(f"{path}/*").hash,
    "copy": lambda path: File(path).copy_to(File(f"{path}2")),
    "rmdir": lambda path: Dir(path).rmdir(recursive=True),
}


class Answering(ThreadingHTTPServer):
    """Answers every request with one error, as S3 words it: a stand-in for what the protocol server never says."""

    status = 403
    code = "AccessDenied"
    details = ""


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, Answering)
        body = (
            f"<Error><Code>{server.code}</Code><Message>Said {ACCESS_KEY}.</Message>{server.details}</Error>".encode()
        )
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(server.status)
        self.send_header("Content-Length", str(0 if self.command == "HEAD" else len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    server = Answering(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def failure(use: str, path: str) -> RedunOSError:
    """The error of a use, which must be clear and hold no secret."""
    with pytest.raises(RedunError) as caught:
        USES[use](path)
    error = caught.value
    assert isinstance(error, RedunOSError)
    shown = "".join(traceback.format_exception(error))
    assert path in str(error)
    assert "\n" not in str(error)
    assert "botocore.exceptions" not in shown
    for secret in (SECRET_KEY, ACCESS_KEY):
        assert secret not in shown
    return error


@pytest.mark.parametrize("use", ["read", "write", "size", "list", "glob", "copy", "rmdir"])
def test_a_bucket_that_does_not_exist(use: str) -> None:
    error = failure(use, "s3://no-such-bucket/key")
    assert isinstance(error, RedunFileNotFoundError)
    assert "bucket" in str(error).replace("s3://no-such-bucket", "") or use == "rmdir"


def test_nothing_exists_in_a_bucket_that_does_not_exist() -> None:
    assert not File("s3://no-such-bucket/key").exists()
    assert not Dir("s3://no-such-bucket").exists()
    assert File("s3://no-such-bucket/key").hash


@pytest.mark.parametrize("use", USES)
def test_access_that_is_denied(answering: Answering, use: str) -> None:
    error = failure(use, "s3://bucket/some/key")
    assert isinstance(error, RedunPermissionError)
    assert "AWS denies" in str(error)


@pytest.mark.parametrize("use", ["read", "write", "list"])
@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "ExpiredToken", "have expired. Log in"),
        (403, "InvalidAccessKeyId", "does not accept the credentials"),
        (403, "SignatureDoesNotMatch", "does not accept the credentials"),
    ],
)
def test_credentials_that_have_expired_or_are_wrong(
    answering: Answering, use: str, status: int, code: str, words: str
) -> None:
    answering.status, answering.code = status, code
    answering.details = f"<AWSAccessKeyId>{ACCESS_KEY}</AWSAccessKeyId><StringToSign>{SECRET_KEY}</StringToSign>"
    error = failure(use, "s3://bucket/key")
    assert isinstance(error, RedunPermissionError)
    assert words in str(error)


@pytest.mark.parametrize("use", USES)
def test_no_credentials(monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    error = failure(use, "s3://bucket/key")
    assert isinstance(error, RedunPermissionError)
    assert "there are no AWS credentials. Log in with `aws sso login`" in str(error)


@pytest.mark.parametrize("use", USES)
def test_no_network(monkeypatch: pytest.MonkeyPatch, use: str) -> None:
    set_boto_config('{"retries": {"total_max_attempts": 1}}')
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = failure(use, "s3://bucket/key")
    assert error.errno == errno.EHOSTUNREACH
    assert "AWS cannot be reached at http://127.0.0.1:9" in str(error)


def test_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RedunError, match="The config profile \\(nobody\\) could not be found"):
        File("s3://bucket/key").read()


@pytest.mark.parametrize(
    ("path", "words"),
    [("s3://", "no bucket"), ("s3:///key", "no bucket"), ("s3://Not_A Bucket/key", "bucket"), ("s3://b/\udc80", "key")],
)
def test_paths_that_cannot_be(path: str, words: str) -> None:
    with pytest.raises(RedunOSError, match=words):
        File(path).read()


def test_a_file_that_cannot_be_removed_with_its_folder_is_named(
    bucket: str, monkeypatch: pytest.MonkeyPatch, make_client: Any
) -> None:
    from redun_aws.s3.listing import delete_below
    from redun_aws.s3.places import Place

    File(f"s3://{bucket}/a/file").write("x")
    client = make_client("s3")
    # As S3 answers where a policy or a lock keeps one of them.
    client.meta.events.register(
        "after-call.s3.DeleteObjects",
        lambda parsed, **_: parsed.update(Errors=[{"Key": "a/file", "Code": "AccessDenied", "Message": "Locked"}]),
    )
    with pytest.raises(RedunPermissionError, match="a/file is not removed: AccessDenied Locked"):
        delete_below(client, Place(bucket, "a/"), f"s3://{bucket}/a")
