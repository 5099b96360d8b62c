"""Copies between repositories in SQLite and in PostgreSQL, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Database
from redun import File, Handle, Scheduler, task
from redun.backends import collecting
from redun.backends.base import Backend
from redun.backends.copying import copy_records
from redun.backends.records import RecordBatch
from redun.errors import BackendError
from redun.executors.inline import InlineExecutor
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_postgres_copies"
ran: list[str] = []


@task
def write(path: str, n: int) -> File:
    ran.append("write")
    file = File(path)
    file.write("x" * n)
    return file


@task
def length(file: File) -> int:
    ran.append("length")
    return len(file.read())


@task
def fill(handle: Handle) -> Handle:
    ran.append("fill")
    return handle


@task
def fail(x: int) -> int:
    raise ValueError(x)


@task
def main(folder: str) -> Any:
    return [[length(write(f"{folder}/{i}.txt", i)) for i in range(20)], fill(Handle("db")), ["long " * 100]]


def run(backend: Backend, folder: Path) -> list[str]:
    """Run the workflow. Which tasks had to run."""
    ran.clear()
    scheduler = Scheduler(backend=backend)
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    scheduler.run(main(str(folder)))
    with pytest.raises(ValueError, match="7"):
        scheduler.run([fail(7)])
    return list(ran)


@pytest.fixture(params=["to PostgreSQL", "to SQLite"])
def pair(request: pytest.FixtureRequest, backend: PostgresBackend, repository: Database, tmp_path: Path) -> Any:
    """A source, a target, and where the target is."""
    path = tmp_path / "redun.db"
    file = SqliteBackend(path)
    file.load()
    yield (file, backend, repository.uri) if request.param == "to PostgreSQL" else (backend, file, path)
    file.close()


def test_a_copy_is_whole_cached_and_not_repeated(pair: tuple[Backend, Backend, Any], tmp_path: Path) -> None:
    source, target, place = pair
    assert len(run(source, tmp_path)) == 41
    assert copy_records(source, target)["executions"] == 2
    assert list(check_repository(place)) == []
    assert target.executions(limit=5) == source.executions(limit=5)
    for execution in source.executions(limit=5):
        assert target.jobs(execution.id) == source.jobs(execution.id)
        assert target.task_counts(execution.id) == source.task_counts(execution.id)
    assert copy_records(source, target).total() == 0
    assert copy_records(target, source).total() == 0
    assert run(target, tmp_path) == []
    assert copy_records(target, source)["executions"] == 2


def test_an_interrupted_copy_is_completed(
    pair: tuple[Backend, Backend, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, place = pair
    run(source, tmp_path)
    monkeypatch.setattr(collecting, "CALLS", 5)
    monkeypatch.setattr(collecting, "JOBS", 10)
    record: Callable[[RecordBatch], None] = target.record
    left = [6]

    def record_some(batch: RecordBatch) -> None:
        if not left[0]:
            raise BackendError("lost")
        left[0] -= 1
        record(batch)

    with monkeypatch.context() as patch:
        patch.setattr(target, "record", record_some)
        with pytest.raises(BackendError, match="lost"):
            copy_records(source, target)
    assert list(check_repository(place)) == []
    assert copy_records(source, target).total() > 0
    assert list(check_repository(place)) == []
    assert target.executions(limit=5) == source.executions(limit=5)
    assert copy_records(source, target).total() == 0


def test_one_repository_is_known_by_both_who_opened_it(backend: PostgresBackend, repository: Database) -> None:
    other = PostgresBackend(repository.server)
    other.load()
    assert backend.is_same_store(other)
    with pytest.raises(BackendError, match="the same repository"):
        copy_records(backend, other)
    other.close()
