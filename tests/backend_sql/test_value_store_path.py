"""`value_store_path`: what cannot be used is told before any work, and a password in it is never shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from redun.cli.entry import run_command_line

WORKFLOW = """
from pathlib import Path
from redun import task

redun_namespace = "test_value_store_path"

@task
def main():
    Path("ran").touch()
    return "x" * 5000
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "workflow", raising=False)
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def configure(project: Path, option: str) -> None:
    (project / ".redun" / "redun.ini").write_text(f"[backend]\ndb_uri = sqlite:///redun.db\n{option}\n")


@pytest.mark.parametrize("path", ["ftp://me:hidden@localhost:1/x", "nosuch://x"])
def test_a_wrong_url_is_refused_where_the_configuration_is_read(
    path: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, f"value_store_path = {path}")
    for words in (["config", "check"], ["run", "workflow.py", "main"]):
        assert run_command_line(words) == 2
        captured = capsys.readouterr()
        told = captured.out + captured.err
        assert "hidden" not in told
        assert "value_store_path" in told
        assert "line 3" in told or "redun.ini:3" in told, told
    assert not (project / "ran").exists()


@pytest.mark.parametrize("path", ["/dev/null", "/proc/values"])
def test_a_folder_that_cannot_be_written_ends_a_run_before_its_work(
    path: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, f"value_store_path = {path}")
    assert run_command_line(["run", "workflow.py", "main"]) == 2
    assert "[backend] value_store_path" in capsys.readouterr().err
    assert not (project / "ran").exists()
    assert run_command_line(["log"]) == 0
    assert "LOST" not in capsys.readouterr().out


def test_the_largest_size_has_a_least_value(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(project, "max_value_size = 50")
    assert run_command_line(["config", "check"]) == 2
    assert "greater than or equal to 1000" in str(capsys.readouterr())
