"""Rolling back in SQLite: on the disk before any task relies on it, and in few statements."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redun.backends.records import HandleEdge, HandleRecord, HandleStep, RecordBatch
from redun.testing.backend_records import hash_of
from redun_backend_sql.sqlite_backend import SqliteBackend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(tmp_path / "redun.db")
    backend.load()
    yield backend
    backend.close()


def statements(backend: SqliteBackend, action: Any) -> list[str]:
    traced: list[str] = []
    connection: Any = backend._connection
    connection.set_trace_callback(traced.append)
    try:
        action()
    finally:
        connection.set_trace_callback(None)
    return traced


def line(names: list[str]) -> RecordBatch:
    hashes = [hash_of(name) for name in names]
    return RecordBatch(
        handles=[HandleRecord(each, "suite.handle", "", True) for each in hashes],
        handle_edges=[HandleEdge(parent, child, HandleStep.CALL) for parent, child in itertools.pairwise(hashes)],
    )


def test_a_rollback_is_forced_to_the_disk_and_other_batches_are_not(backend: SqliteBackend) -> None:
    backend.record(line(["a", "b"]))
    for _ in range(2):
        traced = statements(backend, lambda: backend.roll_back([hash_of("a")]))
        full, begin, commit = (
            next(index for index, text in enumerate(traced) if start in text)
            for start in ("synchronous=FULL", "BEGIN", "COMMIT")
        )
        # A transaction that writes nothing would sync nothing of what was written before.
        updates = [index for index, text in enumerate(traced) if text.startswith("UPDATE handle")]
        assert full < begin < updates[0] <= updates[-1] < commit
        assert traced[-1] == "PRAGMA synchronous=1"
    traced = statements(backend, lambda: backend.record(line(["c", "d"])))
    assert not any("synchronous" in text for text in traced)


def test_the_looks_at_many_states_use_the_indexes(backend: SqliteBackend) -> None:
    backend.record(line([f"state {number}" for number in range(50)]))
    connection: Any = backend._connection
    traced = statements(backend, lambda: backend.handle_branches([hash_of("state 3"), hash_of("state 4")]))
    selects = [text for text in traced if text.startswith("SELECT")]
    assert len(selects) == 2
    for text in selects:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
        assert plan
        assert not any(step.startswith("SCAN") for step in plan), plan
