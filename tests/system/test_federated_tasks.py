"""Federated tasks: what another repository publishes, called within a workflow, or launched through a proxy."""

from __future__ import annotations

import http.server
import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from redun import Scheduler, task
from redun.backends.records import Status
from redun.config import Config
from redun.errors import ConfigError, InvalidValueError, UsageError
from redun.federated_tasks import (
    FederatedTaskError,
    InvocationException,
    federated_task,
    find_entry_point,
    invoke_lambda,
    lambda_federated_task,
    launch_federated_task,
    rest_federated_task,
    use_transport,
)
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_federated"
pytestmark = pytest.mark.timeout(120)

SHOP = """
from redun import task, get_context

redun_namespace = "shop"


@task()
def double(number):
    return 2 * number


@task()
def price(name, count=1, pause=None):
    return [name, double(count), get_context("currency")]


@task()
def refuse(name):
    raise ValueError(f"no {name} here")


@task(cache=False)
def restock(log):
    with open(log, "a") as file:
        file.write("tried ")
    with open(log) as file:
        text = file.read()
    if text != "tried tried ":
        raise OSError("closed")
    return text
"""

INI = """
[scheduler]
context = {"currency": "EUR"}

[executors.shop]
type = local
mode = process

[federated_tasks.price]
namespace = shop
task_name = price
load_module = federated_shop
executor = shop
config_dir = .
new_execution = true

[federated_tasks.refuse]
namespace = shop
task_name = refuse
load_module = federated_shop
executor = shop
config_dir = .
new_execution = true

[federated_tasks.restock]
namespace = shop
task_name = restock
load_module = federated_shop
executor = shop
config_dir = .
new_execution = true
max_retries = 2
retry_delay = 0
"""


@task()
def three() -> int:
    return 3


@task()
def main() -> Any:
    return federated_task("price", "eggs", count=three())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The configuration directory of another team, beside their code."""
    folder = tmp_path / "shop/.redun"
    folder.mkdir(parents=True)
    (folder / "redun.ini").write_text(INI)
    (folder.parent / "federated_shop.py").write_text(SHOP)
    return folder


@pytest.fixture
def scheduler(tmp_path: Path, shop: Path) -> Scheduler:
    """Ours, which has federated the shop."""
    from redun.config.discovery import load_config

    own = tmp_path / "own/.redun"
    own.mkdir(parents=True)
    (own / "redun.ini").write_text(f"[scheduler]\nfederated_configs = {shop}\n")
    return Scheduler(config=load_config(own))


def executions(config_dir: Path) -> list[Any]:
    backend = SqliteBackend(config_dir / "redun.db")
    backend.load()
    try:
        return backend.executions(limit=20)
    finally:
        backend.close()


# -- within a workflow -------------------------------------------------------------------------------------------------


def test_a_federated_task_runs_with_the_configuration_and_repository_of_its_owner(
    scheduler: Scheduler, shop: Path
) -> None:
    assert scheduler.run(main()) == ["eggs", 6, "EUR"]
    (theirs,) = executions(shop)
    assert (theirs.status, theirs.args[0]) == (Status.DONE, "subrun")
    rows = scheduler.backend.jobs(scheduler.execution_id)
    assert not any(row.task_name.startswith("shop.") for row in rows)


def test_it_is_looked_up_at_its_owner_in_every_execution(scheduler: Scheduler, shop: Path) -> None:
    scheduler.run(main())
    scheduler.run(main())
    newest = executions(shop)[0]
    backend = SqliteBackend(shop / "redun.db")
    backend.load()
    assert {row.status for row in backend.jobs(newest.id)} == {Status.CACHED}
    backend.close()


def test_its_error_is_raised_here(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no ham here"):
        scheduler.run(federated_task("refuse", "ham"))


def test_it_is_tried_again_as_its_section_says(scheduler: Scheduler, tmp_path: Path) -> None:
    assert scheduler.run(federated_task("restock", str(tmp_path / "log"))) == "tried tried "


def test_an_unknown_entry_point_is_an_error_that_names_the_known_ones(scheduler: Scheduler) -> None:
    with pytest.raises(FederatedTaskError, match=r"no federated task 'prize'.*Known: price, refuse"):
        scheduler.run(federated_task("prize"))


def test_all_missing_options_are_listed_with_the_place() -> None:
    config = Config()
    config.read_string("[federated_tasks.a]\nexecutor = x\nnamespace = y\n", "some.ini")
    with pytest.raises(AssertionError, match=r"some\.ini:1.*task_name, load_module, config_dir"):
        find_entry_point(config, "a")
    config.read_string(
        "[federated_tasks.a]\ntask_name=a\nload_module=b\nconfig_dir=/c\nnew_execution=perhaps\n", "b.ini"
    )
    with pytest.raises(FederatedTaskError, match="new_execution is 'perhaps'"):
        find_entry_point(config, "a")


def test_further_options_are_task_options_and_those_for_readers_are_not() -> None:
    needed = {"namespace": "", "task_name": "t", "load_module": "m", "executor": "e", "config_dir": "s3://bucket/x"}
    others = {"vcpus": "4", "image": "repo/image:1", "description": "What", "task_signature": "t()"}
    entry = find_entry_point(Config({"federated_tasks.a": {**needed, **others}}), "a")
    assert entry.full_name == "t"
    assert entry.config_dir == "s3://bucket/x"
    assert entry.task_options == {"vcpus": 4, "image": "repo/image:1"}


def test_a_configuration_directory_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    needed = {"namespace": "a", "task_name": "t", "load_module": "json", "executor": "inline"}
    config = Config({"federated_tasks.a": {**needed, "config_dir": "nowhere"}}, tmp_path)
    with pytest.raises(ConfigError, match=r"there is no .*nowhere/redun\.ini"):
        Scheduler(config=config).run(federated_task("a"))
    assert not (tmp_path / "nowhere").exists()


# -- through a proxy ---------------------------------------------------------------------------------------------------


class Proxy(http.server.ThreadingHTTPServer):
    """A server that launches what it is asked for, as the servers of users do."""

    def __init__(self, config_dir: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.config_dir = config_dir
        self.asked: list[dict[str, str]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/launch?token=s3cret"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(fields)
        if self.server.status == 200:
            launch_federated_task(
                str(self.server.config_dir),
                fields["entrypoint"],
                input_path=fields["input_path"],
                execution_id=fields["execution_id"],
                cache=fields["cache"] == "True",
            )
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A real server on the loopback."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    use_our_redun(monkeypatch, shop)
    with Proxy(shop) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def use_our_redun(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    # `redun run federated_shop` looks for the module in its working directory, and where Python does.
    monkeypatch.setenv("PYTHONPATH", str(shop.parent), prepend=os.pathsep)


def wait_for(config_dir: Path, execution_id: str) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (config_dir / "redun.db").exists():
            for execution in executions(config_dir):
                if execution.id == execution_id and execution.status is not Status.RUNNING:
                    return execution
        time.sleep(0.05)
    raise AssertionError(f"execution {execution_id} has not ended")


def result_of(config_dir: Path, execution_id: str) -> Any:
    from redun.value import decode

    backend = SqliteBackend(config_dir / "redun.db")
    backend.load()
    try:
        job = backend.job(execution_id, 1)
        assert job is not None
        assert job.call_hash is not None
        call = backend.call(job.call_hash)
        assert call is not None
        stored = backend.load_values([call.value_hash])[call.value_hash]
        return decode(stored.codec, stored.data, stored.type_name)
    finally:
        backend.close()


def test_a_task_is_launched_by_http_and_known_by_its_execution(
    scheduler: Scheduler, proxy: Proxy, shop: Path, tmp_path: Path
) -> None:
    called = rest_federated_task("kitchen", "price", proxy.url, str(tmp_path / "scratch"), False, "eggs", count=three())
    execution_id, payload = scheduler.run(called)
    (asked,) = proxy.asked
    assert asked == {name: str(value) for name, value in payload.items()}
    path = tmp_path / f"scratch/execution/{execution_id}/input"
    assert payload == {
        "config_name": "kitchen",
        "entrypoint": "price",
        "input_path": str(path),
        "execution_id": execution_id,
        "cache": True,
    }
    assert pickle.loads(path.read_bytes()) == [("eggs",), {"count": 3}]
    assert path.parent.stat().st_mode & 0o077 == 0
    execution = wait_for(shop, execution_id)
    assert execution.status is Status.DONE
    assert "--input" in execution.args
    assert result_of(shop, execution_id) == ["eggs", 6, "EUR"]


def test_a_dry_run_asks_nobody(scheduler: Scheduler, proxy: Proxy, tmp_path: Path) -> None:
    called = rest_federated_task("kitchen", "price", proxy.url, str(tmp_path), True, "eggs", cache=False)
    execution_id, payload = scheduler.run(called)
    assert proxy.asked == []
    assert payload["execution_id"] == execution_id
    assert payload["cache"] is False


def test_a_proxy_that_refuses_is_an_error_without_its_secrets(
    scheduler: Scheduler, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.status = 503
    with pytest.raises(
        InvocationException, match=rf"127\.0\.0\.1:{proxy.server_port}/launch did not accept .*'price'.* 503"
    ) as caught:
        scheduler.run(rest_federated_task("kitchen", "price", proxy.url, str(tmp_path), False))
    assert "s3cret" not in str(caught.value)
    with pytest.raises(InvocationException, match="by http or https, not by 'file'"):
        scheduler.run(rest_federated_task("kitchen", "price", "file:///etc/hosts", str(tmp_path), False))


class RecordingLambda:
    """Stands in for boto3's client: there is no AWS Lambda here. It speaks the part of the protocol that is used."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"StatusCode": 200, **answer}
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        return self.answer


def test_a_function_of_aws_lambda_is_sent_the_same_as_json(scheduler: Scheduler, tmp_path: Path) -> None:
    client = RecordingLambda()
    with use_transport("lambda", lambda name, payload: invoke_lambda(name, payload, client)):
        called = lambda_federated_task("kitchen", "price", "launcher", str(tmp_path), False, "eggs", cache=False)
        execution_id, payload = scheduler.run(called)
    (call,) = client.calls
    assert call["FunctionName"] == "launcher"
    assert json.loads(call["Payload"]) == payload
    assert payload["execution_id"] == execution_id


@pytest.mark.parametrize("answer", [{"StatusCode": 500}, {"FunctionError": "Unhandled"}])
def test_a_function_that_fails_is_an_error(scheduler: Scheduler, tmp_path: Path, answer: dict[str, Any]) -> None:
    client = RecordingLambda(**answer)
    with (
        use_transport("lambda", lambda name, payload: invoke_lambda(name, payload, client)),
        pytest.raises(InvocationException, match="'launcher' did not accept"),
    ):
        scheduler.run(lambda_federated_task("kitchen", "price", "launcher", str(tmp_path), False))


# -- the proxy's side --------------------------------------------------------------------------------------------------


def test_launching_returns_the_execution_at_once_and_writes_its_input(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_our_redun(monkeypatch, shop)
    execution_id = launch_federated_task(str(shop), "price", ("ham",), {"count": 5})
    assert wait_for(shop, execution_id).status is Status.DONE
    assert result_of(shop, execution_id) == ["ham", 10, "EUR"]
    again = launch_federated_task(str(shop), "price", ("ham",), {"count": 5}, cache=False)
    assert "--no-cache" in wait_for(shop, again).args


def test_a_process_that_launches_does_not_take_the_execution_with_it_when_it_ends(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_our_redun(monkeypatch, shop)
    code = "import sys; from redun import federated_tasks as f; print(f.launch_federated_task(*sys.argv[1:], ('ham',)))"
    done = subprocess.run([sys.executable, "-c", code, str(shop), "price"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert wait_for(shop, done.stdout.strip()).status is Status.DONE


def test_launching_refuses_what_makes_no_sense(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        launch_federated_task(str(shop), "price", ("ham",), input_path="somewhere")
    with pytest.raises(UsageError, match="must be a UUID"):
        launch_federated_task(str(shop), "price", execution_id="seven")
    with pytest.raises(ConfigError, match=r"there is no .*redun\.ini"):
        launch_federated_task(str(tmp_path / "nowhere"), "price")
    with pytest.raises(FederatedTaskError, match="no federated task 'prize'"):
        launch_federated_task(str(shop), "prize")
    with pytest.raises(InvalidValueError, match=r"arguments of a federated task.* at value\[0\]\[0\] is a"):
        launch_federated_task(str(shop), "price", (lambda: 1,))
    assert not (shop / "federated").exists()
