"""Versions of the schema, on every database: what there is, up, down, and what a way down would lose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import HandleRecord, RecordBatch
from redun.cli.entry import run_command_line
from redun.errors import BackendError, BackendVersionError
from redun.executors.inline import InlineExecutor
from redun.testing.backend_records import hash_of
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_schema_versions"
MakeBackend = Callable[..., SqlBackend]


@task
def square(x: int) -> list[int]:
    return [x * x] * 50


@pytest.fixture(params=["sqlite", "postgresql"])
def db_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/redun.db"
    return str(request.getfixturevalue("database").uri)


@pytest.fixture
def place(db_uri: str) -> str:
    """What the check of a repository takes."""
    return db_uri.removeprefix("sqlite:///")


@pytest.fixture
def make(request: pytest.FixtureRequest, db_uri: str, place: str) -> MakeBackend:
    """Makes a backend that changes no schema by itself."""
    if db_uri.startswith("sqlite"):
        return lambda: SqliteBackend(Path(place), automigrate=False)
    database = request.getfixturevalue("database")
    return lambda: PostgresBackend(database.server)


def run(backend: SqlBackend) -> list[int]:
    """Run a small workflow; how many of its leaves ran and how many were cached."""
    backend.load()
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    scheduler.run([square(i) for i in range(5)])
    backend.close()
    return scheduler.job_counts()[square.fullname]


def test_an_empty_database_gets_its_tables_by_an_upgrade(make: MakeBackend, place: str) -> None:
    make().upgrade_schema()
    assert make().schema_info().current == SCHEMA_REVISION
    make().upgrade_schema()
    run(make())
    assert list(check_repository(place)) == []


def test_the_known_versions_are_the_migrations(make: MakeBackend) -> None:
    make().upgrade_schema()
    info = make().schema_info()
    assert [each.number for each in info.known] == list(range(1, SCHEMA_REVISION + 1))
    assert info.known[0] == (1, "0001", "The first tables.")
    assert info.required == SCHEMA_REVISION


def test_a_repository_of_the_first_version_keeps_its_history_and_its_cache_hits(make: MakeBackend, place: str) -> None:
    make().upgrade_schema()
    assert run(make()) == [0, 0, 0, 0, 5]
    make().downgrade_schema(1)
    assert make().schema_info().current == 1
    with pytest.raises(BackendVersionError, match="revision 1"):
        make().load()
    make().upgrade_schema()
    assert run(make()) == [0, 0, 0, 5, 0]
    backend = make()
    backend.load()
    assert len(backend.executions(limit=5)) == 2
    backend.close()
    assert list(check_repository(place)) == []


def test_a_way_down_that_would_lose_something_is_refused_unless_forced(make: MakeBackend) -> None:
    make().upgrade_schema()
    backend = make()
    backend.load()
    backend.record(RecordBatch(handles=[HandleRecord(hash_of("state"), "suite.handle", "", True)]))
    backend.close()
    with pytest.raises(BackendError, match=r"holds 1 states of handles.*--force"):
        make().downgrade_schema(1)
    assert make().schema_info().current == SCHEMA_REVISION
    make().downgrade_schema(1, force=True)
    assert make().schema_info().current == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda backend: backend.upgrade_schema(99), "no schema version 99. .*knows 1, 2"),
        (lambda backend: backend.downgrade_schema(0), "no schema version 0"),
        (lambda backend: backend.upgrade_schema(1), "newer than 1: `redun db downgrade`"),
    ],
)
def test_a_version_that_cannot_be_reached_is_refused(make: MakeBackend, change: Any, message: str) -> None:
    make().upgrade_schema()
    with pytest.raises(BackendError, match=message):
        change(make())
    assert make().schema_info().current == SCHEMA_REVISION


def test_what_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "redun.db")
    with pytest.raises(BackendError, match="there is no repository"):
        backend.schema_info()
    with pytest.raises(BackendError, match="there is no repository"):
        backend.downgrade_schema(1)
    assert list(tmp_path.iterdir()) == []


def test_a_backend_without_a_schema_says_so() -> None:
    with pytest.raises(BackendError, match="MemoryBackend does not support versions"):
        MemoryBackend().schema_info()


def test_the_commands(
    db_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def redun(*words: str, code: int = 0) -> str:
        """What a command prints: to stdout, or to stderr where it has to fail."""
        assert run_command_line(words) == code
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    monkeypatch.chdir(tmp_path)
    config = tmp_path / ".redun"
    config.mkdir()
    (config / "redun.ini").write_text(f"[backend]\ndb_uri = {db_uri}\nautomigrate = False\n")
    if db_uri.startswith("postgresql"):
        assert "empty" in redun("db", "info")
    assert redun("db", "upgrade") == f"Initial version: 0\nFinal version:   {SCHEMA_REVISION}\n"
    assert redun("db", "upgrade") == "No migration needed.\n"
    assert redun("db", "downgrade", "1") == f"Initial version: {SCHEMA_REVISION}\nFinal version:   1\n"
    shown = redun("db", "info")
    assert "schema version:    1 (The first tables.)" in shown
    assert "older: `redun db upgrade`" in shown
    assert f'"required": {SCHEMA_REVISION}' in redun("db", "info", "--json")
    assert "redun db upgrade" in redun("log", code=2)
    assert redun("db", "upgrade", "latest").endswith(f"Final version:   {SCHEMA_REVISION}\n")
    assert redun("db", "versions").splitlines()[1] == "1        0001       The first tables."
    assert '"number": 1' in redun("db", "versions", "--json")
    assert "newer than 1" in redun("db", "upgrade", "1", code=2)
    assert "is no version" in redun("db", "upgrade", "x", code=2)
    assert "do not tell" not in redun("--debug", "db", "downgrade", "77", code=2)
    (config / "redun.ini").write_text("[backend]\ndb_uri = memory://\n")
    assert "does not support versions" in redun("db", "info", code=2)
