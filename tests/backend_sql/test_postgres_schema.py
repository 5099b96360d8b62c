"""One truth about the schema in PostgreSQL too: the tables, the migrations and the run path's statements agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import redun_backend_sql
from postgres_server import Database
from redun_backend_sql.migrations.run import run_migrations
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.repository import read_revision
from redun_backend_sql.postgres.spelling import parsed_insert, spelled
from redun_backend_sql.questions.engine import make_engine
from redun_backend_sql.revision import SCHEMA_REVISION, VERSION_TABLE
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.schema import metadata
from sqlalchemy import Insert
from sqlalchemy.dialects.postgresql import dialect as postgresql_dialect
from sqlalchemy.dialects.postgresql import insert
from test_sqlite_schema import NAMES, STATEMENTS, in_any_order

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"


def described(database: Database, statement: str) -> list[Any]:
    return [row for row in database.rows(statement) if not row[0].startswith(VERSION_TABLE)]


def test_the_migrations_build_the_tables_that_are_described(repository: Database, database: Database) -> None:
    with database.connect() as driver:
        metadata.create_all(make_engine(PostgresConnection(driver)))
    assert described(repository, COLUMNS) == described(database, COLUMNS)
    migrated, plain = dict(described(repository, INDEXES)), dict(described(database, INDEXES))
    # What is said in the migrations only, because it is about PostgreSQL only.
    assert migrated.pop("value_by_path").removesuffix(" WHERE (path IS NOT NULL)") == plain.pop("value_by_path")
    few = " WHERE ((status = 1) OR (status = 4) OR (status = 5))"
    assert migrated.pop("job_unfinished").removesuffix(few) == plain.pop("job_unfinished")
    assert "USING hash (names)" in migrated.pop("signature_by_names")
    assert "USING btree (names)" in plain.pop("signature_by_names")
    assert migrated.pop("call_by_value").replace(", id)", ")") == plain.pop("call_by_value")
    assert migrated.pop("tag_by_key").replace(", id)", ")") == plain.pop("tag_by_key")
    assert migrated == plain
    assert described(repository, INDEXES)


def test_text_is_compared_byte_by_byte(repository: Database) -> None:
    collations = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'public'"
    names = {name for (name,) in repository.rows(f"{collations} AND data_type = 'text'")}
    assert names == {"C"}


def test_running_the_migrations_again_changes_nothing(backend: PostgresBackend, repository: Database) -> None:
    assert isinstance(backend._connection, PostgresConnection)
    before = repository.rows(COLUMNS)
    run_migrations(backend._connection)
    assert repository.rows(COLUMNS) == before
    assert read_revision(backend._connection) == SCHEMA_REVISION


def test_a_migration_that_fails_changes_nothing(database: Database) -> None:
    with database.connect() as driver:
        connection = PostgresConnection(driver)
        driver.execute("CREATE TABLE tag (id int)")
        with pytest.raises(Exception, match='relation "tag" already exists'):
            run_migrations(connection)
        assert described(database, COLUMNS) == [("tag", "id", "integer", "YES")]
        assert read_revision(connection) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_of_the_run_path_is_spelled_as_the_tables_compile_to(name: str) -> None:
    statement = STATEMENTS[name]
    given = getattr(sql, name)
    if isinstance(statement, Insert) and " OR " in given:
        plain = insert(statement.table).values(dict.fromkeys(parsed_insert(given).columns))  # type: ignore[union-attr]
        if "IGNORE" in given:
            statement = plain.on_conflict_do_nothing()
        else:
            news = {column: plain.excluded[column] for column in parsed_insert(given).columns}  # type: ignore[union-attr]
            statement = plain.on_conflict_do_update(constraint=f"{statement.table.name}_pkey", set_=news)
    elif name == "INSERT_JOB_COUNT":
        plain = insert(statement.table).values(dict.fromkeys(["execution_id", "task_id", "status", "count"]))  # type: ignore[attr-defined]
        count = {"count": statement.table.c.count + plain.excluded.count}  # type: ignore[attr-defined]
        statement = plain.on_conflict_do_update(index_elements=["execution_id", "task_id", "status"], set_=count)
    dialect = postgresql_dialect(paramstyle="format", implicit_returning=False)
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    # SQLAlchemy names the types of parameters, and asks for the number of a new row.
    expected = re.sub(r"::[A-Z]+", "", str(compiled)).partition("RETURNING")[0]
    one, other = (re.sub(r'[\s"]+', "", text) for text in (spelled(given), expected))
    assert in_any_order(one) == in_any_order(other)


def test_several_rows_go_into_one_statement() -> None:
    parsed = parsed_insert("INSERT OR IGNORE INTO a (b, c) VALUES (?, ?)")
    assert parsed is not None
    assert parsed.statement(2) == "INSERT INTO a (b, c) VALUES (%s, %s), (%s, %s) ON CONFLICT DO NOTHING"
    assert parsed_insert("UPDATE a SET b=? WHERE c = ?") is None


def test_the_run_path_uses_no_statement_that_only_sqlite_knows() -> None:
    folder = Path(redun_backend_sql.__file__).parent / "run_path"
    of_sqlite = {"connection.py", "transactions.py"}
    shared = [path for path in folder.glob("*.py") if path.name not in of_sqlite]
    assert len(shared) > 5
    for path in shared:
        assert not re.search(r"PRAGMA|import sqlite3|BEGIN", path.read_text()), path
