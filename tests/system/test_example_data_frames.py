"""The example in examples/data_frames keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pandas", reason="needs pandas: pip install pandas")
pytest.importorskip("polars", reason="needs Polars: pip install polars")

EXAMPLE = Path(__file__).parents[2] / "examples" / "data_frames" / "workflow.py"
RESULT = "['Cork: 15.0', 'Bergen: 14.0', 'Aachen: 13.0']\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result


def run(folder: Path, *arguments: str) -> tuple[str, Counter[str]]:
    """The result as it is printed, and how often each task ran."""
    result = redun(folder, "run", "workflow.py", "main", *arguments)
    return result.stdout, Counter(re.findall(r"Run +Job \S+ data_frames\.(\w+)\(", result.stderr))


def test_equal_frames_are_found_in_the_cache_wherever_they_were_cut_from(folder: Path) -> None:
    each_once = {"main": 1, "measure": 1, "rank": 1, "report": 1}
    assert run(folder) == (RESULT, Counter(each_once | {"only": 3, "mean": 3}))
    assert run(folder) == (RESULT, Counter())
    printed, ran = run(folder, "--stations", "Aachen", "Bergen", "Cork", "Dover")
    assert printed.startswith("['Dover: 16.0', 'Cork: 15.0'")
    assert ran == Counter(each_once | {"only": 4, "mean": 1})


def test_log_shows_frames_by_shape_and_columns(folder: Path) -> None:
    run(folder)
    assert "ranking=polars.DataFrame(3 rows, 2 columns: station, mean)" in redun(folder, "log", "-").stdout
