"""The example in examples/history keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "history"


def test_the_questions_of_the_readme_are_answered(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "workflow.py", tmp_path)
    (tmp_path / ".redun").mkdir()
    answers = {}
    for line in (EXAMPLE / "README.md").read_text().splitlines():
        if line.startswith("    redun "):
            words = shlex.split(line, comments=True)
            command = [sys.executable, "-m", *words]
            result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert result.returncode == 0, result.stderr
            answers[" ".join(words[2:])] = result.stdout.splitlines()
    (failed,) = answers["--job-status FAILED"]
    assert "survey.mean(samples=File(path='samples/west.txt'" in failed
    assert len(answers["- --job-status CACHED"]) == 4
    files = [line.split(" ", 2)[2] for line in answers["--exec-tag season=spring --file"]]
    assert sorted(files) == [f"samples/{name}.txt (station={name})" for name in ("north", "south", "west")]
    (value,) = answers["--all --tag station=north"]
    assert "samples/north.txt" in value
    assert answers["add - reviewed=true"][0].endswith("reviewed=true")
    (execution,) = answers["--tag reviewed"]
    assert "season=summer" in execution
