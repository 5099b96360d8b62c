"""Large values in files of their own: whole or not there, and never believed when they are damaged."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.base import Backend
from redun.backends.records import ValueRecord
from redun.errors import BackendError, ConfigError
from redun.executors.inline import InlineExecutor
from redun.testing import BackendSuite
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend
from redun_backend_sql.value_store import ValueStore

redun_namespace = "test_value_store"
ran: list[int] = []
SIZE = 5000


@task
def large(x: int) -> str:
    ran.append(x)
    return str(x) * SIZE


@task
def total(parts: list[str]) -> int:
    return sum(len(part) for part in parts)


@task
def main(n: int) -> int:
    return total([large(i) for i in range(n)])


class TestSqliteWithStore(BackendSuite):
    """The promises of a backend hold when every value is elsewhere."""

    @pytest.fixture
    def backend(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
        # Thousands of tiny files, which nobody keeps there: the disk takes its time.
        monkeypatch.setattr(os, "fsync", lambda _file: None)
        backend = SqliteBackend(tmp_path / "redun.db", value_store=ValueStore(f"{tmp_path}/values", 0))
        backend.load()
        yield backend
        backend.close()

    @pytest.fixture
    def second(self, backend: Backend, tmp_path: Path) -> Iterator[Backend]:
        second = SqliteBackend(tmp_path / "redun.db", value_store=ValueStore(f"{tmp_path}/values", 0))
        second.load()
        yield second
        second.close()


@pytest.fixture
def values(tmp_path: Path) -> Path:
    return tmp_path / "values"


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes a backend on the repository of the test."""
    if request.param == "sqlite":
        return lambda **options: SqliteBackend(tmp_path / "redun.db", **options)
    database = request.getfixturevalue("repository")
    return lambda **options: PostgresBackend(database.server, **options)


def run(backend: SqlBackend, n: int = 5) -> list[int]:
    """Run the workflow; which bodies ran."""
    ran.clear()
    backend.load()
    try:
        assert Scheduler(backend=backend, executor=InlineExecutor("default")).run(main(n)) == n * SIZE
    finally:
        backend.close()
    return list(ran)


def files(values: Path) -> list[Path]:
    return sorted(path for path in values.rglob("*") if path.is_file())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_large_values_are_files_named_by_their_hash_and_the_others_are_not(make: Any, values: Path) -> None:
    assert run(make(value_store=ValueStore(str(values), 1024))) == [0, 1, 2, 3, 4]
    assert len(files(values)) >= 5
    for path in files(values):
        assert len(path.parent.name) == 2
        assert len(path.parent.name + path.name) == 40
        assert path.stat().st_size > 1024
    assert run(make(value_store=ValueStore(str(values), 1024))) == []
    backend = make(value_store=ValueStore(str(values), 1024))
    backend.load()
    hashes = [bytes.fromhex(path.parent.name + path.name) for path in files(values)]
    assert all(len(value.data) > 1024 for value in backend.load_values(hashes).values())
    assert {value.codec for value in backend.load_values(hashes).values()} <= {"plain", "bytes", "expression"}
    # By which copies are cut into batches that fit into memory.
    sizes = {value_hash: outline.size for value_hash, outline in backend.value_outlines(hashes).items()}
    assert sizes == {value_hash: len(value.data) for value_hash, value in backend.load_values(hashes).items()}
    backend.close()


def without_task_value(values: Path) -> list[Path]:
    """The files of what `large` returned."""
    return [path for path in files(values) if path.stat().st_size > SIZE]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "changed", "another's", "a folder"])
def test_a_file_that_is_not_whole_is_computed_again_with_a_warning_and_then_whole(
    make: Any, values: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(make(value_store=ValueStore(str(values), 1024)))
    before = {path: path.read_bytes() for path in files(values)}
    first, second, *_ = [path for path, content in before.items() if b"3" * SIZE in content or b"4" * SIZE in content]
    content = first.read_bytes()
    first.unlink()
    if damage == "another's":
        first.write_bytes(second.read_bytes())
    elif damage == "a folder":
        first.mkdir()
    elif damage != "missing":
        first.write_bytes({"empty": b"", "cut off": content[:-1], "changed": content[:-1] + b"x"}[damage])
    if damage == "a folder":
        with pytest.raises(BackendError, match="value store"):
            run(make(value_store=ValueStore(str(values), 1024)))
        return
    assert len(run(make(value_store=ValueStore(str(values), 1024)))) == 1
    assert any(str(first) in text and "counts as not cached" in text for text in warnings(caplog))
    assert {path: path.read_bytes() for path in files(values)} == before
    caplog.clear()
    assert run(make(value_store=ValueStore(str(values), 1024))) == []
    assert warnings(caplog) == []


def test_without_the_store_its_values_are_computed_again_and_kept_in_the_database(make: Any, values: Path) -> None:
    run(make(value_store=ValueStore(str(values), 1024)))
    assert run(make()) == [0, 1, 2, 3, 4]
    assert run(make()) == []
    assert run(make(value_store=ValueStore(str(values), 1024))) == []


def test_a_store_that_is_configured_later_takes_what_is_new(make: Any, values: Path) -> None:
    run(make(), 3)
    assert run(make(value_store=ValueStore(str(values), 1024)), 5) == [3, 4]
    assert run(make(), 3) == []


def test_a_value_is_whole_in_the_store_before_a_row_names_it(make: Any, values: Path) -> None:
    backend = make(value_store=ValueStore(str(values), 100))
    backend.load()
    story = Story()  # without an execution: the batch is refused after its values were stored
    story.value("v", size=1000)
    story.job(1)
    with pytest.raises(BackendError, match="never recorded"):
        backend.record(story.take())
    assert backend.load_values([hash_of("v")]) == {}
    assert len(files(values)) == 1
    backend.close()


def test_a_store_that_cannot_be_written_fails_the_batch_and_leaves_nothing(make: Any, values: Path) -> None:
    values.write_text("a file where the folder should be")
    backend = make(value_store=ValueStore(str(values), 100))
    backend.load()
    story = Story().begin()
    story.value("v", size=1000)
    with pytest.raises(ConfigError, match=rf"\[backend\] value_store_path: large values cannot be kept in {values}"):
        backend.record(story.take())
    assert backend.executions(limit=1) == []
    backend.close()


def test_the_largest_size_holds_in_the_store_too(make: Any, values: Path) -> None:
    backend = make(value_store=ValueStore(str(values), 100), max_value_size=500)
    backend.load()
    story = Story().begin()
    story.value("v", size=1000)
    with pytest.raises(BackendError, match="max_value_size allows 500"):
        backend.record(story.take())
    assert not values.exists()
    backend.close()


def test_any_filesystem_serves(make: Any, tmp_path: Path) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    url = f"memory://{tmp_path.name}"
    try:
        run(make(value_store=ValueStore(url, 1024)))
        stored = [path for path in MemoryFileSystem.store if path.startswith(f"/{tmp_path.name}/")]
        assert len(stored) >= 5
        assert run(make(value_store=ValueStore(url, 1024))) == []
    finally:
        MemoryFileSystem.store.clear()


def test_the_check_of_a_repository_knows_such_values(values: Path, tmp_path: Path) -> None:
    run(SqliteBackend(tmp_path / "redun.db", value_store=ValueStore(str(values), 1024)))
    assert list(check_repository(tmp_path / "redun.db")) == []


def test_writers_at_once_and_one_that_fails_leave_no_half_files(values: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = ValueRecord(hash_of("v"), "str", "plain", b"x" * 1_000_000)
    stores = [ValueStore(str(values), 1) for _ in range(4)]
    threads = [threading.Thread(target=store.put, args=([record],)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(values)) == 1
    assert stores[0].get(record.hash) == record.data

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = ValueRecord(hash_of("w"), "str", "plain", b"y" * 1000)
    with pytest.raises(BackendError, match="No space left"):
        stores[0].put([other])
    assert len(files(values)) == 1
    assert stores[0].get(other.hash) is None


def test_a_folder_goes_with_its_last_file(tmp_path: Path) -> None:
    store = ValueStore(str(tmp_path / "values"), 1)
    same = [bytes([7, number]) + bytes(18) for number in range(2)]
    store.put([ValueRecord(each, "builtins.bytes", "bytes", b"data") for each in same])
    store.remove(same[0])
    assert (tmp_path / "values" / "07").is_dir()
    store.remove(same[1])
    assert list((tmp_path / "values").iterdir()) == []
    store.put([ValueRecord(same[0], "builtins.bytes", "bytes", b"data")])
    assert store.get(same[0]) == b"data"
