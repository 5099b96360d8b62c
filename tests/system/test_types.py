"""Type checkers accept workflows that are right, and report each wrong line of those that are not."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "typed"
ACCEPTED, REJECTED = SAMPLES / "accepted.py", SAMPLES / "rejected.py"


def marked_lines(file: Path) -> list[int]:
    return [number for number, line in enumerate(file.read_text().splitlines(), 1) if "# wrong:" in line]


def mypy_errors(file: Path, cache: Path) -> list[int]:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("needs mypy: it is in the dependency group `types`, and `tox -e types` runs this test")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "--config-file=", file]
    result = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    errors = re.findall(r"^.*?:(\d+): error: .*$", result.stdout, re.MULTILINE)
    assert bool(errors) is bool(result.returncode), result.stdout
    return sorted({int(number) for number in errors})


def pyright_errors(file: Path, folder: Path) -> list[int]:
    if importlib.util.find_spec("pyright") is None or shutil.which("node") is None:
        pytest.skip("needs pyright and node: pip install pyright")
    pyright = [sys.executable, "-m", "pyright"]
    if subprocess.run([*pyright, "--version"], capture_output=True, timeout=170).returncode:
        pytest.skip("pyright cannot be downloaded from the npm registry")
    command = [*pyright, "--outputjson", "--pythonpath", sys.executable, file]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170)
    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, result.stdout
    problems = report["generalDiagnostics"]
    return sorted({problem["range"]["start"]["line"] + 1 for problem in problems if problem["severity"] == "error"})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy has found out about redun, for both files."""
    return tmp_path_factory.mktemp("mypy")


def test_mypy_strict_accepts_every_way_of_writing_a_workflow(cache: Path) -> None:
    assert mypy_errors(ACCEPTED, cache) == []


def test_mypy_strict_reports_each_wrong_line(cache: Path) -> None:
    assert mypy_errors(REJECTED, cache) == marked_lines(REJECTED)


def test_pyright_accepts_every_way_of_writing_a_workflow(tmp_path: Path) -> None:
    assert pyright_errors(ACCEPTED, tmp_path) == []


def test_pyright_reports_each_wrong_line(tmp_path: Path) -> None:
    assert pyright_errors(REJECTED, tmp_path) == marked_lines(REJECTED)
