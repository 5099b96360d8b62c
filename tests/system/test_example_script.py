"""The example in examples/script keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "script"
NOT_COPIED = shutil.ignore_patterns(".redun", "__pycache__", "counts", "all.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=NOT_COPIED)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def run(folder: Path) -> tuple[str, int]:
    """The result as it is printed, and how many scripts ran."""
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    return result.stdout, len(re.findall(r"Run +Job \S+ redun\.script_task\(", result.stderr))


RESULT = "\"'the' comes 8 times; different words in each text: [13, 12]\"\n"


def test_three_scripts_run_and_then_none(folder: Path) -> None:
    assert run(folder) == (RESULT, 3)
    assert (folder / "all.txt").read_text().splitlines()[0] == "8 the"
    assert sorted(path.name for path in (folder / "counts").iterdir()) == ["hill.txt", "sea.txt"]
    assert run(folder) == (RESULT, 0)


def edit_text(folder: Path) -> None:
    (folder / "texts" / "sea.txt").write_text("the the the the\n")


def edit_pipeline(folder: Path) -> None:
    workflow = folder / "workflow.py"
    workflow.write_text(workflow.read_text().replace("| sort |", "| LC_ALL=C sort |"))


@pytest.mark.parametrize(
    ("change", "scripts"),
    [
        (edit_text, 2),
        (edit_pipeline, 3),
        (lambda folder: (folder / "counts" / "hill.txt").unlink(), 2),
        (lambda folder: (folder / "all.txt").unlink(), 1),
    ],
    ids=["a text", "the pipeline", "a table", "the sum"],
)
def test_a_change_runs_what_depends_on_it(folder: Path, change: Callable[[Path], None], scripts: int) -> None:
    run(folder)
    change(folder)
    assert run(folder)[1] == scripts
    assert run(folder)[1] == 0
    assert (folder / "all.txt").exists()
    assert (folder / "counts" / "hill.txt").exists()
