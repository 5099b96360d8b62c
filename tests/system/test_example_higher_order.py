"""The example in examples/higher_order keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "higher_order" / "workflow.py"


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", "run", "workflow.py", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example that was run."""
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".redun").mkdir()
    result = ast.literal_eval(redun(tmp_path, "main").stdout)
    assert result == {
        "shouted": ["TO!", "BE!", "OR!", "NOT!", "TO!", "BE!"],
        "both": ["TO!", "BE!", "OR!", "NO!", "TO!", "BE!"],
        "nested": ["TO!", "BE!", "OR!", "NO!", "TO!", "BE!"],
        "all words": ["to", "be", "or", "not", "to", "be", "that", "is", "the", "question"],
        "longest": "not",
        "framed": "| To Be Or Not To Be |",
    }
    return tmp_path


def tasks_run_after(folder: Path, old: str, new: str) -> set[str]:
    workflow = folder / "workflow.py"
    text = workflow.read_text()
    assert text.count(old) == 1
    workflow.write_text(text.replace(old, new))
    return set(re.findall(r"Run +Job \S+ ([\w.]+)\(", redun(folder, "main").stderr))


def test_an_edit_runs_what_was_given_the_edited_task(folder: Path) -> None:
    assert tasks_run_after(folder, '+ "!"', '+ "!!"') == {
        "higher_order.on_each",
        "higher_order.shout",
        "redun.compose_apply",
    }


def test_an_edit_of_the_decorator_runs_the_decorated_task(folder: Path) -> None:
    assert tasks_run_after(folder, 'return f"| ', 'return f"# ') == {"higher_order.title"}


def test_an_edit_of_a_function_runs_its_calls(folder: Path) -> None:
    assert tasks_run_after(folder, "max(texts, key=len)", "max(texts, key=str)") == {"redun.apply_func"}


def test_info_shows_the_decorator_and_what_it_decorates(folder: Path) -> None:
    text = redun(folder, "title", "info").stdout
    assert "def framed(" in text
    assert "Wraps higher_order.framed.title" in text
    assert "return text.title()" in text
