"""What the questions of the command line read in repositories of 50,000 jobs that were really run: no more than a page.

A planner may take a wrong turn only where tables are large, and where some values are common and others rare.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from postgres_server import Database, drop_database, make_database
from redun import Scheduler
from redun.backends.base import Backend
from redun.backends.records import Status
from redun.backends.search import Kind, Query, TagFilter
from redun.cli.log import derivation_view, execution_view, executions_view, file_view, job_view, task_view, value_view
from redun.cli.log.listing import lines as listing_lines
from redun.executors.inline import InlineExecutor
from redun.provenance import Repository
from redun.provenance.graph import call_graph
from redun.provenance.search import Search
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend
from test_postgres_cost import RecordingCursor
from test_postgres_cost import connection_of as postgres_connection
from test_sqlite_cost import LARGE
from test_sqlite_cost import connection_of as sqlite_connection

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))

import make_past

pytestmark = pytest.mark.timeout(300)
SIZE = 50_000
MOST_ROWS = 8000
"""Of a page of 2,000 siblings with all that belongs to each; a wrong plan reads the 20,000 jobs of one execution."""
MANY_KEYS = re.compile(r" (?:IN \(|VALUES )(?:\S+, ){40}")
PAGE = 50
FEW_STATEMENTS = 40
MOST_STATEMENTS = {
    "log VALUE, a common one": 80,
    "log FILE": 70,
    "log FILE, made of many": 110,
    "explain ten traced inputs": 10 * 25,
}
"""For a page of what leads from one thing to the next, each of which has to be known before one can ask on."""
FEW = 68
"""Executions: the large ones, and then the nightly ones, which take more time than their jobs do."""


class Past(NamedTuple):
    """A repository, and what is asked about."""

    backend: Backend
    executions: dict[str, list[str]]
    """By workflow, newest first."""
    folder: Path

    def search(self, kind: Kind, **filters: Any) -> list[str]:
        """The first page of a search."""
        lines = listing_lines(self.backend, Search(Query(**filters)), [kind], limit=None, in_full=False)
        return list(islice(lines, PAGE))

    def job(self, workflow: str, number: int) -> Any:
        """A job of the newest execution of a workflow."""
        return Repository(self.backend).job(f"{self.executions[workflow][0]}.{number}")

    def result(self, workflow: str, number: int) -> bytes:
        """The hash of the result of such a job."""
        return bytes.fromhex(self.job(workflow, number).result.id)

    def path(self, name: str) -> str:
        """One of the files."""
        return str(self.folder / name)


def make(backend: Backend, folder: Path) -> Past:
    """Run everything, and the nightly workflow some times."""
    logging.getLogger("redun").setLevel(logging.ERROR)
    return runs_of(backend, folder, islice(make_past.runs(folder, SIZE), FEW))


def runs_of(backend: Backend, folder: Path, runs: Iterable[make_past.Run]) -> Past:
    """The repository after these runs."""
    executions: dict[str, list[str]] = {}
    for number, (name, make_expression) in enumerate(runs):
        scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
        execution_id = str(uuid.UUID(int=(number + 1) << 96 | 4 << 76 | 8 << 60))
        tags = [("workflow", name.split()[0]), ("env", "test")]
        with contextlib.suppress(RuntimeError):
            scheduler.run(make_expression(), tags=tags, execution_id=execution_id)
        executions.setdefault(name.split()[0], []).insert(0, execution_id)
    return Past(backend, executions, folder)


def page(lines: Iterator[str]) -> list[str]:
    return list(islice(lines, PAGE))


def file_lines(p: Past, name: str) -> list[str]:
    return page(file_view.lines(p.backend, p.path(name), limit=None))


def made_from(p: Past, name: str) -> list[str]:
    states = tuple(row.value_hash for row in p.backend.files(p.path(name)))
    return page(derivation_view.DownstreamView(name, states).lines(p.backend, limit=None))


FAILED = frozenset({Status.FAILED})
QUESTIONS: dict[str, Callable[[Past], object]] = {
    "log": lambda p: page(executions_view.lines(p.backend, limit=None)),
    "log EXEC": lambda p: page(execution_view.lines(p.backend, p.executions["wide"][1], limit=None)),
    "log EXEC, a chain": lambda p: page(execution_view.lines(p.backend, p.executions["chain"][0], limit=None)),
    "log JOB": lambda p: page(job_view.lines(p.backend, p.job("wide", 200).row, limit=None)),
    "log JOB, with many below it": lambda p: page(job_view.lines(p.backend, p.job("checks", 1).row, limit=None)),
    "log TASK": lambda p: page(task_view.lines(p.backend, p.backend.tasks_named("past.stretch"), limit=None)),
    "log VALUE, a rare one": lambda p: page(value_view.lines(p.backend, p.result("wide", 200), limit=None)),
    "log VALUE, a common one": lambda p: page(value_view.lines(p.backend, p.result("checks", 7), limit=None)),
    "log FILE": lambda p: file_lines(p, "out/77.txt"),
    "log FILE, made of many": lambda p: file_lines(p, "collected.txt"),
    "log FILE, taken by many": lambda p: file_lines(p, "reference.txt"),
    "log FILE --downstream": lambda p: made_from(p, "in/77.txt"),
    "log FILE --downstream, taken by many": lambda p: made_from(p, "reference.txt"),
    "executions that failed": lambda p: p.search(Kind.EXECUTION, execution_statuses=FAILED),
    "executions with a tag": lambda p: p.search(Kind.EXECUTION, execution_tags=(TagFilter("workflow", "wide"),)),
    "executions of a rare task": lambda p: p.search(Kind.EXECUTION, task_names=("past.chain",)),
    "jobs": lambda p: p.search(Kind.JOB),
    "jobs that failed": lambda p: p.search(Kind.JOB, job_statuses=FAILED),
    "jobs that failed in a large execution": lambda p: p.search(
        Kind.JOB, job_statuses=FAILED, execution_ids=(p.executions["wide"][1],)
    ),
    "jobs of an early task": lambda p: p.search(Kind.JOB, task_names=("past.measure",)),
    "jobs of a rare task": lambda p: p.search(Kind.JOB, task_names=("past.wide",)),
    "jobs with a common result": lambda p: p.search(Kind.JOB, results=(p.result("checks", 7),)),
    "jobs with a common argument": lambda p: p.search(Kind.JOB, arguments=(p.result("checks", 7),)),
    "jobs with a tag": lambda p: p.search(Kind.JOB, tags=(TagFilter("sample", 7),)),
    "jobs with any value of a tag": lambda p: p.search(Kind.JOB, tags=(TagFilter("sample", any_value=True),)),
    "jobs of an execution with a tag": lambda p: p.search(
        Kind.JOB, tags=(TagFilter("kind", "label"),), execution_ids=(p.executions["labels"][0],)
    ),
    "calls": lambda p: p.search(Kind.CALL),
    "tasks": lambda p: p.search(Kind.TASK),
    "values": lambda p: p.search(Kind.VALUE),
    "files": lambda p: p.search(Kind.FILE),
    "files of an execution": lambda p: p.search(Kind.FILE, execution_ids=(p.executions["files"][0],)),
    "explain a job": lambda p: p.job("wide", 200).explain().reasons,
    "explain a cached job": lambda p: p.job("files", 7).explain().reasons,
    "explain ten traced inputs": lambda p: [
        job.explain().reasons for job in p.job("nightly", 1).children() if job.task_name == "past.report"
    ],
    "diff": lambda p: (
        Repository(p.backend)
        .execution(p.executions["nightly"][1])
        .diff(Repository(p.backend).execution(p.executions["nightly"][0]))
        .jobs
    ),
    "viz": lambda p: call_graph(p.backend, p.job("nightly", 1).row).nodes,
}


@pytest.fixture(scope="module")
def sqlite_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    backend = SqliteBackend(folder / "redun.db")
    backend.load()
    yield make(backend, folder)
    backend.close()


@pytest.fixture(scope="module")
def postgres_past(tmp_path_factory: pytest.TempPathFactory, postgres_uri_of: Any, template: Database) -> Iterator[Past]:
    """Analyzed, as the server does by itself after a while."""
    database = make_database(postgres_uri_of, f'TEMPLATE "{template.name}"')
    backend = PostgresBackend(database.server)
    backend.load()
    found = make(backend, tmp_path_factory.mktemp("past"))
    postgres_connection(backend).driver.execute("VACUUM ANALYZE")
    yield found
    backend.close()
    drop_database(postgres_uri_of, database)


def test_no_question_of_the_command_line_scans_a_large_table_in_sqlite(sqlite_past: Past) -> None:
    assert isinstance(sqlite_past.backend, SqliteBackend)
    assert sqlite_past.backend.count(Kind.JOB, Query()) > 0.9 * SIZE
    connection: sqlite3.Connection = sqlite_connection(sqlite_past.backend)
    wrong = []
    for name, question in QUESTIONS.items():
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        assert question(sqlite_past), name
        connection.set_trace_callback(None)
        # Many differ in their values only.
        alike = {
            re.sub(r"x'[0-9a-fA-F]+'|\d+|'[^']*'", "", text): text
            for text in asked
            if text.startswith(("SELECT", "WITH"))
        }
        for each in alike.values():
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {each}"):
                scanned = re.match(r"SCAN (\w+)", step)
                is_walk = "LIMIT" in each and "ORDER BY" in each
                if scanned is not None and scanned[1] in LARGE and not is_walk:
                    wrong.append((name, step, each))
    assert not wrong


def test_the_first_page_takes_few_statements_in_postgresql(postgres_past: Past) -> None:
    """Each is a journey to the server and back, which takes longest where one of the two has other work as well."""
    assert isinstance(postgres_past.backend, PostgresBackend)
    driver = postgres_connection(postgres_past.backend).driver
    driver.cursor_factory = RecordingCursor
    counts = {}
    try:
        for name, question in QUESTIONS.items():
            RecordingCursor.seen.clear()
            question(postgres_past)
            counts[name] = len(RecordingCursor.seen)
    finally:
        driver.cursor_factory = psycopg.Cursor
    most = {name: MOST_STATEMENTS.get(name, FEW_STATEMENTS) for name in QUESTIONS}
    assert {name: count for name, count in counts.items() if count > most[name]} == {}


def test_no_question_of_the_command_line_reads_a_large_table_in_postgresql(postgres_past: Past) -> None:
    """Each statement is run again and says which rows it went through, also those that it left out."""
    assert isinstance(postgres_past.backend, PostgresBackend)
    driver = postgres_connection(postgres_past.backend).driver
    wrong = []
    for name, question in QUESTIONS.items():
        RecordingCursor.seen.clear()
        driver.cursor_factory = RecordingCursor
        try:
            assert question(postgres_past), name
        finally:
            driver.cursor_factory = psycopg.Cursor
        for query, values in [each for each in RecordingCursor.seen if each[0].startswith(("SELECT", "WITH"))]:
            # In a table as small as this, hundreds of keys are rightly looked up by reading all of it, in some order.
            for way in ("seqscan", "mergejoin", "hashjoin"):
                driver.execute(f"SET enable_{way} = {'off' if MANY_KEYS.search(query) else 'on'}")
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {query}"
            ((plan,),) = psycopg.ClientCursor(driver).execute(explain, values).fetchone() or ()
            for node in nodes(plan["Plan"]):
                if rows_read(node) > MOST_ROWS or node["Actual Loops"] > MOST_ROWS:
                    wrong.append(f"{name}: {node['Node Type']}, {rows_read(node)} rows of {node['Alias']}: {query}")
    assert not wrong, "\n".join(wrong)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of a plan that read a table."""
    if plan.get("Relation Name") in LARGE:
        yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(node: dict[str, Any]) -> float:
    """What a step went through each time it was made."""
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(node["Actual Rows"] + left_out)
