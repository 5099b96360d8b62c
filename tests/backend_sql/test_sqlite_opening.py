"""Opening a repository: what is fine, and what gives one clear error and changes nothing."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from redun.errors import BackendError, BackendVersionError
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.run_path import connection as connection_module
from redun_backend_sql.sqlite_backend import SqliteBackend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "redun.db"


def make_repository(path: Path) -> None:
    backend = SqliteBackend(path)
    backend.load()
    backend.record(Story().begin().take())
    backend.close()


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_repository_is_made_with_its_folder_and_opened_again(tmp_path: Path):
    path = tmp_path / "a" / "b" / "redun.db"
    make_repository(path)
    backend = SqliteBackend(path)
    backend.load()
    backend.load()
    assert len(backend.executions(limit=10)) == 1
    backend.close()
    backend.close()


def test_closing_leaves_one_file(path: Path):
    make_repository(path)
    assert [each.name for each in path.parent.iterdir()] == ["redun.db"]


def test_it_works_with_the_write_ahead_log(path: Path):
    make_repository(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_without_the_log_it_falls_back_and_says_so_once(path, monkeypatch, caplog):
    monkeypatch.setattr(connection_module, "NETWORK_FILESYSTEMS", tuple(filesystem_types()))
    with caplog.at_level(logging.WARNING):
        make_repository(path)
    assert len(caplog.records) == 1
    assert "network filesystem" in caplog.text
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def filesystem_types() -> list[str]:
    return [line.split()[2] for line in Path("/proc/self/mounts").read_text().splitlines()]


def test_a_closed_backend_says_so(path: Path):
    with pytest.raises(BackendError, match="not open"):
        SqliteBackend(path).find_evaluations([hash_of("x")])


def assert_refused(path: Path, error: type[Exception], message: str) -> None:
    before = path.read_bytes()
    with pytest.raises(error, match=message):
        SqliteBackend(path).load()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_no_database_is_refused(path: Path):
    path.write_text("this is a text file, and long enough to be looked at\n" * 100)
    assert_refused(path, BackendError, "is not a SQLite database")


def test_a_newer_schema_is_refused(path: Path):
    make_repository(path)
    run_sql(path, f"PRAGMA user_version={SCHEMA_REVISION + 1}")
    assert_refused(path, BackendVersionError, rf"revision {SCHEMA_REVISION + 1}.*up to {SCHEMA_REVISION}.*Upgrade")


def test_the_other_reduns_database_is_refused(path: Path):
    run_sql(path, "CREATE TABLE redun_version (id)", "CREATE TABLE call_node (call_hash)")
    assert_refused(path, BackendVersionError, "another schema.*left as it is")


def test_another_programs_database_is_refused(path: Path):
    run_sql(path, "CREATE TABLE songs (title)", "PRAGMA user_version=7")
    assert_refused(path, BackendError, "another program.*songs")


def test_an_older_schema_is_left_alone_when_it_must_not_be_migrated(path: Path, monkeypatch):
    make_repository(path)
    monkeypatch.setattr("redun_backend_sql.repository.SCHEMA_REVISION", SCHEMA_REVISION + 1)
    with pytest.raises(BackendVersionError, match=rf"revision {SCHEMA_REVISION}.*needs {SCHEMA_REVISION + 1}"):
        SqliteBackend(path, automigrate=False).load()
    with pytest.raises(BackendVersionError, match="automigrate"):
        SqliteBackend(path).load(migrate=False)


def test_an_empty_file_becomes_a_repository(path: Path):
    path.touch()
    make_repository(path)


def test_a_folder_in_place_of_the_file_is_refused(path: Path):
    path.mkdir()
    with pytest.raises(BackendError, match="it is a folder"):
        SqliteBackend(path).load()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match="cannot make the folder"):
        SqliteBackend(tmp_path / "file" / "redun.db").load()


def test_a_locked_repository_is_reported_with_what_to_do(path: Path, monkeypatch):
    make_repository(path)
    backend = SqliteBackend(path, busy_timeout=0.05)
    backend.load()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackendError, match=r"locked by another process.*Wait for that process"):
            backend.record(Story().begin().take())
        other.execute("ROLLBACK")
    backend.record(Story().begin().take())
    backend.close()


def test_a_full_disk_is_reported_and_leaves_a_whole_repository(path: Path):
    make_repository(path)
    backend = SqliteBackend(path)
    backend.load()
    assert backend._connection is not None
    (pages,) = backend._connection.execute("PRAGMA page_count").fetchone()
    # SQLite's own limit on the size of the file fails as a full disk does.
    backend._connection.execute(f"PRAGMA max_page_count={pages + 2}")
    story = Story()
    story.job(1, story.call("f", "result", arguments=["x" * 100_000]))
    with pytest.raises(BackendError, match=r"disk is full.*Free some space"):
        backend.record(story.take())
    assert backend.jobs(story.execution_id) == []
    story.job(1, story.call("f", "result"))
    backend.record(story.take())
    assert len(backend.jobs(story.execution_id)) == 1
    backend.close()


def test_no_larger_value_is_promised_than_sqlite_can_hold(path: Path):
    backend = SqliteBackend(path, max_value_size=10**12)
    backend.load()
    assert backend.max_value_size is not None
    assert backend.max_value_size < 2**31
    backend.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can get into, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="redun-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """The root user may write everywhere, so that another one has to try."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_that_cannot_be_written_is_reported(open_folder: Path, exists: bool):
    path = open_folder / "redun.db"
    if exists:
        make_repository(path)
    before = path.read_bytes() if exists else None
    open_folder.chmod(0o555)
    backend = SqliteBackend(path)
    with as_ordinary_user(), pytest.raises(BackendError, match=r"read-only for this user|may not write to the folder"):
        backend.load()
    assert (path.read_bytes() if exists else None) == before
    open_folder.chmod(0o755)
    backend.load()
    backend.close()


def test_a_place_for_no_ordinary_files_is_reported():
    with pytest.raises(BackendError, match=r"/proc/x.db cannot be opened: no file can be made in the folder /proc\."):
        SqliteBackend(Path("/proc/x.db")).load()


def test_a_folder_that_cannot_be_looked_into_is_reported(open_folder: Path):
    path = open_folder / "closed" / "redun.db"
    make_repository(path)
    path.parent.chmod(0)
    with as_ordinary_user():
        for load in (SqliteBackend(path).load, SqliteBackend(path).load_for_questions):
            with pytest.raises(BackendError, match=r"redun\.db cannot be opened: .*(not look into|Permission denied)"):
                load()
    path.parent.chmod(0o755)


def test_a_batch_is_not_kept_in_part_when_the_file_is_gone_bad(path: Path):
    make_repository(path)
    backend = SqliteBackend(path)
    backend.load()
    assert backend._connection is not None
    backend._connection.execute("DROP TABLE job")
    story = Story()
    story.job(1, story.call("f", "result"))
    with pytest.raises(BackendError, match="no such table: job"):
        backend.record(story.take())
    assert backend.find_evaluations([hash_of("eval f")]) == {}
    with pytest.raises(BackendError, match="no such table: job"):
        backend.jobs(story.execution_id)
    backend.close()
