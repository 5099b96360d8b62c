"""The example in examples/custom_values keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_values" / "workflow.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def run(folder: Path, *arguments: str) -> tuple[str, list[str]]:
    """The result as it is printed, and the tasks that ran."""
    result = redun(folder, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout, sorted(re.findall(r"Run +Job \S+ custom_values\.(\w+)\(", result.stderr))


def test_equal_values_of_the_users_own_are_found_in_the_cache(folder: Path) -> None:
    expected = "'2 of 7 bases: poor in GC'\n"
    assert run(folder) == (expected, ["gc_content", "judge", "main"])
    assert run(folder, "--sequence", "gattaca", "--limit", "2/4") == (expected, [])
    assert run(folder, "--sequence", "GGCC") == ("'4 of 4 bases: rich in GC'\n", ["gc_content", "judge", "main"])


def test_a_word_that_is_no_such_value_is_refused(folder: Path) -> None:
    refused = redun(folder, "--sequence", "GGXX")
    assert refused.returncode == 2
    assert "GGXX" in refused.stderr
    assert "give a word of A, C, G and T" in refused.stderr
    assert "Traceback" not in refused.stderr
