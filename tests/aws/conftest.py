"""A server that speaks AWS's protocols, on this machine only, for all tests of this folder."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from redun.plugins.connect import connect_filesystems
from redun_aws import boto_options

sys.path.append(str(Path(__file__).parent))

from aws_names import ACCESS_KEY, SECRET_KEY


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """Where the server is."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home directory of somebody without any files of AWS."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def aws(aws_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of somebody with credentials for the server, and with nothing else of AWS on this machine."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "REDUN_BOTO"))]:
        monkeypatch.delenv(name)
    settings = {
        "HOME": str(home),
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto_options, "_of_run", "")
    connect_filesystems()
    return aws_url


@pytest.fixture(scope="session")
def make_client(aws_url: str) -> Any:
    """Makes a client of the tests' own."""

    def make(service: str, region: str = "us-east-1", **options: Any) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=aws_url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            **options,
        )

    return make


@pytest.fixture(scope="session")
def s3(make_client: Any) -> Any:
    """A client of S3 of the tests' own."""
    return make_client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of an empty bucket."""
    name = f"bucket-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """The operations of S3 that this thread's client asks for, by name, while a test runs."""
    from redun_aws.sessions import client

    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    events = client("s3").meta.events
    events.register("before-call.s3", note)
    yield asked
    events.unregister("before-call.s3", note)


@pytest.fixture
def fill(bucket: str) -> Any:
    """Puts many objects into the bucket, past the protocol: their contents by key."""
    from moto.s3.models import s3_backends

    def fill(contents: dict[str, bytes]) -> None:
        for key, content in contents.items():
            s3_backends["123456789012"]["aws"].put_object(bucket, key, content)

    return fill
