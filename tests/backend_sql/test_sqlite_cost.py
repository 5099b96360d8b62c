"""What questions and batches cost: no scans of large tables, and statements that count batches, not jobs."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redun.backends.base import Backend
from redun.backends.records import EntityKind, RecordBatch, Status, TagRecord
from redun.backends.search import Kind, Query, TagEdit, TagFilter
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.sqlite_backend import SqliteBackend

LARGE = ("job", "call", "value", "call_argument", "value_child", "execution", "tag", "job_count")
SIZE = 3000
FOLDER = "folder".ljust(100, ".")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(tmp_path / "redun.db")
    backend.load()
    yield backend
    backend.close()


def connection_of(backend: SqliteBackend) -> sqlite3.Connection:
    assert backend._connection is not None
    return backend._connection


@pytest.fixture
def statements(backend: SqliteBackend) -> list[str]:
    """The statements that run from now on, with their values."""
    seen: list[str] = []
    connection_of(backend).set_trace_callback(seen.append)
    return seen


def leaves(story: Story, numbers: range, *, name: str = "f") -> RecordBatch:
    for i in numbers:
        call = story.call(f"{name}{i}", f"result {name}{i}", arguments=[f"argument {name}{i}"])
        story.job(i + 1, call, status=Status.FAILED if i == 7 else None)
    return story.take()


PARENT = "11111111-1111-4111-8111-111111111111"


def fill(backend: Backend) -> Story:
    story = Story().begin()
    backend.record(story.take())
    backend.record(leaves(story, range(SIZE)))
    story.value(FOLDER, children=["file 7"])
    backend.record(story.take())
    taken = story.call("takes a file", "result f7", arguments=["argument f7", FOLDER])
    story.job(SIZE + 100, taken, status=Status.FAILED)
    tagged = [(EntityKind.EXECUTION, PARENT), (EntityKind.TASK, story.task_hash.hex())]
    tagged += [(EntityKind.JOB, f"{PARENT}.8"), (EntityKind.CALL, hash_of("call f7 result f7").hex())]
    for kind, name in tagged:
        story.batch.tags += [TagRecord(kind, name, "key", 7), TagRecord(kind, name, "env", "prod")]
    for i in range(SIZE):
        story.value(f"file {i}", path=f"folder/file{i}", children=[f"inside {i}"], size=100)
        story.batch.tags.append(TagRecord(EntityKind.VALUE, hash_of(f"file {i}").hex(), "key", i))
    backend.record(story.take())
    return story


QUESTIONS: dict[str, Callable[[Backend], object]] = {
    "find_evaluations": lambda b: b.find_evaluations([hash_of(f"eval f{i}") for i in range(700)]),
    "find_calls": lambda b: b.find_calls([hash_of(f"eval f{i}") for i in range(700)], b""),
    "load large values": lambda b: b.load_values([hash_of(f"file {i}") for i in range(700)]),
    "load a result": lambda b: b.load_values([hash_of("result f7")]),
    "load an argument": lambda b: b.load_values([hash_of("argument f7")]),
    "load many small values": lambda b: b.load_values(
        [hash_of(f"{kind} f{i}") for kind in ("result", "argument") for i in range(700)]
    ),
    "load task sets": lambda b: b.load_task_sets([hash_of("task set work")]),
    "find_ids of a value": lambda b: b.find_ids(hash_of("argument f7").hex()[:6]),
    "find_ids of one character": lambda b: b.find_ids("1"),
    "executions": lambda b: b.executions(limit=10),
    "execution": lambda b: b.execution(PARENT),
    "task_counts": lambda b: b.task_counts(PARENT),
    "jobs": lambda b: b.jobs(PARENT, after=100, limit=10),
    "children": lambda b: b.jobs(PARENT, parent=1, after=0, limit=10) == [],
    "job": lambda b: b.job(PARENT, 7),
    "call": lambda b: b.call(hash_of("call f7 result f7")),
    "calls": lambda b: b.calls([hash_of(f"call f{i} result f{i}") for i in range(700)]),
    "jobs_of_call": lambda b: b.jobs_of_call(hash_of("call f7 result f7")),
    "calls_with_result": lambda b: b.calls_with_result(hash_of("result f7")),
    "calls_with_argument": lambda b: b.calls_with_argument(hash_of("argument f7")),
    "task": lambda b: b.task(hash_of("task work")),
    "tasks_named": lambda b: b.tasks_named("suite.work"),
    "jobs_of_task": lambda b: b.jobs_of_task(hash_of("task work")),
    "calls_of_evaluation": lambda b: b.calls_of_evaluation(hash_of("eval f7")),
    "newest_jobs_of_calls": lambda b: b.newest_jobs_of_calls([hash_of(f"call f{i} result f{i}") for i in range(700)]),
    "jobs_of_call_before": lambda b: b.jobs_of_call_before(hash_of("call f7 result f7"), PARENT, 9),
    "jobs_of_task_before": lambda b: b.jobs_of_task_before(hash_of("task work"), PARENT, SIZE),
    "value_links": lambda b: b.value_links([hash_of(f"file {i}") for i in range(700)]),
    "options_hashes": lambda b: b.options_hashes(PARENT, range(700)) == {},
    "files": lambda b: b.files("folder/file7"),
    "tags": lambda b: b.tags(EntityKind.VALUE, [hash_of("file 7").hex()]),
    "job_records": lambda b: b.job_records(PARENT, after=100, limit=10),
    "ended_jobs": lambda b: b.ended_jobs(PARENT, range(1, 700)),
    "execution_states": lambda b: b.execution_states([PARENT]),
    "call_positions": lambda b: b.call_positions([hash_of(f"call f{i} result f{i}") for i in range(700)]),
    "call_links": lambda b: b.call_links(range(1, 700)),
    "calls_at": lambda b: b.calls_at(range(1, 700)).calls,
    "call_times": lambda b: b.call_times([hash_of(f"call f{i} result f{i}") for i in range(700)]),
    "open_evaluations": lambda b: b.open_evaluations([hash_of(f"eval f{i}") for i in range(700)]) == [],
    "value_outlines": lambda b: b.value_outlines([hash_of(f"file {i}") for i in range(700)]),
    "missing_values": lambda b: b.missing_values([*(hash_of(f"file {i}") for i in range(700)), hash_of("none")]),
    "tag_history": lambda b: b.tag_history(EntityKind.VALUE, [hash_of(f"file {i}").hex() for i in range(700)]),
    "tags_since": lambda b: b.tags_since(100, 10),
    "sync points": lambda b: b.note_sync_point(b.store_name(), "1") is None and b.sync_point(b.store_name()),
    "record": lambda b: b.record(leaves(Story(), range(SIZE, SIZE + 10))) is None,
}


def search(kind: Kind, **filters: Any) -> Callable[[Backend], object]:
    """The first page of a search."""
    return lambda b: next(b.search(kind, Query(**filters)), None)


FAILED = frozenset({Status.FAILED})
TAGS = (TagFilter("key", 7),)
EACH_FILTER: dict[str, dict[str, Any]] = {
    "everything": {},
    "execution ids": {"execution_ids": (PARENT,)},
    "execution statuses": {"execution_statuses": frozenset({Status.RUNNING})},
    "execution tags": {"execution_tags": (TagFilter("env", "prod"),)},
    "job statuses": {"job_statuses": FAILED},
    "task names": {"task_names": ("work",)},
    "task hashes": {"task_hashes": (hash_of("task work"),)},
    "results": {"results": (hash_of("result f7"),)},
    "arguments": {"arguments": (hash_of("argument f7"),)},
    "tags": {"tags": TAGS},
    "jobs of an execution": {"execution_ids": (PARENT,), "job_statuses": FAILED, "task_names": ("suite.work",)},
    "calls of an execution": {"execution_ids": (PARENT,), "arguments": (hash_of("argument f7"),)},
    "tags of an execution": {"execution_ids": (PARENT,), "tags": TAGS, "job_statuses": FAILED},
}
QUESTIONS |= {
    f"{kind.value}s by {name}": search(kind, **filters)
    for kind in Kind
    for name, filters in EACH_FILTER.items()
    # Nothing about an execution or a task of these tests is told by the tag.
    if name != "tags of an execution" or kind in (Kind.JOB, Kind.CALL)
}
QUESTIONS |= {
    "values by type": search(Kind.VALUE, value_types=("Value",)),
    "values by path": search(Kind.VALUE, paths=("folder/file7*",)),
    "files by path": search(Kind.FILE, paths=("folder/file7*",)),
    "files by type": search(Kind.FILE, value_types=("suite.Value",)),
    "count of jobs": lambda b: b.count(Kind.JOB, Query(execution_ids=(PARENT,), job_statuses=FAILED)),
    "edit_tags": lambda b: b.edit_tags([TagEdit(EntityKind.EXECUTION, PARENT, ("key",), (), (("key", 8),))]),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Repositories to copy, with the planner's statistics and without."""
    paths = {}
    for analyzed in (False, True):
        paths[analyzed] = tmp_path_factory.mktemp("filled") / "redun.db"
        backend = SqliteBackend(paths[analyzed])
        backend.load()
        fill(backend)
        if analyzed:
            connection_of(backend).execute("ANALYZE")
        backend.close()
    return paths


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_scans_a_large_table(tmp_path: Path, filled: dict[bool, Path], question: str, analyzed: bool):
    """Nor sorts one, with the planner's statistics or without."""
    path = tmp_path / "redun.db"
    path.write_bytes(filled[analyzed].read_bytes())
    backend = SqliteBackend(path)
    backend.load()
    connection, statements = connection_of(backend), []
    connection.set_trace_callback(statements.append)
    assert QUESTIONS[question](backend)
    connection.set_trace_callback(None)
    asked = [each for each in statements if re.match("SELECT|WITH|UPDATE|DELETE", each)]
    assert asked
    for each in asked:
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {each}").fetchall():
            scanned = re.match(r"SCAN (\w+)( USING (COVERING )?INDEX)?", step)
            # Walking an index in order, for the newest first, ends with the limit.
            is_walk = (
                scanned is not None and "LIMIT" in each and (scanned[2] or f"ORDER BY {scanned[1]}.id DESC" in each)
            )
            assert scanned is None or is_walk or scanned[1] not in LARGE, (each, step)
            # The newest that ran is looked for in one page of jobs.
            is_small = "GROUP BY" in each or "job_count" in each or "AS ran_number" in each
            assert "TEMP B-TREE" not in step or is_small, (each, step)
    backend.close()


def test_statements_grow_with_batches_not_with_jobs(backend: SqliteBackend, statements: list[str]):
    story = Story().begin()
    backend.record(story.take())

    def selects_for(numbers: range, name: str) -> int:
        statements.clear()
        backend.record(leaves(story, numbers, name=name))
        hashes = [hash_of(f"eval {name}{i}") for i in numbers]
        assert len(backend.find_evaluations(hashes)) == len(numbers)
        # Inserts run once a row, within one prepared statement.
        return sum(count for kind, count in Counter(each.split()[0] for each in statements).items() if kind != "INSERT")

    small = selects_for(range(10), "a")
    large = selects_for(range(10, 2010), "b")
    assert small < 25
    assert large < small + 20


def test_a_leaf_call_costs_one_row_a_table(backend: SqliteBackend):
    story = Story().begin()
    backend.record(story.take())
    backend.record(leaves(story, range(100)))
    counts = {
        table: connection_of(backend).execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("call", "job", "call_argument", "value", "signature", "task_set", "value_kind", "executor")
    }
    assert counts == {
        "call": 100,
        "job": 100,
        "call_argument": 100,
        "value": 0,
        "signature": 1,
        "task_set": 1,
        "value_kind": 1,
        "executor": 1,
    }


def test_a_completed_call_takes_the_place_of_its_open_evaluation(backend: SqliteBackend):
    story = Story().begin()
    story.evaluation("f", "expression")
    backend.record(story.take())
    story.evaluation("g", "expression")
    story.call("f", "result", raw="expression")
    story.call("g", "result", raw="expression")
    backend.record(story.take())
    assert connection_of(backend).execute("SELECT count(*) FROM call").fetchone() == (2,)


def test_a_job_stays_below_350_bytes(tmp_path: Path):
    path = tmp_path / "redun.db"
    backend = SqliteBackend(path)
    backend.load()
    empty = path.stat().st_size
    story = Story().begin()
    backend.record(story.take())
    for start in range(0, 10_000, 1000):
        backend.record(leaves(story, range(start, start + 1000)))
    backend.close()
    # The names that stand for values here are longer than the numbers of a usual fan-out.
    assert (path.stat().st_size - empty) / 10_000 < 350


RUN = """
import sys
from pathlib import Path
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.factory import make_backend

backend = make_backend(Path(sys.argv[1]))
backend.load()
story = Story().begin()
call = story.call("f", "result", arguments=["argument"])
story.job(1, call)
backend.record(story.take())
assert backend.find_evaluations([call.eval_hash])
assert backend.find_calls([call.eval_hash], b"")
assert backend.load_values([hash_of("argument")])
backend.close()
print(*[name for name in ("sqlalchemy", "alembic", "pydantic", "pluggy", "sqlite3") if name in sys.modules])
"""


def test_the_run_path_imports_neither_sqlalchemy_nor_alembic(tmp_path: Path):
    """Neither on a new repository nor on one that is there."""
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["sqlite3"]


def test_questions_do_not_import_the_dialect_of_another_database():
    code = "import sys, redun_backend_sql.questions; print(*(name for name in sys.modules if 'postgresql' in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_plugin_module_imports_nothing_heavy():
    code = (
        "import sys; from redun.plugins import BackendType, hookimpl; before = set(sys.modules);"
        "import redun_backend_sql.plugin; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"redun_backend_sql", "redun_backend_sql.plugin"}
