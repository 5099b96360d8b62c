"""The example in examples/context keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "context"


def run(folder: Path, *options: str) -> tuple[dict[str, list[str]], int]:
    """The result, and how many calls of `fit` ran."""
    command = [sys.executable, "-m", "redun", "-c", "config", "run", *options, "workflow.py", "main"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return ast.literal_eval(result.stdout), len(re.findall(r"Run +Job \S+ context\.fit\(", result.stderr))


def test_the_context_comes_from_the_configuration_the_command_line_and_the_call(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db*", "__pycache__"))
    deeper = ["day 1 at depth 9", "day 2 at depth 9"]
    assert run(folder) == ({"as configured": ["day 1 at depth 3", "day 2 at depth 3"], "deeper": deeper}, 4)
    assert run(folder, "--context", "model.depth=5") == (
        {"as configured": ["day 1 at depth 5", "day 2 at depth 5"], "deeper": deeper},
        2,
    )
    assert run(folder)[1] == 0
    result, ran = run(folder, "--context", "unit=week")
    assert (result["deeper"][0], ran) == ("week 1 at depth 9", 4)
