"""The context on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.standard

WORKFLOW = """
from redun import get_context, task

redun_namespace = "flow"

@task
def main(x: int, port: int = get_context("db.port", 1)) -> list:
    return [x, port, get_context("db", {})]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(WORKFLOW)
    (tmp_path / "context.json").write_text(json.dumps({"db": {"port": 9, "host": "h"}}))
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", "run", "flow.py", "main", "--x", "1", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_values_come_over_the_file_and_the_file_over_the_configuration(folder: Path) -> None:
    (folder / ".redun").mkdir()
    (folder / ".redun" / "redun.ini").write_text('[scheduler]\ncontext = {"db": {"user": "u", "host": "other"}}\n')
    done = run(folder, "--context-file", "context.json", "--context", "db.port=7")
    assert done.stdout == "[1, 7, {'host': 'h', 'port': 7, 'user': 'u'}]\n"
    assert run(folder).stdout == "[1, 1, {'host': 'other', 'user': 'u'}]\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--context-file", "missing.json"], "missing.json cannot be read: No such file"),
        (["--context-file", "flow.py"], "flow.py is not valid JSON"),
        (["--context", "a..b=1"], "names joined by dots"),
        (["--context", "a"], "'a' should have the form key=value"),
    ],
)
def test_what_cannot_be_read_is_one_message(folder: Path, words: list[str], message: str) -> None:
    done = run(folder, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
