"""The example with a database behind a handle: what runs again after which edit, and what is in the database."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "handles" / "workflow.py"
ALL = ["add_discounts", "add_taxes", "add_totals", "load", "main", "read_totals"]


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
    return result.stdout.strip(), sorted(re.findall(r"Run +Job \S+ shop\.(\w+)\(", result.stderr))


def edit(folder: Path, old: str, new: str) -> None:
    workflow = folder / "workflow.py"
    text = workflow.read_text()
    assert old in text
    workflow.write_text(text.replace(old, new))


def taxes(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        return [amount for (amount,) in connection.execute("SELECT amount FROM tax ORDER BY item")]


def test_an_edit_runs_one_branch_again_and_so_does_taking_it_back(folder: Path) -> None:
    assert run(folder) == ("[60, 110, 220]", ALL)
    assert run(folder) == ("[60, 110, 220]", [])
    edit(folder, "price / 5", "price / 2")
    assert run(folder) == ("[75, 140, 280]", ["add_taxes", "add_totals", "read_totals"])
    assert taxes(folder) == [25, 50, 100]
    edit(folder, "price / 2", "price / 5")
    assert run(folder) == ("[60, 110, 220]", ["add_taxes", "add_totals"])
    assert taxes(folder) == [10, 20, 40]
    assert run(folder) == ("[60, 110, 220]", [])
