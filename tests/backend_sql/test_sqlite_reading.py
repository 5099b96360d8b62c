"""A repository that this user may not write to can still be asked."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from redun.cli.entry import run_command_line
from redun.errors import BackendError, BackendVersionError
from redun.testing.backend_records import Story
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.sqlite_backend import SqliteBackend


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """The user that tests become may not be able to read Python's own library, so that all is imported before."""
    backend = SqliteBackend(None)
    backend.load()
    assert backend.executions(limit=1) == []
    backend.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can get into, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="redun-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def read_only(folder: Path, mode: int = 0o555) -> Iterator[None]:
    """Nobody may write to the folder, with this mode, and what is in it: as another user than root, who may always."""
    user = os.geteuid()
    for each in folder.iterdir():
        each.chmod(0o444)
    folder.chmod(mode)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def opened(path: Path) -> SqliteBackend:
    backend = SqliteBackend(path)
    backend.load()
    return backend


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def record(backend: SqliteBackend, execution: str) -> None:
    backend.record(Story(f"{execution}0000000-0000-4000-8000-000000000000").begin().take())


def test_a_repository_in_a_folder_that_cannot_be_written_answers_questions_and_is_left_as_it_is(folder: Path):
    backend = opened(folder / "redun.db")
    record(backend, "1")
    backend.close()
    before = (folder / "redun.db").read_bytes()
    reader = SqliteBackend(folder / "redun.db")
    with read_only(folder):
        with pytest.raises(BackendError, match="read-only for this user"):
            reader.load()
        reader.load_for_questions()
        reader.load_for_questions()
        assert len(reader.executions(limit=10)) == 1
        with pytest.raises(BackendError, match="cannot be written: the file or its folder is read-only"):
            record(reader, "2")
        assert len(reader.executions(limit=10)) == 1
        reader.close()
    assert names(folder) == ["redun.db"]
    assert (folder / "redun.db").read_bytes() == before


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_file_that_cannot_be_written_in_a_folder_that_can_gets_no_files_beside_it(folder: Path, journal: str):
    """They would belong to the reader, and be in the way of the owner's next run."""
    backend = opened(folder / "redun.db")
    record(backend, "1")
    backend.close()
    with closing(sqlite3.connect(folder / "redun.db")) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
    reader = SqliteBackend(folder / "redun.db")
    with read_only(folder, 0o777):
        reader.load_for_questions()
        assert len(reader.executions(limit=10)) == 1
        assert names(folder) == ["redun.db"]
        reader.close()
    assert names(folder) == ["redun.db"]


def test_what_a_running_writer_has_recorded_is_seen(folder: Path, caplog: pytest.LogCaptureFixture):
    writer = opened(folder / "redun.db")
    record(writer, "1")
    assert names(folder) == ["redun.db", "redun.db-shm", "redun.db-wal"]
    reader = SqliteBackend(folder / "redun.db")
    with read_only(folder):
        reader.load_for_questions()
        assert len(reader.executions(limit=10)) == 1
    record(writer, "2")
    assert len(reader.executions(limit=10)) == 2
    reader.close()
    writer.close()
    assert caplog.messages == []


def test_a_log_that_cannot_be_used_is_told_of(folder: Path, caplog: pytest.LogCaptureFixture):
    writer = opened(folder / "redun.db")
    with closing(sqlite3.connect(folder / "redun.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    record(writer, "1")
    copy = folder / "copy"
    copy.mkdir()
    for name in ("redun.db", "redun.db-wal"):
        shutil.copy(folder / name, copy / name)
    writer.close()
    reader = SqliteBackend(copy / "redun.db")
    with read_only(copy):
        reader.load_for_questions()
        assert reader.executions(limit=10) == []
        reader.close()
    (message,) = caplog.messages
    assert message == f"The latest runs may be missing: this user may not use the log {copy / 'redun.db-wal'}."


def test_a_repository_that_can_be_written_is_opened_as_for_a_run(folder: Path):
    reader = SqliteBackend(folder / "new" / "redun.db")
    reader.load_for_questions()
    record(reader, "1")
    reader.close()
    assert names(folder / "new") == ["redun.db"]


def test_what_only_a_writer_could_put_right_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "empty.db").touch()
    opened(folder / "redun.db").close()
    with read_only(folder):
        with pytest.raises(BackendError, match=r"there is no repository .*missing\.db, and this user may not make one"):
            SqliteBackend(folder / "missing.db").load_for_questions()
        with pytest.raises(BackendError, match=r"empty\.db is empty"):
            SqliteBackend(folder / "empty.db").load_for_questions()
        monkeypatch.setattr("redun_backend_sql.repository.SCHEMA_REVISION", SCHEMA_REVISION + 1)
        with pytest.raises(BackendVersionError, match=r"needs .*somebody who may has to bring it up to date"):
            SqliteBackend(folder / "redun.db").load_for_questions()


def test_redun_log_works_in_a_project_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]):
    config_dir = folder / ".redun"
    config_dir.mkdir()
    (config_dir / "redun.ini").touch()
    backend = opened(config_dir / "redun.db")
    record(backend, "1")
    backend.close()
    command = ["--config", str(config_dir), "log"]
    assert run_command_line(command) == 0
    shown = capsys.readouterr().out
    with read_only(config_dir):
        assert run_command_line(command) == 0
    assert capsys.readouterr().out == shown
    assert "10000000" in shown
    assert names(config_dir) == ["redun.db", "redun.ini"]
