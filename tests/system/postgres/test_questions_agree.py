"""Every question of the command line has the same answer in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgres_server import Database, drop_database, make_database
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.backends.search import Kind, Query, TagFilter
from redun.cli.diff import difference_lines
from redun.cli.explain import explanation_lines
from redun.cli.log.derivation_view import DownstreamView
from redun.cli.log.listing import lines as listing_lines
from redun.provenance import Repository
from redun.provenance.difference import difference
from redun.provenance.graph import call_graph, data_graph
from redun.provenance.graph_text import dot, mermaid
from redun.provenance.search import Search
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend
from test_questions_cost import QUESTIONS, Past, make_past, runs_of

pytestmark = pytest.mark.timeout(120)
SIZE = 1500


TIMES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|(?<=Duration: )\S+( \S+s)?|\d+[.]\d+ m?s\b")


@pytest.fixture(scope="module")
def pasts(
    tmp_path_factory: pytest.TempPathFactory, postgres_uri_of: Any, template: Database
) -> Iterator[dict[str, Past]]:
    """The same workflows, run with each of them."""
    logging.getLogger("redun").setLevel(logging.ERROR)
    folder = tmp_path_factory.mktemp("past")
    database = make_database(postgres_uri_of, f'TEMPLATE "{template.name}"')
    backends = {
        "memory": MemoryBackend(),
        "sqlite": SqliteBackend(folder / "redun.db"),
        "postgresql": PostgresBackend(database.server),
    }
    with contextlib.ExitStack() as stack:
        stack.callback(drop_database, postgres_uri_of, database)
        found = {}
        for name, backend in backends.items():
            backend.load()
            stack.callback(backend.close)
            found[name] = runs_of(backend, folder, make_past.runs(folder, SIZE))
        yield found


def explained(p: Past, job: str) -> list[str]:
    return list(explanation_lines(p.backend, Repository(p.backend).job(job).explain()))


def counts(p: Past) -> dict[str, int]:
    """Of every kind of thing, with and without filters."""
    queries = {"all": Query(), "failed": Query(job_statuses=frozenset({Status.FAILED}))}
    queries["tagged"] = Query(tags=(TagFilter("sample", any_value=True),))
    return {f"{name} {kind.value}": p.backend.count(kind, query) for name, query in queries.items() for kind in Kind}


def made_from_result(p: Past) -> list[str]:
    call = p.backend.call(p.job("nightly", 3).row.call_hash)
    assert call is not None
    return list(DownstreamView("a result", (call,)).lines(p.backend, limit=None))


def everything(p: Past, kind: Kind) -> list[str]:
    search = Search(Query(execution_ids=(p.executions["files"][1],)))
    return sorted(listing_lines(p.backend, search, [kind], limit=None, in_full=False))


TEXTS: dict[str, Callable[[Past], object]] = {
    "explain: ran": lambda p: explained(p, f"{p.executions['variants'][0]}.7"),
    "explain: cached": lambda p: explained(p, f"{p.executions['files'][0]}.7"),
    "explain: inputs": lambda p: explained(p, f"{p.executions['nightly'][0]}.23"),
    "explain: root": lambda p: explained(p, p.executions["nightly"][1]),
    "diff of nights": lambda p: list(
        difference_lines(p.backend, difference(p.backend, *p.executions["nightly"][1::-1]), limit=1000)
    ),
    "diff of variants": lambda p: list(
        difference_lines(p.backend, difference(p.backend, *p.executions["variants"][::-1]), limit=1000)
    ),
    "viz, dot": lambda p: list(dot(call_graph(p.backend, p.job("nightly", 1).row))),
    "viz, data": lambda p: list(mermaid(data_graph(p.backend, p.job("files", 1).row))),
    "tag list": lambda p: p.backend.tag_counts(),
    "tag list of a key": lambda p: p.backend.tag_counts("sample"),
    "log --count": counts,
    "task counts": lambda p: p.backend.task_counts(p.executions["wide"][1]),
    "log JOB --downstream": made_from_result,
    **{f"log --{kind.value} EXEC": lambda p, kind=kind: everything(p, kind) for kind in Kind},
}
# Objects hold times, and there are texts above that say the same.
SAME = {name: question for name, question in QUESTIONS.items() if not name.startswith(("explain", "diff"))} | TEXTS
IN_ANY_ORDER = ("calls", "tasks", "values", "files of an execution", "jobs with a common")
"""What was recorded together comes in the order in which a backend keeps it."""
# These show some of those.
for few in ("VALUE, a common one", "FILE, made of many", "FILE, taken by many", "FILE --downstream, taken by many"):
    del SAME[f"log {few}"]


@pytest.mark.parametrize("question", SAME)
def test_a_question_has_the_same_answer_everywhere(
    pasts: dict[str, Past], question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("test_questions_cost.PAGE", 1_000_000)
    answers = {name: without_times(SAME[question](past)) for name, past in pasts.items()}
    assert answers["memory"] not in ("[]", "{}")
    if question.startswith(IN_ANY_ORDER):
        answers = {name: sorted(answer.splitlines()) for name, answer in answers.items()}
    assert answers["sqlite"] == answers["memory"]
    assert answers["postgresql"] == answers["memory"]


def without_times(answer: object) -> str:
    """An answer as text; numbers show whether they are plain ones."""
    lines = "\n".join(answer) if isinstance(answer, list) and isinstance(answer[0], str) else repr(answer)
    return TIMES.sub("(time)", lines)
