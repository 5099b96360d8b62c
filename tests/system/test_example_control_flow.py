"""The example in examples/control_flow does what it says, run as a user runs it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "control_flow" / "workflow.py"


def run(folder: Path, *arguments: str) -> tuple[dict[str, object], list[str]]:
    """The result, and the lines that tasks printed before it."""
    (folder / ".redun").mkdir(exist_ok=True)
    shutil.copy(EXAMPLE, folder)
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    printed, brace, text = result.stdout.partition("{")
    return ast.literal_eval(brace + text), printed.split()


def test_only_what_is_chosen_is_evaluated_and_what_fails_is_recovered(tmp_path: Path) -> None:
    result, printed = run(tmp_path)
    assert result == {
        "chosen": "even",
        "steps": 8,
        "each recovered": [6, 0, 8],
        "those that worked": [6, 8],
        "in this order": ["first", "second"],
    }
    assert printed == ["first", "second"]


def test_other_texts_give_other_numbers(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "--texts", "1", "two", "3")
    assert (result["each recovered"], result["those that worked"]) == ([1, 0, 3], [1, 3])
