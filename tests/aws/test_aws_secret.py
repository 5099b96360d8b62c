"""The login of a database, from AWS Secrets Manager."""

from __future__ import annotations

import json
import os
import sys
import traceback
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redun.errors import ConfigError, RedunError
from redun_aws.database_secret import database_secret
from redun_aws.errors import AwsConnectionError, AwsCredentialsError

PASSWORD = "never shown"
RDS = {
    "engine": "postgres",
    "host": "db.example.org",
    "port": 5433,
    "username": "ann",
    "password": PASSWORD,
    "dbname": "redun",
    "dbInstanceIdentifier": "db-1",
}


@pytest.fixture
def keep(make_client: Any) -> Callable[..., Any]:
    """Has a secret kept under a new name."""

    def keep(content: Any, region: str = "us-west-2") -> Any:
        kind = "SecretBinary" if isinstance(content, bytes) else "SecretString"
        text = json.dumps(content) if isinstance(content, dict) else content
        return make_client("secretsmanager", region).create_secret(Name=f"db-{uuid.uuid4()}", **{kind: text})

    return keep


def failure(name: str) -> RedunError:
    with pytest.raises(RedunError) as caught:
        database_secret(name)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert "db.example.org" not in shown
    assert f"the secret {name!r} in us-west-2" in str(caught.value)
    return caught.value


def test_the_fields_are_those_that_rds_writes(keep: Callable[..., Any]) -> None:
    expected = {"engine", "host", "port", "username", "password", "dbname"}
    found = database_secret(keep(RDS)["Name"])
    assert found == {name: str(RDS[name]) for name in expected}


def test_a_name_is_looked_up_in_the_region_of_the_environment_and_an_arn_in_its_own(
    keep: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = keep(RDS, "eu-west-1")
    failure(secret["Name"])
    assert database_secret(secret["ARN"])["username"] == "ann"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert database_secret(secret["Name"])["username"] == "ann"


def test_a_secret_that_does_not_exist_is_a_mistake_in_the_configuration() -> None:
    error = failure("db-none")
    assert isinstance(error, ConfigError)
    assert "does not exist. AWS_REGION names another region" in str(error)


@pytest.mark.parametrize("content", [PASSWORD, f'["{PASSWORD}"]', f'{{"password": "{PASSWORD}', PASSWORD.encode()])
def test_what_is_no_json_object_is_not_shown(keep: Callable[..., Any], content: Any) -> None:
    assert "is no JSON object with the fields engine, host, port" in str(failure(keep(content)["Name"]))


def test_missing_fields_are_named(keep: Callable[..., Any]) -> None:
    assert str(failure(keep({"username": "ann", "password": PASSWORD})["Name"])).endswith("lacks host, dbname")
    assert str(failure(keep({**RDS, "password": ""})["Name"])).endswith("lacks password")


def test_without_credentials_or_network_nothing_is_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        assert isinstance(failure("db"), AwsCredentialsError)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("redun_aws.boto_options._of_run", '{"retries": {"total_max_attempts": 1}}')
    assert isinstance(failure("db"), AwsConnectionError)


def test_a_denied_secret_says_what_is_denied(monkeypatch: pytest.MonkeyPatch, keep: Callable[..., Any]) -> None:
    from botocore.exceptions import ClientError
    from redun_aws.sessions import client

    name = keep(RDS)["Name"]
    secrets = client("secretsmanager", "us-west-2")

    def deny(**_: Any) -> None:
        error = {"Code": "AccessDeniedException", "Message": "User: arn:x is not authorized to perform: y"}
        raise ClientError({"Error": error}, "GetSecretValue")  # type: ignore[typeddict-item]

    # The protocol server asks for no permissions.
    secrets.meta.events.register("before-call.secrets-manager.GetSecretValue", deny)
    try:
        assert "AWS denies GetSecretValue: User: arn:x is not authorized" in str(failure(name))
    finally:
        secrets.meta.events.unregister("before-call.secrets-manager.GetSecretValue", deny)


@pytest.fixture
def postgres() -> Iterator[Any]:
    """Parameters of a PostgreSQL server for a new database."""
    sys.path.append(str(Path(__file__).parents[1] / "backend_sql"))
    try:
        import postgres_server
        from postgres_fixtures import new_server
    finally:
        sys.path.pop()
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        parts = urlsplit(given)
        yield {
            "host": parts.hostname,
            "port": parts.port or 5432,
            "username": parts.username,
            "password": parts.password,
        }
        return
    server = new_server()
    try:
        server.start()
        socket = str(server.folder).replace("/", "%2F")
        yield {"host": socket, "username": postgres_server.USER, "password": postgres_server.PASSWORD}
    finally:
        server.remove()


def test_a_repository_is_opened_with_it(postgres: dict[str, Any], keep: Callable[..., Any]) -> None:
    from redun_backend_sql.factory import make_backend

    name = keep({"engine": "postgres", "dbname": "postgres", **postgres})["Name"]
    backend = make_backend(types.SimpleNamespace(), db_aws_secret_name=name, automigrate=True)  # type: ignore[arg-type]
    backend.load()
    assert list(backend.executions(limit=1)) == []
    backend.close()
