"""The example in examples/c_build keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "c_build"
RUN_LINE = re.compile(r"Run +Job +\S+ +c_build\.(\w+)\((.*)\) on ")
# What tells the calls of one task apart: the path that the first argument holds.
FIRST_PATH = re.compile(r"(?:src|build)/[\w.]+")

NOT_COPIED = shutil.ignore_patterns("build", ".redun", "__pycache__")

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc: apt-get install gcc")


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "redun", *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result


def build(folder: Path, *arguments: str) -> list[str]:
    """Run the workflow and say which calls ran, as `task path`, sorted."""
    stderr = redun(folder, "run", "workflow.py", "main", *arguments).stderr
    calls = []
    for task_name, shown_arguments in RUN_LINE.findall(stderr):
        path = FIRST_PATH.search(shown_arguments)
        calls.append(f"{task_name} {path.group()}" if path else task_name)
    return sorted(calls)


def edit(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    after = change(before)
    assert after != before
    file.write_text(after)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example that was never built."""
    target = tmp_path / "c_build"
    shutil.copytree(EXAMPLE, target, ignore=NOT_COPIED)
    (target / ".redun").mkdir()
    return target


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy that was built: not to be changed."""
    target = tmp_path_factory.mktemp("built") / "c_build"
    shutil.copytree(EXAMPLE, target, ignore=NOT_COPIED)
    (target / ".redun").mkdir()
    build(target)
    return target


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A copy of the example that was built. Files are known by relative path, size and time: the cache moves along."""
    target = tmp_path / "c_build"
    shutil.copytree(built_once, target)
    return target


def test_first_run_makes_working_programs(folder: Path) -> None:
    assert len(build(folder)) == 12
    primes = subprocess.run([folder / "build/primes", "20"], capture_output=True, text=True, check=True)
    assert primes.stdout == "2 3 5 7 11 13 17 19\n"
    report = subprocess.run(
        [folder / "build/report", "3", "1", "4", "1", "5", "9"], capture_output=True, text=True, check=True
    )
    assert report.stdout == "6 numbers, mean 3.83, greatest 9\n4 primes below the greatest\n"


def test_second_run_takes_everything_from_the_cache(built: Path) -> None:
    assert build(built) == []


def test_editing_a_program_source_compiles_it_and_links_its_program(built: Path) -> None:
    edit(built / "src/primes.c", lambda text: text.replace('" %u"', '", %u"'))
    assert build(built) == ["compile_object src/primes.c", "find_headers src/primes.c", "link_program build/primes"]
    primes = subprocess.run([built / "build/primes", "6"], capture_output=True, text=True, check=True)
    assert primes.stdout == "2, 3, 5\n"


def test_editing_a_library_source_links_everything_that_uses_the_library(built: Path) -> None:
    edit(built / "src/sieve.c", lambda text: text + "/* edited */\n")
    assert build(built) == [
        "compile_object src/sieve.c",
        "find_headers src/sieve.c",
        "link_library build/libnumbers.so",
        "link_program build/primes",
        "link_program build/report",
    ]


def test_editing_a_header_compiles_the_sources_that_include_it(built: Path) -> None:
    edit(built / "src/statistics.h", lambda text: text + "/* edited */\n")
    calls = build(built)
    assert [call for call in calls if call.startswith("compile_object")] == [
        "compile_object src/report.c",
        "compile_object src/statistics.c",
    ]
    assert "main" not in calls


def test_a_header_that_is_newly_included_counts_from_then_on(built: Path) -> None:
    edit(built / "src/primes.c", lambda text: '#include "statistics.h"\n' + text)
    build(built)
    edit(built / "src/statistics.h", lambda text: text + "/* edited */\n")
    assert "compile_object src/primes.c" in build(built)


def test_editing_a_task_body_runs_that_task_and_what_its_new_result_touches(built: Path) -> None:
    workflow = built / "workflow.py"
    edit(workflow, lambda text: text.replace('"-Wl,-rpath,$ORIGIN"', '"-s", "-Wl,-rpath,$ORIGIN"'))
    assert build(built) == ["link_program build/primes", "link_program build/report"]

    edit(workflow, lambda text: text.replace('"-shared"', '"-shared", "-s"'))
    assert build(built) == [
        "link_library build/libnumbers.so",
        "link_program build/primes",
        "link_program build/report",
    ]


def test_editing_a_comment_outside_of_the_tasks_runs_nothing(built: Path) -> None:
    edit(built / "workflow.py", lambda text: text + "\n# edited\n")
    assert build(built) == []


def test_a_deleted_output_is_made_again(built: Path) -> None:
    (built / "build/primes").unlink()
    assert build(built) == ["link_program build/primes"]
    assert (built / "build/primes").exists()

    (built / "build/statistics.o").unlink()
    assert "compile_object src/statistics.c" in build(built)


def test_an_argument_on_the_command_line_builds_with_it(built: Path) -> None:
    calls = build(built, "--optimize", "0")
    assert len([call for call in calls if call.startswith("compile_object")]) == 4


def test_a_broken_source_fails_the_run_and_a_mended_one_continues(built: Path) -> None:
    source = built / "src/primes.c"
    text = source.read_text()
    source.write_text(text + "this is not C\n")
    failed = subprocess.run(
        [sys.executable, "-m", "redun", "run", "workflow.py", "main"],
        cwd=built,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert failed.returncode == 1
    assert "compile_object" in failed.stderr

    source.write_text(text + "/* mended */\n")
    assert build(built) == ["compile_object src/primes.c", "find_headers src/primes.c", "link_program build/primes"]


def test_log_lists_every_run_and_shows_the_latest(built: Path) -> None:
    build(built)
    edit(built / "src/primes.c", lambda text: text + "/* edited */\n")
    build(built)

    runs = [line for line in redun(built, "log").stdout.splitlines() if "run workflow.py main" in line]
    assert len(runs) == 3
    assert all("DONE" in line for line in runs)

    latest = redun(built, "log", "-").stdout
    for task_name in ["main", "find_headers", "compile_object", "link_library", "link_program"]:
        assert f"c_build.{task_name}" in latest
    assert re.search(r"DONE.*c_build\.compile_object", latest)
    assert re.search(r"CACHED.*c_build\.compile_object", latest)
