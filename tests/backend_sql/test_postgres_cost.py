"""What questions and batches cost in PostgreSQL: no scans of large tables, and few statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from postgres_server import Database, drop_database, make_database
from redun import Scheduler, task
from redun.executors.inline import InlineExecutor
from redun.testing.backend_records import Story
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.connection import PostgresConnection
from test_sqlite_cost import LARGE, QUESTIONS, fill, leaves

redun_namespace = "test_postgres_cost"


def connection_of(backend: PostgresBackend) -> PostgresConnection:
    assert isinstance(backend._connection, PostgresConnection)
    return backend._connection


@pytest.fixture(scope="module")
def filled(postgres_uri_of: Any, template: Database) -> Iterator[PostgresBackend]:
    """A repository with some thousands of everything, analyzed as the server does by itself after a while."""
    database = make_database(postgres_uri_of, f'TEMPLATE "{template.name}"')
    backend = PostgresBackend(database.server)
    backend.load()
    fill(backend)
    connection_of(backend).driver.execute("ANALYZE")
    yield backend
    backend.close()
    drop_database(postgres_uri_of, database)


class RecordingCursor(psycopg.Cursor[Any]):
    """Notes what is executed, with its parameters."""

    seen: ClassVar[list[tuple[Any, Any]]] = []

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self.seen.append((query, params))
        return super().execute(query, params, **options)


def plans(backend: PostgresBackend, question: str, *avoided: str) -> list[str]:
    """The plans of the statements that answer a question, where a table is scanned only if no index serves.

    avoided: what else is done only where nothing else serves, such as `sort`. How many rows are few depends on when
        the server last looked at its tables.
    """
    driver = connection_of(backend).driver
    RecordingCursor.seen.clear()
    driver.cursor_factory = RecordingCursor
    try:
        assert QUESTIONS[question](backend)
    finally:
        driver.cursor_factory = psycopg.Cursor
    asked = [each for each in RecordingCursor.seen if re.match("SELECT|WITH|UPDATE|DELETE", each[0])]
    settings = [f"enable_{way}" for way in ("seqscan", *avoided)]
    for setting in settings:
        driver.execute(f"SET {setting} = off")
    explained = [psycopg.ClientCursor(driver).execute(f"EXPLAIN {query}", params).fetchall() for query, params in asked]
    for setting in settings:
        driver.execute(f"RESET {setting}")
    return ["\n".join(line for (line,) in lines) for lines in explained]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_scans_a_large_table(filled: PostgresBackend, question: str) -> None:
    found = plans(filled, question)
    assert found
    for plan in found:
        for table in re.findall(r"Seq Scan on (\w+)", plan):
            assert table not in LARGE, plan


def test_the_newest_calls_with_a_common_result_are_found_without_sorting_all(filled: PostgresBackend) -> None:
    (plan, *_) = [text for text in plans(filled, "calls_with_result", "sort", "bitmapscan") if "call_by_value" in text]
    assert "Index Scan Backward using call_by_value" in plan or "Index Only Scan Backward" in plan
    assert "Sort" not in plan


@task
def leaf(x: int) -> list[int]:
    return [x]


@task
def fan(n: int) -> list[list[int]]:
    return [leaf(i) for i in range(n)]


def statements_of_a_run(backend: PostgresBackend, n: int) -> int:
    connection = connection_of(backend)
    seen = [0]
    execute, copy = connection.driver.cursor, connection.driver.execute

    def counting(*args: Any, **kwargs: Any) -> Any:
        seen[0] += 1
        return execute(*args, **kwargs)

    def counting_too(*args: Any, **kwargs: Any) -> Any:
        seen[0] += 1
        return copy(*args, **kwargs)

    connection.driver.cursor, connection.driver.execute = counting, counting_too  # type: ignore[method-assign]
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    assert len(scheduler.run(fan(n))) == n
    del connection.driver.cursor, connection.driver.execute
    return seen[0]


def test_statements_of_a_run_grow_with_batches_not_with_jobs(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By time alone, a slow machine would write more often.
    monkeypatch.setattr("redun.scheduler.recorder.LONGEST_DELAY", 3600.0)
    for is_cached in (False, True):
        small = statements_of_a_run(backend, 100)
        large = statements_of_a_run(backend, 4_100)
        assert small < 100, is_cached
        assert large < small + 60, is_cached


def test_a_leaf_call_costs_one_row_a_table(backend: PostgresBackend, repository: Database) -> None:
    story = Story().begin()
    backend.record(story.take())
    backend.record(leaves(story, range(100)))
    for table, count in {"call": 100, "job": 100, "call_argument": 100, "value": 0, "signature": 1}.items():
        assert repository.rows(f"SELECT count(*) FROM {table}") == [(count,)]


def test_ids_rise_with_the_order_of_commits(backend: PostgresBackend, repository: Database) -> None:
    """Also across schedulers: what push and pull follow."""
    other = PostgresBackend(repository.server)
    other.load()
    story = Story().begin()
    backend.record(story.take())
    last = 0
    for number in range(10):
        (backend, other)[number % 2].record(leaves(story, range(10 * number, 10 * number + 10)))
        ids = [row[0] for row in repository.rows("SELECT id FROM call ORDER BY id")][last:]
        assert ids == list(range(last + 1, last + 11))
        last += 10
    other.close()
