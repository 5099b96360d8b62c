"""Workflows whose repositories are collected, and what tests of collections ask of a repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redun import File, Handle, Scheduler, get_context, task
from redun.config import Config
from redun.executors.inline import InlineExecutor
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.integrity import find_problems
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_garbage"
ran: list[Any] = []


@task(tags=[("kind", "leaf")])
def double(x: int) -> int:
    ran.append(x)
    return 2 * x


@task
def long_text(x: int) -> str:
    ran.append(f"text {x}")
    return f"{x} " * 2000


@task
def length(text: str) -> int:
    return len(text)


@task
def main(numbers: list[int]) -> list[Any]:
    return [[double(x), length(long_text(x))] for x in numbers]


@task
def fails(x: int) -> int:
    return failing(double(x))


@task
def failing(x: int) -> int:
    raise ValueError(x)


@task
def write(path: str) -> File:
    file = File(path)
    file.write("text")
    return file


@task
def with_file(path: str) -> list[Any]:
    return [write(path), {"again": write(path)}]


@task
def in_context(x: int, factor: int = get_context("factor", 1)) -> int:  # type: ignore[assignment]
    return x * factor


from_inside: list[Callable[[], None]] = []


@task(cache=False)
def calls_back(x: int) -> int:
    from_inside.pop()()
    return x


class Database(Handle):
    def __init__(self, name: str) -> None:
        self.instance = name


@task
def change(database: Database, step: int) -> Database:
    ran.append(f"step {step}")
    return database


@task
def change_twice(name: str) -> Database:
    return change(change(Database(name), 1), 2)


@pytest.fixture(params=["sqlite", "postgresql"])
def make_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., SqlBackend]:
    """Makes a backend on the repository of the test."""
    if request.param == "sqlite":
        return lambda **options: SqliteBackend(tmp_path / "redun.db", **options)
    database = request.getfixturevalue("repository")
    return lambda **options: PostgresBackend(database.server, **options)


@pytest.fixture
def sql_backend(make_backend: Callable[..., SqlBackend]) -> Iterator[SqlBackend]:
    ran.clear()
    backend = make_backend()
    backend.load()
    yield backend
    backend.close()


def run(backend: SqlBackend, expr: Any, **options: Any) -> tuple[str, Any]:
    """The id of the execution, and its result."""
    scheduler = Scheduler(config=Config({}), backend=backend, executor=InlineExecutor("default"))
    result = scheduler.run(expr, **options)
    return backend.executions(limit=1)[0].id, result


def problems(backend: SqlBackend) -> list[str]:
    assert backend._connection is not None
    return [str(each) for each in find_problems(backend._connection, backend.value_store)]


def count(backend: SqlBackend, table: str) -> int:
    assert backend._connection is not None
    return int(backend._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def kinds(garbage: Any) -> dict[str, int]:
    return {size.kind: size.count for size in garbage.sizes}


@contextmanager
def opened(backend: SqlBackend) -> Iterator[SqlBackend]:
    backend.load()
    try:
        yield backend
    finally:
        backend.close()


def copies(backend: SqlBackend) -> list[Any]:
    from redun.backends.copying import collect_records

    return list(collect_records(backend))
