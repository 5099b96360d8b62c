"""Repositories of earlier revisions: brought up to date with everything that they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redun import File, Handle, Scheduler, task
from redun.errors import BackendVersionError
from redun.executors.inline import InlineExecutor
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.migrations.run import run_migrations
from redun_backend_sql.repository import APPLICATION_ID
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_sqlite_migrations"
ran: list[Any] = []


class Conn(Handle):
    def __init__(self, name: str, namespace: str | None = None) -> None:
        self.instance = {"name": name}


@task(tags=[("kind", "leaf")])
def measure(word: str, file: File) -> int:
    ran.append(word)
    return len(word) + len(file.read())


@task
def main(path: str, words: list[str]) -> dict[str, Any]:
    file = File(path)
    return {"total": [measure(word, file) for word in words], "large": "x" * 10_000}


@task
def touch(conn: Any) -> Any:
    ran.append("touch")
    return conn


def run(path: Path, expr: Any) -> Any:
    backend = SqliteBackend(path)
    backend.load()
    ran.clear()
    try:
        return Scheduler(backend=backend, executor=InlineExecutor("default")).run(expr)
    finally:
        backend.close()


def rows(path: Path, tables: list[str]) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


@pytest.fixture
def older(tmp_path: Path) -> tuple[Path, Any, list[str]]:
    """A repository of the first revision with an execution in it, the expression that was run, and its tables."""
    data = tmp_path / "data.txt"
    data.write_text("content")
    expr = main(str(data), ["one", "three"])
    run(tmp_path / "new.db", expr)
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        run_migrations(connection, "0001")
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables.remove("alembic_version")
        connection.execute("ATTACH ? AS new", (str(tmp_path / "new.db"),))
        for table in tables:
            columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({table})"))
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    return path, expr, tables


def test_a_repository_of_the_first_revision_is_brought_up_to_date_with_its_data(older: Any) -> None:
    path, _, tables = older
    before = rows(path, tables)
    assert all(before[table] for table in ("execution", "job", "call", "value", "tag"))
    backend = SqliteBackend(path)
    backend.load()
    backend.close()
    after = rows(path, tables)
    assert after == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_REVISION,)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (f"{SCHEMA_REVISION:04}",)
    assert list(check_repository(path)) == []


def test_what_was_cached_before_a_migration_still_is(older: Any) -> None:
    path, expr, _ = older
    assert run(path, expr)["total"] == [10, 12]
    assert ran == []
    run(path, touch(Conn("db")))
    run(path, touch(Conn("db")))
    assert ran == []
    assert list(check_repository(path)) == []


def test_a_repository_that_must_not_be_migrated_is_refused_and_left_alone(older: Any) -> None:
    path, _, tables = older
    before = rows(path, [*tables, "sqlite_master"])
    with pytest.raises(BackendVersionError, match=f"revision 1, and this version of redun needs {SCHEMA_REVISION}"):
        SqliteBackend(path, automigrate=False).load()
    assert rows(path, [*tables, "sqlite_master"]) == before
