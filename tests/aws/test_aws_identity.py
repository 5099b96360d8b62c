"""Tags that say who somebody is to AWS, and that never get in the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redun.cli import main
from redun_aws.credential_signs import has_sign_of_credentials
from redun_aws.identity import identity_tags, short_name
from redun_aws.plugin import redun_execution_tags

LONG = 60.0


def test_a_user_and_a_session_of_a_role_have_names(monkeypatch: pytest.MonkeyPatch, make_client: Any) -> None:
    arn = "arn:aws:sts::123456789012:user/moto"
    assert identity_tags(LONG) == {"user_aws_arn": arn, "user_aws": "moto"}
    role = "arn:aws:iam::123456789012:role/Admin"
    answer = make_client("sts").assume_role(RoleArn=role, RoleSessionName="ann@example.org")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", answer["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", answer["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", answer["SessionToken"])
    arn = "arn:aws:sts::123456789012:assumed-role/Admin/ann@example.org"
    assert identity_tags(LONG) == {"user_aws_arn": arn, "user_aws": "ann@example.org"}


def test_the_owner_of_the_account_has_a_name() -> None:
    assert short_name("arn:aws:iam::123456789012:root") == "root"


def test_without_a_network_there_is_no_tag(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert identity_tags(LONG) == {}
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_slow_service_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, silent_server: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", silent_server)
    assert identity_tags(0.2) == {}


def test_a_program_for_credentials_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.set()
        over.wait()

    # As boto3 does where `credential_process` does: none of its own limits counts there.
    monkeypatch.setattr("redun_aws.identity.client", hang)
    try:
        assert identity_tags(0.2) == {}
        assert asked.is_set()
    finally:
        over.set()


@pytest.mark.parametrize("wrong", ["profile", "options", "credentials"])
def test_what_is_wrong_here_is_no_failure(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    from redun_aws.boto_options import set_boto_config

    if wrong == "profile":
        monkeypatch.setenv("AWS_PROFILE", "nobody")
    elif wrong == "options":
        set_boto_config("{")
    else:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert identity_tags(LONG) == {}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def test_nobody_is_asked_without_a_sign_of_credentials(
    nobody: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_sign_of_credentials()
    assert redun_execution_tags() == {}
    config = home / "only a region"
    config.write_text("[default]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert not has_sign_of_credentials()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ACCESS_KEY_ID", "A"),
        ("AWS_PROFILE", "p"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/x"),
    ],
)
def test_the_environment_may_show_it(nobody: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert has_sign_of_credentials()


@pytest.mark.parametrize("text", ["[default]\naws_access_key_id = A\n", "[profile p]\nsso_session = s\n"])
@pytest.mark.parametrize("name", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"])
def test_files_may_show_it(nobody: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    (tmp_path / "file").write_text(text)
    monkeypatch.setenv(name, str(tmp_path / "file"))
    assert has_sign_of_credentials()


def test_an_execution_has_them_unless_the_user_does_not_want_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "from redun import task\n@task(namespace='a')\ndef main():\n    return 1\n"
    (tmp_path / "flow_of_identity.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("redun_aws.identity.TIME_LIMIT", LONG)
    monkeypatch.setattr("redun.plugins.manager.Plugins.execution_tags.__defaults__", (LONG,))

    def redun(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(words))
        assert not end.value.code
        return capsys.readouterr().out

    redun("run", "flow_of_identity.py", "main")
    assert "user_aws=moto" in redun("log", "-")
    redun("run", "--exclude-user", "aws", "flow_of_identity.py", "main")
    assert "user_aws" not in redun("log", "-")
