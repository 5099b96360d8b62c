"""Reading all of a PostgreSQL repository, as it is at one moment."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redun_backend_sql.postgres.connecting import open_connection
from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.errors import translated_errors
from redun_backend_sql.postgres.repository import refuse_foreign, require_present_schema
from redun_backend_sql.postgres.server import Server
from redun_backend_sql.postgres.spelling import spelled
from redun_backend_sql.uri import postgres_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Cursor, ServerCursor
    from psycopg.rows import TupleRow

    from redun_backend_sql.run_path.driver import Connection

ROWS_AT_ONCE = 1000


def open_repository(db_uri: str) -> PostgresConnection:
    """A connection to the repository that a URI names.

    Raises `BackendError` when it cannot be read, and `BackendVersionError` when its schema is not the present one.
    """
    server = Server.at(postgres_address(db_uri))
    connection = open_connection(server)
    try:
        with translated_errors(server, connection.driver):
            require_present_schema(server.name, refuse_foreign(connection, server.name))
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def snapshot(connection: Connection) -> Iterator[Connection]:
    """The same database in one transaction that only reads, and fetches the rows of large results bit by bit."""
    assert isinstance(connection, PostgresConnection)
    driver = connection.driver
    driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield _Reading(driver)
    finally:
        if not driver.closed:
            driver.execute("ROLLBACK")


class _Reading(PostgresConnection):
    """What is asked without parameters is asked of whole tables: its rows stay on the server until they are needed."""

    _numbers = itertools.count(1)

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Cursor[TupleRow] | ServerCursor[TupleRow]:
        """Run one statement."""
        if parameters:
            return super().execute(statement, parameters)
        cursor = self.driver.cursor(f"reading_{next(self._numbers)}")
        cursor.itersize = ROWS_AT_ONCE
        return cursor.execute(spelled(statement), binary=True)
