"""What explanations, derivations and comparisons cost: no scan of a large table, however many jobs there are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redun import File, Scheduler, task
from redun.executors.inline import InlineExecutor
from redun.provenance import Repository
from redun.provenance.derivation import producers
from redun.provenance.graph import data_graph
from redun_backend_sql.sqlite_backend import SqliteBackend

LARGE = ("job", "call", "value", "call_argument", "value_child", "execution", "tag", "job_count")


@task(namespace="provenance_cost")
def leaf(x: int, y: int) -> int:
    return x * y


@task(namespace="provenance_cost")
def part(xs: list[int], y: int) -> list[int]:
    return [leaf(x, y) for x in xs]


@task(namespace="provenance_cost")
def total(parts: list[list[int]], path: str) -> File:
    file = File(path)
    file.write(str(sum(map(sum, parts))))
    return file


@task(namespace="provenance_cost")
def main(n: int, y: int, path: str) -> File:
    return total([part(list(range(start, start + n // 4)), y) for start in range(0, n, n // 4)], path)


def connection_of(backend: SqliteBackend) -> sqlite3.Connection:
    assert backend._connection is not None
    return backend._connection


def make_backend(folder: Path, n: int) -> SqliteBackend:
    """A repository of three runs, each of some more than n jobs."""
    backend = SqliteBackend(folder / f"{n}.db")
    backend.load()
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    for y in (2, 3, 3):
        scheduler.run(main(n, y, str(folder / f"{n}.txt")))
    return backend


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteBackend]:
    backend = make_backend(tmp_path_factory.mktemp("cost"), 4000)
    yield backend
    backend.close()


def value_path(backend: SqliteBackend) -> str:
    [(path,)] = connection_of(backend).execute("SELECT DISTINCT path FROM value WHERE path IS NOT NULL").fetchall()
    return str(path)


def leaf_number(execution: int) -> str:
    return f"~{execution}.{2005}"


QUESTIONS: dict[str, Callable[[Repository, SqliteBackend], object]] = {
    "explain a leaf": lambda r, _: r.job(leaf_number(2)).explain().reasons,
    "explain the root": lambda r, _: r.job("~2").explain().reasons,
    "explain a cached job": lambda r, _: r.job(leaf_number(1)).explain().reasons,
    "upstream": lambda r, b: list(r.file(value_path(b))[0].upstream(limit=20)),
    "downstream of a leaf": lambda r, _: list(r.job(leaf_number(2)).call.downstream()),  # type: ignore[union-attr]
    "downstream of a value": lambda r, _: list(r.job(leaf_number(2)).arguments["x"].downstream(limit=20)),
    "downstream of a file": lambda r, b: [list(r.file(value_path(b))[0].downstream()), 1],
    "makers of a file": lambda r, b: producers(b, r.file(value_path(b))[0].value_hash),
    "diff of equals": lambda r, _: r.execution("~2").diff(r.execution("~1")).counts,
    "a graph": lambda r, b: data_graph(b, r.job("~2").row, depth=1).nodes,
}


def statements_of(backend: SqliteBackend, question: Callable[[Repository, SqliteBackend], object]) -> list[str]:
    seen: list[str] = []
    connection_of(backend).set_trace_callback(seen.append)
    try:
        assert question(Repository(backend), backend)
    finally:
        connection_of(backend).set_trace_callback(None)
    return [each for each in seen if each.startswith("SELECT") and "DISTINCT path" not in each]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_about_the_past_scans_a_large_table(backend: SqliteBackend, question: str) -> None:
    asked = statements_of(backend, QUESTIONS[question])
    assert asked
    for each in asked:
        for *_, step in connection_of(backend).execute(f"EXPLAIN QUERY PLAN {each}").fetchall():
            scanned = re.match(r"SCAN (\w+)( USING (COVERING )?INDEX)?", step)
            is_walk = scanned is not None and scanned[2] is not None and "LIMIT" in each
            assert scanned is None or is_walk or scanned[1] not in LARGE, (each, step)


def test_more_jobs_are_not_more_questions(backend: SqliteBackend, tmp_path: Path) -> None:
    """But for the few that read a page of siblings."""
    small = make_backend(tmp_path, 400)
    try:
        for name in ("explain the root", "diff of equals", "upstream", "downstream of a file", "makers of a file"):
            few, many = (len(statements_of(each, QUESTIONS[name])) for each in (small, backend))
            assert many <= few + 10, name
    finally:
        small.close()
