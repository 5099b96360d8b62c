"""Clients of AWS: how many, with which options, and what is imported for them when."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.errors import ConfigError, RedunError
from redun.executors.inline import InlineExecutor
from redun_aws import boto_options
from redun_aws.boto_options import BOTO_CONFIG_ENV, set_boto_config
from redun_aws.sessions import client, default_region


def in_thread(function: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def run_python(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_thread_has_one_client_for_each_service_and_place() -> None:
    first = client("s3")
    assert client("s3") is first
    assert client("sts") is not first
    assert client("s3", "eu-west-1") is not first
    assert client("s3", endpoint="http://127.0.0.1:1") is not first
    assert client("s3", connect_timeout=1) is not first
    assert client("s3", connect_timeout=1) is client("s3", connect_timeout=1)
    assert in_thread(lambda: client("s3")) is not first
    assert client("s3") is first


def test_threads_share_what_is_read_and_no_session() -> None:
    import redun_aws.sessions as module

    client("s3")
    mine = module._clients.session
    other = in_thread(lambda: (client("s3"), module._clients.session)[1])
    assert mine is not None
    assert other is not mine
    loaders = [session._session.get_component("data_loader") for session in (mine, other)]
    assert loaders[0] is loaders[1]


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"])
def test_whoever_logs_in_again_gets_new_clients(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = client("s3")
    monkeypatch.setenv(name, "http://127.0.0.1:2" if "URL" in name else "changed")
    assert client("s3") is not before


def test_a_forked_process_makes_clients_of_its_own(tmp_path: Path) -> None:
    code = """
import os
from redun_aws.sessions import client
before = client("s3")
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b"own" if client("s3") is not before else b"shared")
    os._exit(0)
os.wait()
print(os.read(read, 10).decode())
"""
    assert run_python(code, tmp_path) == "own"


def test_the_region_is_the_first_that_somebody_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client("s3").meta.region_name == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert client("s3").meta.region_name == default_region() == "eu-west-1"
    assert client("s3", "eu-central-1").meta.region_name == "eu-central-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert client("s3").meta.region_name == default_region() == "us-west-2"


# boto_config.


def test_requests_are_tried_again_in_the_standard_mode() -> None:
    assert client("s3").meta.config.retries == {"mode": "standard"}
    set_boto_config('{"retries": {"max_attempts": 7}}')
    assert client("s3").meta.config.retries == {"mode": "standard", "total_max_attempts": 8}
    set_boto_config('{"retries": {"mode": "adaptive"}, "read_timeout": 5}')
    assert client("s3").meta.config.retries == {"mode": "adaptive"}
    assert client("s3").meta.config.read_timeout == 5
    set_boto_config(None)
    assert client("s3").meta.config.retries == {"mode": "standard"}


def test_public_files_are_read_without_credentials(bucket: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from redun import File

    s3.put_object(Bucket=bucket, Key="file", Body=b"content", ACL="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    set_boto_config('{"signature_version": "unsigned"}')
    assert File(f"s3://{bucket}/file").read() == "content"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "that is no JSON"),
        ("[1]", "write a JSON object"),
        ('{"retrys": {}}', "botocore's Config has no option 'retrys'; did you mean retries?"),
        ('{"retries": {"mode": "hard"}}', 'Invalid value provided to "mode": "hard"'),
        ('{"retries": {"tries": 1}}', "tries"),
        ('{"retries": {"max_attempts": -1}}', "max_attempts"),
        ('{"s3": {"addressing_style": "odd"}}', "addressing"),
        ('{"proxies": {"http": "http://***@proxy"}}', "holds a password"),
    ],
)
def test_a_wrong_option_is_named_when_a_client_is_made(text: str, words: str) -> None:
    set_boto_config(text)
    with pytest.raises(ConfigError) as caught:
        client("s3")
    message = str(caught.value)
    assert message.startswith("[scheduler] boto_config")
    assert words in message
    assert "\n" not in message


def test_a_run_says_which_options_count_also_for_the_processes_that_it_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(boto_options, "_of_run", None)
    monkeypatch.setenv(BOTO_CONFIG_ENV, "")

    @task(namespace="boto_test", cache=False)
    def look() -> int:
        code = "from redun_aws.sessions import client; print(client('s3').meta.config.read_timeout)"
        assert run_python(code, tmp_path) == str(client("s3").meta.config.read_timeout)
        return client("s3").meta.config.read_timeout

    def run(section: dict[str, str]) -> int:
        scheduler = Scheduler({"scheduler": section}, backend=MemoryBackend(), executor=InlineExecutor("default"))
        return scheduler.run(look())

    assert run({"boto_config": '{"read_timeout": 17}'}) == 17
    assert run({}) == 60
    assert BOTO_CONFIG_ENV not in os.environ


def test_outside_of_a_run_the_configuration_file_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun/redun.ini").write_text('[scheduler]\nboto_config = {"read_timeout": 18}\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setattr(boto_options, "_of_run", None)
    assert client("s3").meta.config.read_timeout == 18
    monkeypatch.setenv("REDUN_CONFIG", str(tmp_path / "other"))
    assert client("s3").meta.config.read_timeout == 60
    assert not (tmp_path / "other").exists()


def test_no_client_without_a_profile_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(RedunError, match="nobody"):
        client("s3")


# What it costs those who do not use it.


def test_the_plugin_imports_nothing_of_aws(tmp_path: Path) -> None:
    code = """
import sys
from redun.plugins import get_plugins
found = get_plugins()
assert not found.problems(), found.problems()
assert "aws" in found.commands() and "s3" in found.filesystems()
print(*[name for name in sys.modules if name.startswith(("boto", "s3transfer", "redun_aws."))])
"""
    assert run_python(code, tmp_path) == "redun_aws.plugin"


def test_a_run_without_a_sign_of_credentials_imports_nothing_of_aws(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    (tmp_path / "flow.py").write_text("from redun import task\n@task(namespace='a')\ndef main():\n    return 1\n")
    code = """
import sys
from redun.cli import main
try:
    main(["run", "flow.py", "main"])
except SystemExit as end:
    assert not end.code
print(*sorted(name for name in sys.modules if name.startswith(("boto", "s3transfer", "redun_aws."))))
"""
    output = run_python(code, tmp_path).splitlines()[-1]
    assert output == "redun_aws.boto_options redun_aws.credential_signs redun_aws.plugin"
