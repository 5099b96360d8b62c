"""A repository that the first revision has written: whole after its upgrade, and it can be taken along."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from first_revision_workflow import failing, main
from redun import Scheduler
from redun.backends.copying import collect_records, copy_records
from redun.backends.exchange import read_lines, write_lines
from redun.backends.imports import import_records
from redun.backends.records import Status
from redun.executors.inline import InlineExecutor
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.repository import APPLICATION_ID
from redun_backend_sql.sqlite_backend import SqliteBackend

RESULT = [14, [f"word {number}" for number in range(30)] + [{1, 2}], 81]


@pytest.fixture
def old(tmp_path: Path) -> Iterator[SqliteBackend]:
    """The repository, upgraded."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "first_revision.sql").read_text())
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
    backend = SqliteBackend(path)
    backend.load()
    yield backend
    backend.close()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[SqliteBackend]:
    """An empty repository of today."""
    backend = SqliteBackend(tmp_path / "new.db")
    backend.load()
    yield backend
    backend.close()


def problems(backend: SqliteBackend) -> list[str]:
    return [str(problem) for problem in check_repository(backend.path)]


def run(backend: SqliteBackend, expr: Any) -> tuple[Any, set[str]]:
    """The result of a run, and the statuses of its jobs."""
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    result = scheduler.run(expr)
    [execution] = backend.executions(limit=1)
    return result, {job.status.name for job, _ in backend.job_records(execution.id, after=0, limit=100)}


def test_it_is_whole(old: SqliteBackend) -> None:
    assert len(old.executions(limit=10)) == 4
    assert problems(old) == []


def test_its_results_are_known(old: SqliteBackend) -> None:
    assert run(old, main(4)) == (RESULT, {"CACHED"})
    with pytest.raises(ValueError, match="4"):
        run(old, failing())
    assert problems(old) == []


def test_what_was_written_since_goes_with_it(old: SqliteBackend, new: SqliteBackend) -> None:
    assert run(old, main(6))[1] == {"CACHED", "DONE"}
    copy_records(old, new)
    assert problems(old) == problems(new) == []
    assert run(new, main(6))[1] == {"CACHED"}


def test_it_can_be_exported_and_imported(old: SqliteBackend, new: SqliteBackend) -> None:
    lines = [line.encode() for line in write_lines(collect_records(old))]
    import_records(read_lines(lines, "a file"), new, "a file")
    assert problems(new) == []
    assert run(new, main(4)) == (RESULT, {"CACHED"})
    assert not import_records(read_lines(lines, "a file"), new, "a file")


def test_it_can_be_copied(old: SqliteBackend, new: SqliteBackend) -> None:
    copy_records(old, new)
    assert problems(new) == []
    assert run(new, main(4)) == (RESULT, {"CACHED"})
    assert not copy_records(old, new)
    assert [each.status for each in new.executions(limit=2)] == [Status.DONE, Status.FAILED]


def test_a_damaged_call_of_it_is_none(old: SqliteBackend) -> None:
    with closing(sqlite3.connect(old.path)) as connection, connection:
        connection.execute("UPDATE call SET call_hash = zeroblob(20) WHERE id = 1")
    assert any("its hash is not that of its task" in each for each in problems(old))
