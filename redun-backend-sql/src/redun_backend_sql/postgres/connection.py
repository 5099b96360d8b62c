"""A connection of psycopg with what the run path uses of SQLite's."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from redun_backend_sql.postgres.spelling import parsed_insert, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg.rows import TupleRow

    from redun_backend_sql.postgres.spelling import Insert

MOST_PARAMETERS = 6000
"""Parameters of one statement; the protocol allows 65,535, and more of them bring nothing."""
FEWEST_ROWS_TO_COPY = 8
"""With fewer, what COPY saves by row is less than what it costs."""
LARGE = 1_000_000
"""Bytes from which a column is sent by COPY, in pieces: sending one large message takes the square of its size."""

LOCK_CLASS = int.from_bytes(b"redn", "big")
"""The first half of the name of the lock; the second one is the schema."""
BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, hashtext(current_schema()))",
)


class PostgresConnection:
    """Speaks to the driver in the words of `run_path.statements`. Not safe for use by several threads at once.

    Whoever writes holds one lock on the repository until the end of the transaction. Rows therefore come to be in the
    order of their ids, for every reader; nothing can deadlock; and what was looked up stays true until the commit.
    """

    def __init__(self, driver: psycopg.Connection[TupleRow]) -> None:
        self.driver = driver
        self._column_types: dict[str, list[int]] = {}

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[TupleRow]:
        """Run one statement. All of its rows are fetched at once."""
        # The binary format neither doubles the size of bytes nor rounds numbers.
        cursor = self.driver.cursor(binary=True)
        return cursor.execute(spelled(statement), parameters or None)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement once for each row: as few statements, where it inserts."""
        rows = list(rows)
        if not rows:
            return
        insert = parsed_insert(statement)
        if insert is None:
            self.driver.cursor().executemany(spelled(statement), rows)
        elif insert.tail or (len(rows) < FEWEST_ROWS_TO_COPY and not _is_large(rows)):
            self._insert(insert, rows)
        else:
            self._copy(insert, rows)

    def _insert(self, insert: Insert, rows: list[Sequence[Any]]) -> None:
        """Several rows a statement: a statement a row costs a tenth of a millisecond each."""
        size = max(1, MOST_PARAMETERS // len(insert.columns))
        cursor = self.driver.cursor()
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            cursor.execute(insert.statement(len(part)), list(itertools.chain.from_iterable(part)))

    def _copy(self, insert: Insert, rows: list[Sequence[Any]]) -> None:
        columns = ", ".join(insert.columns)
        types = self._column_types.get(insert.table + columns)
        if types is None:
            cursor = self.driver.execute(f"SELECT {columns} FROM {insert.table} LIMIT 0")  # noqa: S608
            types = [column.type_code for column in cursor.description or ()]
            self._column_types[insert.table + columns] = types
        with self.driver.cursor().copy(f"COPY {insert.table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """See `WriteTransaction`."""
        driver = self.driver
        try:
            # In one message. The lock, and with it the waiting, is the database's: it ends with whoever dies.
            driver.execute("; ".join(BEGIN), prepare=False)
            if durable:
                driver.execute("SET LOCAL synchronous_commit = on", prepare=False)
            yield
            driver.execute("COMMIT", prepare=False)
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        driver = self.driver
        try:
            if not driver.closed and driver.info.transaction_status != TransactionStatus.IDLE:
                driver.execute("ROLLBACK", prepare=False)
        except psycopg.Error:
            driver.close()  # The server then does it. What went wrong before is what has to be told.

    def close(self) -> None:
        """Close the connection."""
        self.driver.close()


def _is_large(rows: list[Sequence[Any]]) -> bool:
    return any(isinstance(column, bytes) and len(column) >= LARGE for row in rows for column in row)
