"""The check of a repository: silent about one that is whole, and it sees every kind of damage."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redun import File, Handle, Scheduler, get_context, merge_handles, task
from redun.backends.contents import content_problem
from redun.backends.pickles import pickle_problem
from redun.errors import BackendError, BackendVersionError
from redun.executors.inline import InlineExecutor
from redun.expression_graph import encode_graph, graph_parts
from redun.hashing import hash_data
from redun.value import encode
from redun_backend_sql.integrity import Problem, check_repository, find_problems
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_sqlite_integrity"


@task(tags=[("kind", "leaf")])
def increment(x: int, more: list[int] | None = None) -> int:
    return x + 1


@task(prov=False)
def unrecorded(x: int) -> Any:
    return increment(x)


@task(check_valid="shallow")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task
def write(path: str) -> File:
    file = File(path)
    file.write("text")
    return file


@task
def describe(file: File, words: str) -> dict[str, Any]:
    return {"file": file, "words": [words, {1, 2}, b"bytes"], "again": [file]}


@task
def fail(x: int) -> int:
    raise ValueError(x)


@task(config_args=["memory"])
def configured(x: int, memory: int) -> int:
    return x


@task
def lazy(x: Any = increment(50)) -> Any:
    return x


@task
def large() -> list[Any]:
    return ["t" * 1_100_000, [[1, "shared" * 100]] * 2000]


@task
def text() -> bytes:
    return b"text" * 100


@task
def main(path: str) -> Any:
    return [
        total([increment(i, [i]) for i in range(20)]),
        unrecorded(100),
        describe(write(path), "words" * 30),
        [configured(1, 2), configured(1, 3)],
        lazy(),
        large(),
        text(),
    ]


@task
def failing() -> Any:
    return [increment(1), fail(1)]


class Conn(Handle):
    """Something with a state."""


@task
def change(conn: Any, x: int) -> Any:
    return conn


@task
def with_handles() -> Any:
    conn = change(Conn("db"), 0)
    return change(merge_handles([change(conn, 1), change(conn.fork("two"), 2)]), 3)


@task
def impossible() -> Any:
    return increment(1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which everything is that a run may leave."""
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "redun.db"
    backend = SqliteBackend(path)
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    for _ in range(2):
        scheduler.run(main(str(folder / "file.txt")), tags=[("user", "somebody")])
        scheduler.run(with_handles())
    for expression in (failing(), impossible()):
        with pytest.raises((ValueError, TypeError)):
            scheduler.run(expression)
    backend.close()
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "redun.db"))


def problems(path: Path) -> list[str]:
    return [str(problem) for problem in check_repository(path)]


def test_what_runs_leave_behind_is_whole(whole: Path) -> None:
    assert problems(whole) == []
    with closing(sqlite3.connect(whole)) as connection:
        codecs = {codec for (codec,) in connection.execute("SELECT codec FROM value JOIN value_kind k ON k.id=kind_id")}
        # Otherwise the test above says nothing about them.
        assert codecs >= {"plain", "bytes", "pickle", "expression"}
        assert all(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in (
                "job",
                "call",
                "call_argument",
                "value",
                "value_child",
                "task_set",
                "tag",
                "job_count",
                "handle_edge",
            )
        )


ROOT = "(SELECT id FROM call WHERE children IS NOT NULL AND length(children) > 100 LIMIT 1)"
LEAF = "(SELECT min(id) FROM call WHERE inline IS NOT NULL AND arguments IS NOT NULL AND is_error = 0)"
CONTAINER = "(SELECT id FROM value WHERE children IS NOT NULL LIMIT 1)"
A_COUNT = "execution_id = 1 AND task_id = (SELECT id FROM task WHERE name = 'main')"
A_JOB = "execution_id = 1 AND number = 3"
NOTHING = "x'" + "00" * 20 + "'"

DAMAGE = {
    # References.
    "execution -> scheduler": ("DELETE FROM scheduler", "names the scheduler"),
    "job -> execution": ("UPDATE job SET execution_id = 99 WHERE execution_id = 1", "names the execution 99"),
    "job -> task": (f"UPDATE job SET task_id = 99 WHERE {A_JOB}", "names the task 99"),
    "job -> call": (f"UPDATE job SET call_id = 9999 WHERE {A_JOB}", "names the call 9999"),
    "job -> executor": (f"UPDATE job SET executor_id = 99 WHERE {A_JOB}", "names the executor 99"),
    "job -> parent": (f"UPDATE job SET parent = 999 WHERE {A_JOB}", "its parent, job 999, is not there"),
    "job_count -> task": (
        f"UPDATE job_count SET task_id = 99 WHERE {A_COUNT}",
        "table job_count, execution 1, task 99",
    ),
    "job_count -> execution": (f"UPDATE job_count SET execution_id = 99 WHERE {A_COUNT}", "names the execution 99"),
    "call -> task": (f"UPDATE call SET task_id = 99 WHERE id = {LEAF}", "names the task 99"),
    "call -> signature": (f"UPDATE call SET signature_id = 99 WHERE id = {LEAF}", "names the signature 99"),
    "call -> task set": (f"UPDATE call SET task_set_id = 99 WHERE id = {LEAF}", "names the task_set 99"),
    "call -> kind": (f"UPDATE call SET kind_id = 99 WHERE id = {LEAF}", "names the value_kind 99"),
    "call -> children": (
        f"UPDATE call SET children = CAST({NOTHING} || substr(children, 21) AS BLOB) WHERE id = {ROOT}",
        f"names the call {'00' * 20}",
    ),
    "call -> children, cut off": (
        f"UPDATE call SET children = substr(children, 2) WHERE id = {ROOT}",
        "the hashes of the calls below it are cut off",
    ),
    "call -> result": ("DELETE FROM value WHERE length(data) > 10000", "names the value"),
    "call -> result of the body": (
        f"UPDATE call SET raw_hash = {NOTHING} WHERE id = {LEAF}",
        f"names the value {'00' * 20}",
    ),
    "call -> upstream": (
        "DELETE FROM call WHERE task_id = (SELECT id FROM task WHERE name = 'write')",
        "names the call",
    ),
    "call_argument -> call": (f"UPDATE call_argument SET call_id = 9999 WHERE call_id = {LEAF}", "names the call 9999"),
    "argument without an index entry": ("DELETE FROM call_argument", "which the table call_argument does not know"),
    "index entry without an argument": (
        f"INSERT INTO call_argument VALUES (x'0102030405060708', {LEAF})",
        "values by this table",
    ),
    "value -> kind": ("UPDATE value SET kind_id = 99 WHERE id = 1", "names the value_kind 99"),
    "value -> children": (
        "DELETE FROM value WHERE hash IN (SELECT child_hash FROM value_child)",
        "which is not there",
    ),
    "value -> children, cut off": (
        f"UPDATE value SET children = substr(children, 2) WHERE id = {CONTAINER}",
        "the hashes of the values inside it are cut off",
    ),
    "child without an entry": ("DELETE FROM value_child", "which the table value_child does not know"),
    "entry without a child": (
        f"INSERT INTO value_child VALUES (x'00', {CONTAINER})",
        "values inside of it by this table",
    ),
    "value_child -> value": ("INSERT INTO value_child VALUES (x'00', 9999)", "names the value 9999"),
    "task set -> task": ("DELETE FROM task WHERE name = 'unrecorded'", "names the task"),
    "tag -> execution": (
        "UPDATE tag SET entity_id = 'gone' WHERE entity_kind = 1",
        "the execution that it belongs to is not there",
    ),
    "tag -> job": (
        "INSERT INTO tag VALUES (900, 2, (SELECT uuid FROM execution LIMIT 1) || '.999', 'k', '1', 1)",
        "the job that it belongs to is not there",
    ),
    "tag -> call": (
        f"INSERT INTO tag VALUES (900, 3, '{'00' * 20}', 'k', '1', 1)",
        "the call that it belongs to is not there",
    ),
    "tag -> task": (
        f"UPDATE tag SET entity_id = '{'00' * 20}' WHERE entity_kind = 4",
        "the task that it belongs to is not there",
    ),
    "tag -> value": (
        f"INSERT INTO tag VALUES (900, 5, '{'00' * 20}', 'k', '1', 1)",
        "the value that it belongs to is not there",
    ),
    "tag of nothing": ("UPDATE tag SET entity_kind = 77", "are no kind and id of anything"),
    "tag's value": ("UPDATE tag SET value = '{'", "its value is not JSON"),
    "step -> state before": ("UPDATE handle_edge SET parent_id = 999 WHERE parent_id = 1", "names the handle 999"),
    "step -> state after": ("UPDATE handle_edge SET child_id = 999 WHERE parent_id = 1", "names the handle 999"),
    # Content and hashes.
    "small result": (f"UPDATE call SET inline = x'4E' WHERE id = {LEAF}", "its result, the value"),
    "small argument": (
        "UPDATE call SET arguments = CAST(substr(arguments, 1, length(arguments) - 1) || x'77' AS BLOB)"
        f" WHERE id = {LEAF}",
        "an argument, the value",
    ),
    "arguments, cut off": (
        f"UPDATE call SET arguments = substr(arguments, 1, 10) WHERE id = {LEAF}",
        "its arguments cannot be read",
    ),
    "arguments and names": (
        'UPDATE signature SET names = \'["x", "y", "z"]\' WHERE names LIKE \'%"more"]\'',
        "it has 2 arguments, and names for 3",
    ),
    "evaluation hash": (
        f"UPDATE call SET eval_hash = {NOTHING} WHERE id = {LEAF}",
        "the hash of its evaluation is not",
    ),
    "arguments' hash": (
        f"UPDATE call SET args_hash = {NOTHING} WHERE id = {LEAF}",
        "the hash of its evaluation is not",
    ),
    "call hash": (f"UPDATE call SET call_hash = {NOTHING} WHERE id = {LEAF}", "its hash is not that of its task"),
    "result's hash": (f"UPDATE call SET value_hash = {NOTHING} WHERE id = {LEAF}", "its hash is not that of its task"),
    "lost children": (f"UPDATE call SET children = NULL WHERE id = {ROOT}", "its hash is not that of its task"),
    "open evaluation without a result": (
        f"UPDATE call SET call_hash = NULL, raw_hash = NULL WHERE id = {LEAF}",
        "it is an evaluation without a result",
    ),
    "incomplete call": (f"UPDATE call SET arguments = NULL WHERE id = {LEAF}", "it has ended, and lacks its result"),
    "another's task set": (
        "UPDATE call SET task_set_id = (SELECT task_set_id FROM call WHERE is_error = 1 LIMIT 1)",
        "its own task is not in its task set",
    ),
    "result without a kind": (f"UPDATE call SET kind_id = NULL WHERE id = {LEAF}", "nothing says of which kind"),
    "task set": ("UPDATE task_set SET members = CAST(members || members AS BLOB)", "its members are not what"),
    "value's hash": ("UPDATE value SET hash = zeroblob(20) WHERE length(data) > 10000", "its content has the hash"),
    "state's hash": ("UPDATE handle SET hash = x'0102' WHERE id = 1", "its hash has 2 bytes"),
    # Counts and states.
    "state's validity": ("UPDATE handle SET is_valid = 2 WHERE id = 1", "cannot be told from 2"),
    "step": ("UPDATE handle_edge SET step = 9", "its kind 9 means nothing"),
    "step to another handle": ("UPDATE handle SET fullname = 'another' WHERE id = 1", "to the handle"),
    "count": ("UPDATE job_count SET count = count + 1", "jobs, and there are"),
    "lost job": (f"DELETE FROM job WHERE {A_JOB}", "jobs, and there are"),
    "lost count": ("DELETE FROM job_count", "counts 0 jobs"),
    "running in a finished execution": (
        f"UPDATE job SET status = 1, end_time = NULL WHERE {A_JOB}",
        "it still runs, although its execution has ended",
    ),
    "running with an end": (
        f"UPDATE execution SET status = 1, end_time = NULL; UPDATE job SET status = 1 WHERE {A_JOB}",
        "it still runs, although it has an end",
    ),
    "ended without an end": (f"UPDATE job SET end_time = NULL WHERE {A_JOB}", "nothing says when"),
    "ended before it began": (f"UPDATE job SET end_time = 1 WHERE {A_JOB}", "it has ended before it began"),
    "done without a call": (f"UPDATE job SET call_id = NULL WHERE {A_JOB}", "it has ended, and names no call"),
    "without any hash": (
        f"UPDATE job SET call_id = NULL, status = 5 WHERE {A_JOB}",
        "it names neither a call nor an evaluation",
    ),
    "call that has not ended": ("UPDATE call SET call_hash = NULL", "it names a call that has not ended"),
    "call of another task": ("UPDATE job SET task_id = 1", "it names a call of another task"),
    "job's status": (f"UPDATE job SET status = 42 WHERE {A_JOB}", "its status 42 means nothing"),
    "execution's status": ("UPDATE execution SET status = 42", "its status 42 means nothing"),
    "execution without an end": ("UPDATE execution SET end_time = NULL", "nothing says when"),
    "execution runs, and has an end": ("UPDATE execution SET status = 1", "it runs, and has an end"),
    "execution ends too early": ("UPDATE execution SET end_time = 1", "before it began"),
    "command line": ("UPDATE execution SET args = '{'", "its command line is not a list in JSON"),
    # Twice.
    "call twice": (
        f"CREATE TEMP TABLE c AS SELECT * FROM call WHERE id = {LEAF}; UPDATE c SET id = 9999;"
        " INSERT INTO call SELECT * FROM c",
        "is there 2 times",
    ),
    "evaluation twice": (
        f"CREATE TEMP TABLE c AS SELECT * FROM call WHERE id = {LEAF}; UPDATE c SET call_hash = NULL, id = 9998;"
        " INSERT INTO call SELECT * FROM c; UPDATE c SET id = 9999; INSERT INTO call SELECT * FROM c",
        "open evaluation",
    ),
    "value twice": (
        "INSERT INTO value SELECT id + 1000, hash, kind_id, path, children, data FROM value",
        "is there 2 times",
    ),
    "tag twice": (
        "INSERT INTO tag SELECT id + 1000, entity_kind, entity_id, key, value, is_current FROM tag",
        "current tag",
    ),
    "state twice": ("INSERT INTO handle SELECT id + 1000, hash, fullname, key, 1 FROM handle", "state of a handle"),
    # What SQLite looks after.
    "index": (
        "PRAGMA writable_schema = ON;"
        " UPDATE sqlite_master SET sql = 'CREATE INDEX task_by_name ON task (namespace, name)'"
        " WHERE name = 'task_by_name'",
        "SQLite says",
    ),
}


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_reported(copy: Path, damage: str, expected: str) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(damage)
        connection.commit()
    found = problems(copy)
    assert any(expected in problem for problem in found), found


MARSHALLED = ("plain", "graph", "expression")
"""Forms whose reader stops at their end: what follows does no harm."""


@pytest.mark.parametrize("codec", ["plain", "bytes", "graph", "pickle", "expression"])
def test_a_damaged_value_is_reported_whatever_its_form(codec: str, tmp_path: Path) -> None:
    values = {
        "plain": ["text"] * 10,
        "bytes": b"bytes" * 1000,
        "graph": [["shared" * 100] * 100] * 1000,
        "pickle": [Path("somewhere"), {1, 2}],
    }
    encoded = encode_graph([increment(7, [1, 2])]) if codec == "expression" else encode(values[codec])
    assert encoded.codec == codec
    assert content_problem(*encoded[:4]) is None
    assert content_problem(*encoded[:3], encoded.data[:-1]) is not None
    assert content_problem(*encoded[:3], encoded.data + b"x") is not None or codec in MARSHALLED
    if codec != "pickle":
        assert content_problem(hash_data("value", b""), *encoded[1:4]) is not None


def test_a_value_inside_of_an_expression_is_looked_at() -> None:
    encoded = encode_graph([increment(7, [1, "needle" * 3])])
    assert len(graph_parts(encoded.data)[1]) == 1
    damaged = encoded.data.replace(b"needle", b"noodle")
    assert "its content has the hash" in str(content_problem(*encoded[:3], damaged))


class Armed:
    """Takes note when it is unpickled."""

    fired = 0

    def __reduce__(self) -> Any:
        return Armed.fire, ()

    @staticmethod
    def fire() -> None:
        Armed.fired += 1


@task
def in_context(x: Any = get_context("x", 0)) -> Any:
    return [increment(x)]


def test_a_run_under_a_context_is_whole(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "redun.db")
    scheduler = Scheduler(backend=backend)
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    assert scheduler.run(in_context(), context={"x": 1}) == [2]
    backend.close()
    assert list(check_repository(tmp_path / "redun.db")) == []


def test_no_code_of_a_pickled_value_runs() -> None:
    data = encode([Armed()]).data
    assert pickle_problem(data) is None
    assert pickle_problem(data[:-2]) is not None
    assert Armed.fired == 0


def test_damaged_pages_are_reported(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'job'").fetchone()
    with copy.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    assert any("SQLite" in problem for problem in problems(copy))


def test_nothing_is_written(copy: Path) -> None:
    before = copy.read_bytes()
    problems(copy)
    assert copy.read_bytes() == before
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        assert list(find_problems(connection)) == []
        connection.execute("UPDATE execution SET args = '[]'")  # the connection may write again


def test_a_run_may_write_meanwhile(copy: Path) -> None:
    """The check reads the repository as it is at one moment."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE tag SET value = '{'")
        found = find_problems(connection)
        assert isinstance(next(found), Problem)
        with closing(sqlite3.connect(copy, isolation_level=None, timeout=0)) as writer:
            writer.execute("DELETE FROM job")
        assert all("its value is not JSON" in problem.what for problem in found)


def test_a_missing_repository_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="there is no repository"):
        problems(tmp_path / "redun.db")
    assert not (tmp_path / "redun.db").exists()


def test_another_schema_is_refused(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA user_version = 77")
    with pytest.raises(BackendVersionError, match="77"):
        problems(copy)
