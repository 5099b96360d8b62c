"""The pages for authors of plugins: what they show is what there is."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from redun.plugins import hookspecs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/plugins/writing-an-executor.md"
EXAMPLE = ROOT / "examples/plugins/redun-executor-subprocess"


class Block(NamedTuple):
    """A fenced block of a page: ```` ```python file=a.py ```` holds all of a file, `part=` some lines of one."""

    kind: str
    name: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+) ?(.*?)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    blocks = []
    for _, words, text in found:
        kind, _, name = words.partition("=")
        blocks.append(Block(kind, name, text))
    return blocks


BLOCKS = blocks_of(PAGE)


def block(kind: str, name: str = "", number: int = 0) -> str:
    return [one.text for one in BLOCKS if one.kind == kind and one.name == name][number]


def test_every_block_of_the_page_is_one_that_a_test_looks_at() -> None:
    trials = [("file", "workflow.py"), ("file", ".redun/redun.ini"), ("file", ".redun/redun.ini")]
    trials += [("output", ""), ("check", "")]
    others = [(one.kind, one.name) for one in BLOCKS if not (EXAMPLE / one.name).is_file()]
    assert sorted(others) == sorted(trials)


@pytest.mark.parametrize("name", sorted({one.name for one in BLOCKS if (EXAMPLE / one.name).is_file()}))
def test_what_the_page_shows_of_the_package_is_what_the_package_holds(name: str) -> None:
    content = (EXAMPLE / name).read_text()
    shown = [one for one in BLOCKS if one.name == name]
    if shown[0].kind == "file":
        assert [one.text for one in shown] == [content]
    for one in shown:
        assert f"\n{one.text}" in f"\n{content}"


def test_the_page_shows_every_line_of_the_package() -> None:
    for file in [EXAMPLE / "pyproject.toml", *EXAMPLE.glob("src/*/*.py")]:
        shown = "".join(one.text for one in BLOCKS if one.name == str(file.relative_to(EXAMPLE)))
        lines = [line for line in file.read_text().splitlines() if line]
        assert [line for line in shown.splitlines() if line] == lines, f"{PAGE} does not show all of {file}"


def test_the_first_executor_of_the_page_runs_the_workflow_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "workflow.py").write_text(block("file", "workflow.py"))
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun/redun.ini").write_text(block("file", ".redun/redun.ini"))
    done = subprocess.run(
        [sys.executable, "-m", "redun", "run", "workflow.py", "main"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("REDUN")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == block("output"), done.stderr


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A folder with the backend of the other page, as if it were installed."""
    for one in blocks_of(ROOT / "docs/plugins/writing-a-backend.md"):
        file = tmp_path / (one.name or "redun_backend_journal-1.0.dist-info/entry_points.txt")
        file.parent.mkdir(exist_ok=True)
        file.write_text(one.text.replace("project.entry-points.", "").replace('"', "") if not one.name else one.text)
    (tmp_path / "redun_backend_journal-1.0.dist-info/METADATA").write_text(
        "Name: redun-backend-journal\nVersion: 1.0\n"
    )
    (tmp_path / "workflow.py").write_text((ROOT / "examples/hello/workflow.py").read_text())
    return tmp_path


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDUN")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_backend_of_the_other_page_keeps_results_from_run_to_run(journal: Path) -> None:
    first = run_in(journal, "redun", "run", "workflow.py", "main")
    assert "Run    Job" in first.stderr
    with (journal / ".redun/results.journal").open("ab") as stream:
        stream.write(b"\x80\x05half a record")
    second = run_in(journal, "redun", "run", "workflow.py", "main")
    assert second.stdout == first.stdout != ""
    assert "Run    Job" not in second.stderr
    assert run_in(journal, "redun", "log").stdout.count("run workflow.py main") == 2
    assert run_in(journal, "redun", "config", "check").returncode == 0


def test_the_backend_of_the_other_page_keeps_the_promises_of_backends(journal: Path) -> None:
    done = run_in(journal, "pytest", "-q", "-p", "no:cacheprovider", "test_journal.py")
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.rpartition(" passed")[0].split()[-1]) > 30


def test_the_example_imports_only_what_plugins_may_rely_on() -> None:
    promised = {"redun", "redun.config.settings", "redun.errors", "redun.executors", "redun.plugins", "redun.testing"}
    imported = set()
    for file in [*EXAMPLE.glob("src/*/*.py"), *EXAMPLE.glob("tests/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported |= set(names) | ({str(node.module)} if isinstance(node, ast.ImportFrom) else set())
    ours = {name for name in imported if name.partition(".")[0] == "redun"}
    assert ours - promised == set()


def test_the_example_stays_an_example() -> None:
    source = next(EXAMPLE.glob("src/*/executor.py")).read_text()
    assert len(source.splitlines()) <= 75


REWRITTEN = """
import sys

import pytest
from redun.testing import BackendSuite, ExecutorSuite, FileSystemSuite


@pytest.mark.parametrize("suite", [BackendSuite, ExecutorSuite, FileSystemSuite])
def test_every_part(suite):
    for part in suite.__mro__[:-1]:
        assert type(sys.modules[part.__module__].__loader__).__name__ == "AssertionRewritingHook", part
"""


def test_failing_tests_of_the_suites_show_what_they_compared(tmp_path: Path) -> None:
    (tmp_path / "test_rewritten.py").write_text(REWRITTEN)
    command = [sys.executable, "-m", "pytest", "-q", "test_rewritten.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "3 passed" in done.stdout, done.stdout


def hook_table() -> str:
    """The hooks, as the index of the pages lists them."""
    lines = []
    for name, function in vars(hookspecs).items():
        if not name.startswith("redun_"):
            continue
        summary = inspect.getdoc(function).partition("\n\n")[0].replace("\n", " ")
        first = function.redun_spec.get("firstresult")
        arguments = ", ".join(inspect.signature(function).parameters)
        lines.append(f"| `{name}({arguments})` | {summary} | {'the first' if first else 'all'} |")
    return "\n".join(["| hook | provides | whose results count |", "|---|---|---|", *lines, ""])


def test_the_index_lists_every_hook() -> None:
    assert hook_table() in (ROOT / "docs/plugins/README.md").read_text(), f"it should hold\n{hook_table()}"


def test_the_public_names_of_executors_can_all_be_imported_and_are_described() -> None:
    import redun.executors

    for name in redun.executors.__all__:
        assert getattr(redun.executors, name) is not None
        assert f"`{name}`" in redun.executors.__doc__
    assert set(re.findall(r"`(\w+)`", redun.executors.__doc__)) == set(redun.executors.__all__)
