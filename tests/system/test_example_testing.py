"""The example in examples/testing passes its own tests, and they fail when the workflow is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "testing"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("__pycache__", ".redun", ".pytest_cache"))
    (target / ".redun").mkdir()
    return target


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_its_tests_pass_and_notice_what_is_wrong(folder: Path) -> None:
    command = ("pytest", "-q", "-p", "no:cacheprovider")
    passed = run(folder, *command)
    assert passed.returncode == 0, passed.stdout
    assert "5 passed" in passed.stdout
    workflow = folder / "workflow.py"
    workflow.write_text(
        workflow.read_text().replace("price(item) for item", "price.options(cache_scope='NONE')(item) for item")
    )
    uncached = run(folder, *command)
    assert "FAILED test_workflow.py::test_a_discount_does_not_ask_for_prices_again" in uncached.stdout


def test_the_workflow_runs(folder: Path) -> None:
    result = run(folder, "redun", "run", "workflow.py", "main", "--items", "apple", "pear")
    assert (result.returncode, result.stdout) == (0, "7\n"), result.stderr
