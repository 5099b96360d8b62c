"""The example in examples/explain: each change of its README gets the answer that it promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "explain"


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "explain"
    ignored = shutil.ignore_patterns("made", ".redun", "__pycache__")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    redun(folder, "run", "workflow.py", "main")
    return folder


@pytest.fixture
def folder(first_run: Path, tmp_path: Path) -> Path:
    """The example after its first run. Files keep their times, so that they are the ones that it has made."""
    return Path(shutil.copytree(first_run, tmp_path / "explain"))


def redun(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "redun", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def explained(folder: Path, task: str) -> str:
    """The summary about the first job of a task in the latest execution, one that ran if there is any."""
    jobs = json.loads(redun(folder, "log", "-", "--json"))["jobs"]
    _, number = min((job["status"] != "DONE", job["number"]) for job in jobs if job["task"].endswith(f".{task}"))
    return redun(folder, "explain", f"~1.{number}")


def add_a_line(folder: Path) -> None:
    with (folder / "texts/files.txt").open("a") as file:
        file.write("One more line.\n")


def edit(folder: Path) -> None:
    script = folder / "workflow.py"
    script.write_text(script.read_text().replace("if len(word) >= at_least:", "if at_least <= len(word):"))


@pytest.mark.parametrize(
    ("change", "words", "task", "expected"),
    [
        (add_a_line, [], "clean", "another state of the file texts/files.txt"),
        (add_a_line, [], "report", "the argument counts differs"),
        (edit, [], "count", "+        if at_least <= len(word):"),
        (None, ["--at-least", "6"], "count", "the argument at_least was 4 and is 6"),
        (lambda folder: (folder / "made/report.txt").unlink(), [], "report", "holds made/report.txt"),
        (None, [], "main", "It did not run: its result is known from"),
        (None, ["--no-cache"], "count", "started with --no-cache"),
    ],
)
def test_each_change_is_explained(
    folder: Path, change: Callable[[Path], object] | None, words: list[str], task: str, expected: str
) -> None:
    if change is not None:
        change(folder)
    redun(folder, "run", "workflow.py", "main", *words)
    assert expected in explained(folder, task)


def test_the_other_commands_answer_their_questions(folder: Path) -> None:
    add_a_line(folder)
    redun(folder, "run", "workflow.py", "main")
    assert "Calls: 4 changed, 0 added, 0 removed" in redun(folder, "diff", "~2", "-")
    derivation = redun(folder, "log", "made/report.txt").partition("Derivation of the newest state:")[2]
    assert [derivation.count(f".{task}(") for task in ("report", "count", "clean")] == [1, 2, 2]
    assert "made/report.txt" in redun(folder, "log", "texts/files.txt", "--downstream").partition("Files made")[2]
    assert "texts/files.txt" in redun(folder, "viz", "-", "--graph", "data")
    assert "from " in explained(folder, "report")


def test_the_python_of_the_page_runs(folder: Path) -> None:
    pytest.importorskip("pandas")
    page = (EXAMPLE.parents[1] / "docs" / "provenance.md").read_text()
    (folder / "ask.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    done = subprocess.run([sys.executable, "ask.py"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DONE 0:00:0")
    assert "no earlier call of explain_example.main is recorded" in done.stdout
