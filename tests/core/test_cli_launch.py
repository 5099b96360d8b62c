"""`redun launch`: a command on an executor."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import remote_fixtures
from redun import register_executor
from redun.cli.entry import run_command_line
from redun.plugins import Plugins, use_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redun.testing.remote_cluster import LocalCluster

cluster = remote_fixtures.cluster
INI = """
[executors.far]
type = test_cluster
scratch = ../scratch
socket = {socket}
working_folder = {folder}
code_includes = *.py
job_monitor_interval = 0.05

[executors.bare]
type = test_cluster
scratch = ../scratch
socket = {socket}
code_package = False
"""


@pytest.fixture
def folder(cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration with executors for the cluster, whose jobs run in `elsewhere`."""
    for name in (".redun", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / ".redun/redun.ini").write_text(INI.format(socket=cluster.socket, folder=tmp_path / "elsewhere"))
    (tmp_path / "flow.py").write_text("print('flowing')\n")
    monkeypatch.chdir(tmp_path)
    redun_logger = logging.getLogger("redun")
    handlers = redun_logger.handlers[:]
    with use_plugins(Plugins.load([], disabled=frozenset())):
        register_executor(
            "test_cluster",
            "redun.testing.remote_cluster.ClusterExecutor",
            settings="redun.testing.remote_cluster_settings:ClusterSettings",
        )
        yield tmp_path
    redun_logger.handlers[:] = handlers


def launch(*words: str) -> int:
    return run_command_line(["launch", *words])


def test_a_command_is_begun_and_nobody_waits_for_it(
    cluster: LocalCluster, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.fault(hold=True)
    assert launch("--executor", "far", "touch", "with a space") == 0
    assert capfd.readouterr().out == "job-1\n"
    cluster.fault(hold=False)
    cluster.wait_for("succeeded", 1)
    assert (folder / "elsewhere" / "with a space").exists()


def test_one_may_wait_and_see_what_it_prints(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert launch("--executor", "far", "--wait", "echo one\necho $((1 + 1))") == 0
    assert capfd.readouterr().out == "one\n2\n"
    assert launch("--executor", "far", "--wait", "exit 5") == 5
    assert "exit code 5" in capfd.readouterr().err
    assert folder.exists()


def test_the_code_may_be_sent_along(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert launch("--executor", "far", "--code-package", "--wait", "python3", "flow.py") == 0
    assert capfd.readouterr().out == "flowing\n"
    assert (folder / "elsewhere" / "flow.py").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--executor", "bare", "--code-package", "ls"], "the executor 'bare' sends no code along"),
        (["--executor", "default", "--code-package", "ls"], "the executor 'default' sends no code along"),
        (["--executor", "nowhere", "ls"], "nowhere"),
        (["ls"], "Missing option '--executor'"),
        (["--executor", "far"], "which command?"),
        (["--executor", "far", "-o", "memory", "ls"], "--option"),
    ],
)
def test_a_mistake_is_one_message(
    folder: Path, capfd: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert launch(*words) != 0
    assert message in capfd.readouterr().err
    assert folder.exists()
