"""What real runs ask of a SQLite repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redun import Scheduler, task
from redun.backends.records import Status
from redun.executors.inline import InlineExecutor
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_sqlite_run"


@task
def leaf(x: int) -> list[int]:
    return [x]


@task
def fan(n: int) -> list[list[int]]:
    return [leaf(i) for i in range(n)]


@task
def step(x: int) -> int:
    return x + 1


@task
def waiting(x: int = step(step(step(0)))) -> int:
    return x


@task
def broken() -> None:
    raise ValueError("broken")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(tmp_path / "redun.db")
    backend.load()
    yield backend
    backend.close()


def count_batches(backend: SqliteBackend, n: int) -> int:
    """Look-ups and transactions of one run. Rows that are inserted within a prepared statement are not counted."""
    seen: list[str] = []
    assert backend._connection is not None
    backend._connection.set_trace_callback(seen.append)
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    assert len(scheduler.run(fan(n))) == n
    backend._connection.set_trace_callback(None)
    return len([text for text in seen if text.split()[0] in ("BEGIN", "COMMIT", "SELECT")])


def test_statements_of_a_run_grow_with_batches_not_with_jobs(backend: SqliteBackend, monkeypatch) -> None:
    # By time alone, a slow machine would write more often.
    monkeypatch.setattr("redun.scheduler.recorder.LONGEST_DELAY", 3600.0)
    for is_cached in (False, True):
        small = count_batches(backend, 100)
        large = count_batches(backend, 4_100)
        assert small < 60, is_cached
        assert large < small + 60, is_cached


def test_a_larger_run_reuses_what_a_smaller_one_recorded(backend: SqliteBackend) -> None:
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    scheduler.run(fan(50))
    scheduler.run(fan(100))
    assert scheduler.job_counts()[leaf.fullname] == [0, 0, 0, 50, 50]


def test_a_job_that_waits_for_its_defaults_when_a_run_fails_has_a_row_above_theirs(
    backend: SqliteBackend, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="broken"):
        Scheduler(backend=backend, executor=InlineExecutor("default")).run([waiting(), broken()])
    [execution] = backend.executions(limit=1)
    assert {row.task_name: row.status for row in backend.jobs(execution.id)}[waiting.fullname] is Status.CANCELLED
    backend.close()
    assert list(check_repository(tmp_path / "redun.db")) == []
