"""Arrays and tables in workflows as users run them: what is imported and shown, and what if a library is gone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = ("numpy", "pandas", "polars", "pyarrow")
for library in LIBRARIES:
    pytest.importorskip(library, reason=f"needs {library}: pip install {library}")

WORKFLOW = """
from redun import task

redun_namespace = "tables"


@task
def array(size: int):
    import numpy
    return numpy.random.default_rng(1).random(size)


@task
def frame():
    try:
        import pandas
    except ImportError:
        return "no pandas"
    return pandas.DataFrame({"a": [1, 2], "b": ["x", None]})


@task
def polars_frame():
    import polars
    return polars.DataFrame({"a": [1, 2]})


@task
def arrow_table():
    import pyarrow
    return pyarrow.table({"a": [1, 2]})


@task
def in_containers(values):
    return {"k": [values]}


@task
def spoil(values):
    values[:] = -1
    return 1


@task
def total(values, after=None):
    return float(values.sum())


@task
def all_kinds():
    return in_containers([array(3), frame(), polars_frame(), arrow_table()])


@task
def show(frame):
    return str(frame)


@task
def only_frame():
    return show(frame())


@task
def spoiling(size: int = 1_000_000):
    values = array(size)
    return [total(values), total(values, spoil(values))]


@task
def plain(x: int = 1):
    return [x, {"k": (x,)}]


@task
def lazy():
    import polars
    return polars.DataFrame({"a": [1]}).lazy()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def redun(
    folder: Path, *arguments: str, options: tuple[str, ...] = (), path: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, *options, "-m", "redun", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=environment)


def imported(result: subprocess.CompletedProcess[str]) -> set[str]:
    """Which of the libraries a process with `-X importtime` has imported."""
    assert result.returncode == 0, result.stderr
    names = set(re.findall(r"^import time:[ \d|]+\|\s+([\w.]+)$", result.stderr, re.MULTILINE))
    assert "redun" in names
    return names & {
        *LIBRARIES,
        *(f"redun.types.tables.{name}_types" for name in ("numpy", "pandas", "polars", "arrow")),
    }


def test_a_workflow_without_such_values_imports_none_of_the_libraries(folder: Path) -> None:
    for _ in ("first", "cached"):
        assert imported(redun(folder, "run", "workflow.py", "plain", options=("-X", "importtime"))) == set()


def test_log_shows_such_values_and_imports_none_of_the_libraries(folder: Path) -> None:
    assert redun(folder, "run", "workflow.py", "all_kinds").returncode == 0
    for arguments in (("log",), ("log", "-"), ("log", "-", "--json")):
        result = redun(folder, *arguments, options=("-X", "importtime"))
        assert imported(result) == set()
    job = re.search(r"Job (\S+) .*in_containers\(.*", redun(folder, "log", "-").stdout)
    assert job is not None
    shown = redun(folder, "log", job[1], options=("-X", "importtime"))
    assert imported(shown) == set()
    for text in ("numpy.ndarray(f8, 3)", "pandas.DataFrame("):
        assert text in shown.stdout


def test_everything_comes_from_the_cache_the_second_time(folder: Path) -> None:
    first = redun(folder, "run", "workflow.py", "all_kinds")
    second = redun(folder, "run", "workflow.py", "all_kinds")
    assert first.returncode == second.returncode == 0, first.stderr
    assert "Run " not in second.stderr
    assert first.stdout == second.stdout


def test_threads_of_one_process_cannot_change_the_large_arrays_of_each_other(folder: Path) -> None:
    result = redun(folder, "run", "workflow.py", "spoiling")
    assert result.returncode == 0, result.stderr
    one, other = eval(result.stdout)
    assert one == other > 0


def test_a_stored_value_whose_library_is_gone_is_computed_again_with_one_warning(folder: Path) -> None:
    first = redun(folder, "run", "workflow.py", "only_frame")
    assert first.returncode == 0, first.stderr
    workflow = folder / "workflow.py"
    workflow.write_text(workflow.read_text().replace("return str(frame)", "return repr(frame)"))
    blocked = folder / "blocked" / "pandas"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'pandas'\", name='pandas')\n")
    second = redun(folder, "run", "workflow.py", "only_frame", path=str(blocked.parent))
    assert second.returncode == 0, second.stderr
    assert "no pandas" in second.stdout
    warnings = [line for line in second.stderr.splitlines() if "pandas.DataFrame" in line and "No module" in line]
    assert len(warnings) == 1, second.stderr
    assert "Traceback" not in second.stderr


def test_a_query_of_polars_fails_its_task_with_what_to_do(folder: Path) -> None:
    result = redun(folder, "run", "workflow.py", "lazy")
    assert result.returncode == 1
    assert "collect()" in result.stderr
