"""The example in examples/subrun keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "subrun"
NOT_COPIED = shutil.ignore_patterns(".redun", "__pycache__")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "subrun"
    shutil.copytree(EXAMPLE, target, ignore=NOT_COPIED)
    (target / ".redun").mkdir()
    return target


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "redun", *arguments], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    return result


def runs(folder: Path) -> list[str]:
    stderr = redun(folder, "run", "workflow.py", "main").stderr
    return sorted(re.findall(r"Run +Job \S+ (?:subrun_example|redun)\.(\w+)\(", stderr))


def test_sub_runs_count_their_books_and_are_cached(folder: Path) -> None:
    assert runs(folder) == [
        *["add_counts"] * 2,
        *["count_book"] * 2,
        *["count_words"] * 6,
        "main",
        *["subrun_root_task"] * 2,
    ]
    assert runs(folder) == []
    counted = ast.literal_eval(redun(folder, "run", "workflow.py", "main").stdout)
    assert counted["south"] == {"sun": 2, "and": 2, "sand": 2, "sea": 1}


def test_the_log_shows_the_jobs_of_a_sub_run_below_its_job(folder: Path) -> None:
    runs(folder)
    tree = [line for line in redun(folder, "log", "-").stdout.splitlines() if line.lstrip().startswith("Job ")]
    levels = [
        ((len(line) - len(line.lstrip())) // 2, line.split("]")[1].split(":  ")[1].split("(")[0]) for line in tree
    ]
    book = [
        (1, "redun.subrun_root_task"),
        (2, "subrun_example.count_book"),
        *[(3, "subrun_example.count_words")] * 3,
        (3, "subrun_example.add_counts"),
    ]
    assert levels == [(0, "subrun_example.main"), *book, *book]


def test_each_sub_run_is_another_process(folder: Path) -> None:
    processes = ast.literal_eval(redun(folder, "run", "workflow.py", "processes").stdout)
    assert len(set(processes)) == len(processes) == 3


def test_an_edited_task_runs_again_in_both_and_nothing_else(folder: Path) -> None:
    runs(folder)
    workflow = folder / "workflow.py"
    text = workflow.read_text()
    assert text.count("get(word, 0) + number") == 1
    workflow.write_text(text.replace("get(word, 0) + number", "get(word, 0) + number + 0"))
    assert runs(folder) == ["add_counts", "add_counts", "subrun_root_task", "subrun_root_task"]
