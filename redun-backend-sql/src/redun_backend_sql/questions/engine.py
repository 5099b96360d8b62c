"""SQLAlchemy on the connection that the run path has open."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Select

    from redun_backend_sql.run_path.driver import Connection


class Rows(Protocol):
    """Runs a statement and gives all of its rows."""

    def __call__(self, statement: Select[Any], values: Mapping[str, Any] | None = None, /) -> Sequence[Any]:
        """values: of the statement's parameters."""


def make_engine(connection: Connection) -> Engine:
    """An engine whose only connection is this one. The caller closes it, and sees that one thread at a time uses it."""
    if isinstance(connection, sqlite3.Connection):
        return create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    from redun_backend_sql.postgres.connection import PostgresConnection

    assert isinstance(connection, PostgresConnection)
    from sqlalchemy.dialects.postgresql.psycopg import PGExecutionContext_psycopg

    class BinaryCursors(PGExecutionContext_psycopg):
        """Has rows sent in the binary format: in text, bytes take twice the space, and time to be read."""

        def create_default_cursor(self) -> Any:
            return self._dbapi_connection.cursor(binary=True)

    driver = connection.driver
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: driver, poolclass=StaticPool, use_native_hstore=False
    )
    engine.dialect.execution_ctx_cls = BinaryCursors
    return engine


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Raise the driver's own errors, which the backend explains, instead of SQLAlchemy's around them."""
    try:
        yield
    except DBAPIError as error:
        if error.orig is None:
            raise
        raise error.orig from error
