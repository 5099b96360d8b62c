"""What the README says about its example, beyond what it prints."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello" / "workflow.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[str, list[str]]:
    """The result as it is printed, and the tasks that ran."""
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout, sorted(re.findall(r"Run +Job \S+ hello\.(\w+)\(", result.stderr))


def test_the_example_runs_five_tasks_and_then_none(folder: Path) -> None:
    assert run(folder) == (
        "'recorded is the longest of 3 words'\n",
        ["describe", "main", "measure", "measure", "measure"],
    )
    assert run(folder) == ("'recorded is the longest of 3 words'\n", [])


def test_with_another_argument_only_what_is_new_runs(folder: Path) -> None:
    run(folder)
    printed, ran = run(folder, "--words", "lazy", "provenance")
    assert printed == "'provenance is the longest of 2 words'\n"
    assert ran == ["describe", "main", "measure"]


def test_with_an_edited_task_only_that_task_runs(folder: Path) -> None:
    run(folder)
    workflow = folder / "workflow.py"
    workflow.write_text(workflow.read_text().replace("the longest of", "the longest one of"))
    assert run(folder) == ("'recorded is the longest one of 3 words'\n", ["describe"])
