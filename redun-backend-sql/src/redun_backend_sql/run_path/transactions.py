"""Transactions that write to a SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun_backend_sql.run_path.connection import begin_writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@contextmanager
def write_transaction(connection: sqlite3.Connection, *, durable: bool = False) -> Iterator[None]:
    """See `WriteTransaction`."""
    before = None
    if durable:
        (before,) = connection.execute("PRAGMA synchronous").fetchone()
        connection.execute("PRAGMA synchronous=FULL")
    try:
        begin_writing(connection)
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        if before is not None:
            connection.execute(f"PRAGMA synchronous={before}")
