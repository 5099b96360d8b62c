"""The example in examples/own_executors keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_executors"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", "-c", "config", *words]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    return result


def test_executors_come_from_the_setup_function_and_from_the_workflow(tmp_path: Path) -> None:
    folder = tmp_path / "own_executors"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db*", "__pycache__", "diary.txt"))
    first = run(folder, "run", "workflow.py", "main")
    assert first.stdout == "14\n"
    assert first.stderr.count("on crunch") == 3
    assert "WARNING" not in first.stderr
    assert run(folder, "--setup", "workers=4", "run", "workflow.py", "main", "--count", "4").stdout == "30\n"
    names = [line.partition("(")[0] for line in (folder / "diary.txt").read_text().splitlines()]
    assert names == ["own_executors.total"] * 2


def test_a_wrong_option_of_such_an_executor_is_reported_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "own_executors"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db*", "__pycache__", "diary.txt"))
    ini = folder / "config/redun.ini"
    ini.write_text(ini.read_text().replace("file =", "fil ="))
    command = [sys.executable, "-m", "redun", "-c", "config", "run", "workflow.py", "main"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert result.returncode == 2
    assert "redun.ini:9: [executors.diary] fil: there is no such option; did you mean file?" in result.stderr
