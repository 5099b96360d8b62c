"""One truth about the schema: the tables, the migrations, the stored script and the run path's statements agree."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redun_backend_sql
from redun_backend_sql.migrations.run import run_migrations
from redun_backend_sql.questions.engine import make_engine
from redun_backend_sql.repository import creation_script
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.schema import (
    call,
    call_argument,
    execution,
    executor,
    handle,
    handle_edge,
    job,
    job_count,
    metadata,
    prefix,
    scheduler,
    signature,
    tag,
    task,
    task_set,
    value,
    value_child,
    value_kind,
)
from redun_backend_sql.sqlite_backend import SqliteBackend
from redun_backend_sql.write_schema import schema_script
from sqlalchemy import ClauseElement, LargeBinary, column, delete, func, insert, literal_column, select, update, values
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


@contextmanager
def memory() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def objects(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r"\s+", " ", text.replace('"', "")) for name, text in rows}


def test_a_new_repository_has_the_schema_that_the_migrations_build():
    with memory() as stored, memory() as migrated:
        for statement in creation_script():
            stored.execute(statement)
        run_migrations(migrated)
        assert objects(stored) == objects(migrated)
        version = "SELECT version_num FROM alembic_version"
        assert (
            stored.execute(version).fetchall() == migrated.execute(version).fetchall() == [(f"{SCHEMA_REVISION:04}",)]
        )
        assert migrated.execute("PRAGMA user_version").fetchone() == (SCHEMA_REVISION,)


def test_the_migrations_build_the_schema_that_the_tables_describe():
    with memory() as described, memory() as migrated:
        metadata.create_all(make_engine(described))
        run_migrations(migrated)
        expected = objects(migrated)
        del expected["alembic_version"]
        assert objects(described) == expected


def test_the_stored_script_is_what_the_maintainers_command_writes():
    assert Path(redun_backend_sql.__file__).with_name("schema.sql").read_text() == schema_script()


def test_running_the_migrations_again_changes_nothing(tmp_path: Path):
    backend = SqliteBackend(tmp_path / "redun.db")
    backend.load()
    backend.close()
    with closing(sqlite3.connect(tmp_path / "redun.db", isolation_level=None)) as connection:
        before = objects(connection)
        run_migrations(connection)
        assert objects(connection) == before


def test_a_migration_that_fails_changes_nothing():
    with memory() as connection:
        connection.execute("CREATE TABLE tag (id)")
        before = objects(connection)
        with pytest.raises(sqlite3.OperationalError, match="tag already exists"):
            run_migrations(connection)
        assert objects(connection) == before
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


def test_the_tables_can_be_made_in_postgresql():
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateIndex, CreateTable

    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "BYTEA" in text or "BLOB" not in text
        for index in table.indexes:
            assert "CREATE" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))


def maximum(column) -> ClauseElement:
    return select(func.max(column))


def interned(table, *columns) -> list[ClauseElement]:
    return [select(table.c.id).where(*(c == "x" for c in columns)), insert(table).values(dict.fromkeys(columns, "x"))]


CALL_HIT = (call.c.eval_hash, call.c.raw_hash, call.c.value_hash, call.c.call_hash, call.c.kind_id, call.c.inline)
KNOWN_CALL = (call.c.id, call.c.eval_hash, call.c.raw_hash, call.c.value_hash, call.c.call_hash, call.c.context_hash)
CALL_ORDER = "id eval_hash task_id time is_error signature_id task_set_id kind_id inline call_hash value_hash raw_hash"
JOB_ORDER = "execution_id number parent task_id call_id status attempt executor_id start_time end_time eval_hash"


def row(columns: str) -> dict[str, None]:
    return dict.fromkeys(columns.split())


TAKERS = (
    select(call_argument.c.call_id)
    .where(call_argument.c.value_prefix == b"")
    .order_by(call_argument.c.call_id)
    .limit(1)
    .offset(0)
    .subquery("page")
)
ZERO, ONE, MANY = map(literal_column, ("0", "1", "1000"))
WANTED = values(column("hash", LargeBinary), name="wanted").data([(b"",)]).cte("wanted")
FOUND = call.alias("found")
RESULTS = (
    select(FOUND.c.id)
    .where(prefix(FOUND.c.value_hash) >= prefix(WANTED.c.hash), prefix(FOUND.c.value_hash) <= prefix(WANTED.c.hash))
    .where(FOUND.c.inline.is_not(None))
    .order_by(prefix(FOUND.c.value_hash))
    .limit(ONE)
    .offset(ZERO)
)
RESULT_PAGE = select(WANTED.c.hash, RESULTS.scalar_subquery().label("id")).limit(MANY).offset(ZERO).subquery("page")
FIRST_TAKER = (
    select(call_argument.c.call_id)
    .where(call_argument.c.value_prefix == prefix(WANTED.c.hash))
    .order_by(call_argument.c.call_id)
    .limit(ONE)
    .offset(ZERO)
)
TAKER_PAGE = select(WANTED.c.hash, FIRST_TAKER.scalar_subquery().label("id")).limit(MANY).offset(ZERO).subquery("page")
STATEMENTS: dict[str, ClauseElement] = {
    "SELECT_SCHEDULER": select(scheduler.c.heartbeat).where(scheduler.c.id == "x"),
    "SELECT_COLLECTION": select(scheduler.c.heartbeat, scheduler.c.host).where(scheduler.c.id == "x"),
    "INSERT_SCHEDULER": insert(scheduler),
    "UPDATE_SCHEDULER": update(scheduler).values(heartbeat=1).where(scheduler.c.id == "x", scheduler.c.heartbeat < 1),
    "SELECT_EXECUTION": select(execution.c.id).where(execution.c.uuid == "x"),
    "INSERT_EXECUTION": insert(execution).values(
        row("uuid args status start_time updated_time end_time scheduler_id sequence")
    ),
    "UPDATE_EXECUTION": update(execution)
    .values(row("args status start_time updated_time end_time scheduler_id"))
    .where(execution.c.id == 1, execution.c.updated_time <= 1),
    "SELECT_SEQUENCE": maximum(execution.c.sequence),
    "UPDATE_SEQUENCE": update(execution).values(sequence=1).where(execution.c.id == 1),
    "SELECT_TASK": select(task.c.id).where(task.c.hash == b""),
    "INSERT_TASK": insert(task).values(row("hash namespace name version source")),
    "SELECT_TASK_SET": select(task_set.c.id).where(task_set.c.hash == b""),
    "SELECT_TASK_SET_HASH": select(task_set.c.hash).where(task_set.c.id == 1),
    "SELECT_TASK_SET_MEMBERS": select(task_set.c.members).where(task_set.c.hash == b""),
    "INSERT_TASK_SET": insert(task_set).values(row("hash members")),
    "SELECT_VALUE_KIND": interned(value_kind, value_kind.c.type_name, value_kind.c.codec)[0],
    "INSERT_VALUE_KIND": interned(value_kind, value_kind.c.type_name, value_kind.c.codec)[1],
    "SELECT_VALUE_KIND_NAMES": select(value_kind.c.type_name, value_kind.c.codec).where(value_kind.c.id == 1),
    "SELECT_EXECUTOR": interned(executor, executor.c.name)[0],
    "INSERT_EXECUTOR": interned(executor, executor.c.name)[1],
    "SELECT_SIGNATURE": interned(signature, signature.c.names)[0],
    "INSERT_SIGNATURE": interned(signature, signature.c.names)[1],
    "SELECT_VALUE_HASHES": select(value.c.hash).where(prefix(value.c.hash).in_([b""])),
    "SELECT_VALUES": select(value.c.hash, value.c.kind_id, value.c.data).where(prefix(value.c.hash).in_([b""])),
    "SELECT_RESULT": select(call.c.kind_id, call.c.inline)
    .where(prefix(call.c.value_hash) >= b"", prefix(call.c.value_hash) <= b"")
    .where(call.c.value_hash == b"", call.c.inline.is_not(None))
    .order_by(prefix(call.c.value_hash))
    .limit(1)
    .offset(0),
    "SELECT_ARGUMENTS": select(call.c.arguments).join_from(TAKERS, call, call.c.id == TAKERS.c.call_id),
    "SELECT_RESULTS": select(RESULT_PAGE.c.hash, call.c.value_hash, call.c.kind_id, call.c.inline).join_from(
        RESULT_PAGE, call, call.c.id == RESULT_PAGE.c.id
    ),
    "SELECT_TAKERS": select(TAKER_PAGE.c.hash, call.c.arguments).join_from(
        TAKER_PAGE, call, call.c.id == TAKER_PAGE.c.id
    ),
    "SELECT_LAST_VALUE": maximum(value.c.id),
    "SELECT_VALUE_ID": select(value.c.id).where(prefix(value.c.hash) == b"", value.c.hash == b""),
    "UPDATE_VALUE": update(value).values(kind_id=1, data=b"").where(value.c.id == 1),
    "INSERT_VALUE": insert(value).values(row("id hash kind_id path children data")),
    "INSERT_VALUE_CHILD": insert(value_child).prefix_with("OR IGNORE").values(row("child_hash value_id")),
    "SELECT_EVALUATIONS": select(*CALL_HIT, call.c.time, call.c.id).where(
        prefix(call.c.eval_hash).in_([b""]), call.c.raw_hash.is_not(None), call.c.is_error < 2
    ),
    "SELECT_CALLS": select(*CALL_HIT, call.c.time, call.c.id, call.c.context_hash, call.c.task_set_id).where(
        prefix(call.c.eval_hash).in_([b""]), call.c.is_error == 0, call.c.call_hash.is_not(None)
    ),
    "SELECT_KNOWN_CALLS": select(*KNOWN_CALL, call.c.time, call.c.is_error).where(prefix(call.c.eval_hash).in_([b""])),
    "SELECT_CALL_IDS": select(call.c.call_hash, call.c.id).where(prefix(call.c.call_hash).in_([b""])),
    "SELECT_LAST_CALL": maximum(call.c.id),
    "INSERT_CALL": insert(call).values(row(f"{CALL_ORDER} args_hash context_hash arguments children")),
    "INSERT_CALL_ARGUMENT": insert(call_argument).prefix_with("OR IGNORE").values(row("value_prefix call_id")),
    "UPDATE_CALL_TIME": update(call).values(time=1).where(call.c.id == 1),
    "UPDATE_CALL_USE": update(call).values(is_error=1).where(call.c.id == 1),
    "DELETE_CALL": delete(call).where(call.c.id == 1),
    "SELECT_LAST_JOB": maximum(job.c.number).where(job.c.execution_id == 1),
    "SELECT_KNOWN_JOBS": select(job.c.number, job.c.task_id, job.c.status).where(
        job.c.execution_id == 1, job.c.number.in_([1])
    ),
    "INSERT_JOB": insert(job).values(row(f"{JOB_ORDER} options_hash")),
    "REPLACE_JOB": insert(job).prefix_with("OR REPLACE").values(row(f"{JOB_ORDER} options_hash")),
    "SELECT_KNOWN_TAGS": select(tag.c.entity_kind, tag.c.entity_id, tag.c.key, tag.c.value).where(
        tag.c.is_current == 1, tag.c.entity_id.in_(["x"])
    ),
    "SELECT_TAG_ROWS": select(
        tag.c.id, tag.c.entity_kind, tag.c.entity_id, tag.c.key, tag.c.value, tag.c.is_current
    ).where(tag.c.entity_id.in_(["x"])),
    "UPDATE_TAG": update(tag).values(is_current=0).where(tag.c.id == 1),
    "SELECT_HANDLES": select(handle.c.hash, handle.c.id, handle.c.is_valid).where(prefix(handle.c.hash).in_([b""])),
    "SELECT_HANDLE_CHILDREN": select(
        handle_edge.c.parent_id, handle_edge.c.step, handle.c.hash, handle.c.id, handle.c.is_valid
    )
    .join_from(handle_edge, handle, handle.c.id == handle_edge.c.child_id)
    .where(handle_edge.c.parent_id.in_([1])),
    "INSERT_HANDLE": insert(handle).values(row("hash fullname key is_valid")),
    "UPDATE_HANDLE": update(handle).values(is_valid=1).where(handle.c.id == 1),
    "INSERT_HANDLE_EDGE": insert(handle_edge).prefix_with("OR IGNORE").values(row("parent_id child_id step")),
    "INSERT_TAG": insert(tag).values(row("entity_kind entity_id key value is_current")),
}
new_count = sqlite_insert(job_count).values(row("execution_id task_id status count"))
STATEMENTS["INSERT_JOB_COUNT"] = new_count.on_conflict_do_update(
    index_elements=["execution_id", "task_id", "status"],
    set_={"count": job_count.c.count + new_count.excluded.count},
)

NAMES = [name for name in dir(sql) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_of_the_run_path_is_the_one_that_the_tables_compile_to(name: str):
    compiled = STATEMENTS[name].compile(dialect=sqlite_dialect(), compile_kwargs={"render_postcompile": True})
    given, expected = (re.sub(r'[\s"]+', "", text) for text in (getattr(sql, name), str(compiled)))
    # An insert names its columns in the order in which the code gives them; SQLAlchemy takes the order of the table.
    assert in_any_order(given) == in_any_order(expected)


def in_any_order(statement: str) -> str:
    head, values, tail = statement.partition("VALUES")
    if not values:
        return statement
    table, _, columns = head.rstrip(")").partition("(")
    return f"{table}({','.join(sorted(columns.split(',')))}){values}{tail}"
