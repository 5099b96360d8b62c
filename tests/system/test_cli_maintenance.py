"""`redun db gc`, `stats` and `check` as somebody types them."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redun.cli.entry import run_command_line

WORKFLOW = """
from redun import task

redun_namespace = "shop"

@task
def text(x: int) -> str:
    return f"{x} " * 2000

@task
def main(n: int = 2) -> list[str]:
    return [text(x) for x in range(n)]

@task
def fail() -> None:
    raise ValueError("no luck")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a workflow, whose large values are in a value store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    config = "[backend]\ndb_uri = sqlite:///redun.db\nvalue_store_path = values\nvalue_store_min_size = 1000\n"
    (tmp_path / ".redun" / "redun.ini").write_text(config)
    yield tmp_path
    sys.modules.pop("workflow", None)


@pytest.fixture
def redun(project: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    def redun(*arguments: str, code: int = 0) -> str:
        capfd.readouterr()
        actual = run_command_line(arguments)
        output, errors = capfd.readouterr()
        assert actual == code, errors
        return output if code in (0, 1) else errors

    return redun


def run(redun: Any, *arguments: str, code: int = 0) -> str:
    """Run a workflow; the id of its execution."""
    redun("run", "workflow.py", *arguments, code=code)
    return executions(redun)[0]


def executions(redun: Any) -> list[str]:
    return [each["id"] for each in json.loads(redun("log", "--exec", "--json"))]


def test_nothing_is_removed_before_somebody_says_yes(redun: Any, project: Path):
    first = run(redun, "main")
    second = run(redun, "main", "--n", "3")
    output = redun("db", "gc", "--keep-last", "1", "--grace", "0")
    assert f"Would remove: execution {first}" in output
    assert "Nothing was removed: add --yes." in output
    assert executions(redun) == [second, first]
    assert f"Removed: execution {first}" in redun("db", "gc", "--keep-last", "1", "--grace", "0", "--yes")
    assert executions(redun) == [second]
    assert redun("db", "check") == "The repository is whole.\n"


def test_the_grace_period_is_an_hour_by_default(redun: Any):
    first = run(redun, "main")
    output = redun("db", "gc", first[:8], "--yes")
    assert f"Stays: execution {first}, it was heard of within the grace period of 3600 s." in output
    assert executions(redun) == [first]


def test_every_filter_narrows_what_goes(redun: Any, project: Path):
    plain = run(redun, "main")
    tagged = run(redun, "main", "--n", "1")
    redun("tag", "add", tagged, "keep=yes")
    failed = run(redun, "fail", code=1)
    old = run(redun, "main", "--n", "4")
    with closing(sqlite3.connect(project / ".redun" / "redun.db")) as connection:
        ago = time.time() - 10 * 86400
        connection.execute(
            "UPDATE execution SET start_time = ?, updated_time = ?, end_time = ? WHERE uuid = ?", (ago, ago, ago, old)
        )
        connection.commit()

    def chosen(*arguments: str) -> set[str]:
        return set(json.loads(redun("db", "gc", "--grace", "0", "--json", *arguments))["executions"])

    assert chosen() == set()
    assert chosen("--older-than", "9d") == {old}
    assert chosen("--older-than", "11d") == set()
    assert chosen("--tag", "keep") == chosen("--tag", "keep=yes") == {tagged}
    assert chosen("--tag", "keep=no") == set()
    assert chosen("--not-tag", "keep") == {plain, failed, old}
    assert chosen("--status", "failed,cancelled") == {failed}
    assert chosen("--keep-last", "1") == {plain, tagged, old}
    assert chosen("--keep-last", "1", "--status", "DONE") == {plain, old}
    assert chosen("--keep-last", "0") == {plain, tagged, failed, old}
    assert chosen(plain[:8], old) == {plain, old}
    assert chosen(plain, old, "--older-than", "1d") == {old}


def test_files_of_the_value_store_go_and_the_room_is_given_back(redun: Any, project: Path):
    first = run(redun, "main", "--n", "60")
    files = project / ".redun" / "values"
    assert sum(path.is_file() for path in files.rglob("*")) > 50
    stats = json.loads(redun("db", "stats", "--json"))
    assert stats["kinds"]["jobs"]["count"] == 61
    assert stats["kinds"]["stored files"]["count"] > 50
    assert stats["largest"][0]["type"] == "builtins.list"
    answer = json.loads(redun("db", "gc", first, "--grace", "0s", "--yes", "--vacuum", "--json"))
    assert answer["given_back"] > 0
    assert answer["sizes"]["jobs"]["count"] == 61
    assert [path for path in files.rglob("*") if path.is_file()] == []
    assert json.loads(redun("db", "stats", "--json"))["kinds"]["calls"]["count"] == 0
    assert "jobs" in redun("db", "stats")


def test_a_damaged_repository_is_told_a_line_a_problem(redun: Any, project: Path):
    run(redun, "main")
    file = next(path for path in (project / ".redun" / "values").rglob("*") if path.is_file())
    file.write_bytes(b"damaged")
    with closing(sqlite3.connect(project / ".redun" / "redun.db")) as connection:
        connection.execute("UPDATE job_count SET count = 7")
        connection.commit()
    lines = redun("db", "check", code=1).splitlines()
    assert len(lines) == 3
    assert "counts 7 jobs" in lines[0]
    assert "is damaged" in lines[2]
    found = [json.loads(line) for line in redun("db", "check", "--json", code=1).splitlines()]
    assert [f"{each['where']}: {each['what']}" for each in found] == lines


def test_many_problems_of_one_kind_are_summed_up(redun: Any, project: Path):
    for _ in range(3):
        run(redun, "main")
    with closing(sqlite3.connect(project / ".redun" / "redun.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM job").fetchone()
        assert count > 5
        connection.execute("UPDATE job SET end_time = 1")
        connection.commit()
    lines = redun("db", "check", code=1).splitlines()
    assert len(lines) == 6
    assert lines[5] == f"... and {count - 5} more like these: it has ended before it began"
    assert len(redun("db", "check", "--verbose", code=1).splitlines()) == count
    assert len(redun("db", "check", "--json", code=1).splitlines()) == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gc", "--older-than", "soon"], "'soon' is not a span of time"),
        (["gc", "--grace", "-1h"], "'-1h' is less than nothing"),
        (["gc", "--status", "GONE"], "--status: 'GONE' is no status. Known: RUNNING, DONE"),
        (["gc", "--vacuum"], "it needs --yes"),
        (["gc", "--keep-last", "-1"], "-1 is not in the range"),
        (["gc", "0123456789"], "0123456789"),
    ],
)
def test_a_mistake_is_named(redun: Any, arguments: list[str], message: str):
    run(redun, "main")
    assert message in redun("db", *arguments, code=2)


def test_without_a_repository_there_is_nothing_to_look_after(tmp_path: Path, monkeypatch: Any, capfd: Any):
    monkeypatch.chdir(tmp_path)
    for command in ("gc", "stats", "check"):
        assert run_command_line(["db", command]) == 2
        assert "no repository" in capfd.readouterr().err
