"""The check of a repository: silent about one that is whole, and it sees every kind of damage."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, get_context, task
from redun.backends.contents import content_problem
from redun.backends.pickles import pickle_problem
from redun.errors import BackendError, BackendVersionError
from redun.executors.inline import InlineExecutor
from redun.expression_graph import encode_graph, graph_parts
from redun.hashing import hash_data
from redun.value import encode
from redun_backend_sql.integrity import Problem, check_repository, find_problems
from redun_backend_sql.sqlite_backend import SqliteBackend
from repository_damage import DAMAGE
from whole_repository import fill, increment

redun_namespace = "test_sqlite_integrity"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which everything is that a run may leave."""
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "redun.db"
    backend = SqliteBackend(path)
    fill(backend, folder)
    backend.close()
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "redun.db"))


def problems(path: Path) -> list[str]:
    return [str(problem) for problem in check_repository(path)]


def test_what_runs_leave_behind_is_whole(whole: Path) -> None:
    assert problems(whole) == []
    with closing(sqlite3.connect(whole)) as connection:
        codecs = {codec for (codec,) in connection.execute("SELECT codec FROM value JOIN value_kind k ON k.id=kind_id")}
        # Otherwise the test above says nothing about them.
        assert codecs >= {"plain", "bytes", "pickle", "expression"}
        assert all(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in (
                "job",
                "call",
                "call_argument",
                "value",
                "value_child",
                "task_set",
                "tag",
                "job_count",
                "handle_edge",
            )
        )


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_reported(copy: Path, damage: str, expected: str) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(damage)
        connection.commit()
        if "step" not in damage:
            connection.execute("UPDATE handle_edge SET step = 77")
        connection.commit()
    found = problems(copy)
    assert any(expected in problem for problem in found), found
    # The last thing that is looked at: whatever else is damaged, the check goes on.
    assert any("its kind 77 means nothing" in problem for problem in found) or "step" in damage, found


MARSHALLED = ("plain", "graph", "expression")
"""Forms whose reader stops at their end: what follows does no harm."""


@pytest.mark.parametrize("codec", ["plain", "bytes", "graph", "pickle", "expression"])
def test_a_damaged_value_is_reported_whatever_its_form(codec: str, tmp_path: Path) -> None:
    values = {
        "plain": ["text"] * 10,
        "bytes": b"bytes" * 1000,
        "graph": [["shared" * 100] * 100] * 1000,
        "pickle": [Path("somewhere"), {1, 2}],
    }
    encoded = encode_graph([increment(7, [1, 2])]) if codec == "expression" else encode(values[codec])
    assert encoded.codec == codec
    assert content_problem(*encoded[:4]) is None
    assert content_problem(*encoded[:3], encoded.data[:-1]) is not None
    assert content_problem(*encoded[:3], encoded.data + b"x") is not None or codec in MARSHALLED
    if codec != "pickle":
        assert content_problem(hash_data("value", b""), *encoded[1:4]) is not None


def test_a_value_inside_of_an_expression_is_looked_at() -> None:
    encoded = encode_graph([increment(7, [1, "needle" * 3])])
    assert len(graph_parts(encoded.data)[1]) == 1
    damaged = encoded.data.replace(b"needle", b"noodle")
    assert "its content has the hash" in str(content_problem(*encoded[:3], damaged))


class Armed:
    """Takes note when it is unpickled."""

    fired = 0

    def __reduce__(self) -> Any:
        return Armed.fire, ()

    @staticmethod
    def fire() -> None:
        Armed.fired += 1


@task
def in_context(x: Any = get_context("x", 0)) -> Any:
    return [increment(x)]


def test_a_run_under_a_context_is_whole(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "redun.db")
    scheduler = Scheduler(backend=backend)
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    assert scheduler.run(in_context(), context={"x": 1}) == [2]
    backend.close()
    assert list(check_repository(tmp_path / "redun.db")) == []


def test_no_code_of_a_pickled_value_runs() -> None:
    data = encode([Armed()]).data
    assert pickle_problem(data) is None
    assert pickle_problem(data[:-2]) is not None
    assert Armed.fired == 0


def test_damaged_pages_are_reported(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'job'").fetchone()
    with copy.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    assert any("SQLite" in problem for problem in problems(copy))


def test_nothing_is_written(copy: Path) -> None:
    before = copy.read_bytes()
    problems(copy)
    assert copy.read_bytes() == before
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        assert list(find_problems(connection)) == []
        connection.execute("UPDATE execution SET args = '[]'")  # the connection may write again


def test_a_run_may_write_meanwhile(copy: Path) -> None:
    """The check reads the repository as it is at one moment."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE tag SET value = '{'")
        found = find_problems(connection)
        assert isinstance(next(found), Problem)
        with closing(sqlite3.connect(copy, isolation_level=None, timeout=0)) as writer:
            writer.execute("DELETE FROM job")
        assert all("its value is not JSON" in problem.what for problem in found)


def test_a_missing_repository_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="there is no repository"):
        problems(tmp_path / "redun.db")
    assert not (tmp_path / "redun.db").exists()


def test_another_schema_is_refused(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA user_version = 77")
    with pytest.raises(BackendVersionError, match="77"):
        problems(copy)
