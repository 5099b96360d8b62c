"""The transactions of a collection, and what they have removed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.backends.maintenance import KindSize

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.run_path.identities import COLLECTION
from redun_backend_sql.run_path.statements import INSERT_SCHEDULER, SELECT_COLLECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection, WriteTransaction

_COUNT_UP = "UPDATE scheduler SET heartbeat = ?, host = ? WHERE id = ?"


class Writing:
    """Begins transactions in which rows may be removed, and counts these."""

    def __init__(self, connection: Connection, transaction: WriteTransaction) -> None:
        self.connection = connection
        self._transaction = transaction
        self.last_value = 0
        """The highest number that a value has or has had."""
        self._removed: dict[str, tuple[int, int]] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that has others forget the numbers of rows, and never use these for other ones."""
        with self._transaction():
            execute = self.connection.execute
            row = execute(SELECT_COLLECTION, (COLLECTION,)).fetchone()
            count, used = row if row is not None else (0.0, "0 0")
            call, value = map(int, used.split())
            self.last_value = max(value, sql.highest(self.connection, "value"))
            used = f"{max(call, sql.highest(self.connection, 'call'))} {self.last_value}"
            if row is None:
                execute(INSERT_SCHEDULER, (COLLECTION, used, 1.0))
            else:
                execute(_COUNT_UP, (count + 1, used, COLLECTION))
            yield

    def removed(self, kind: str, count: int, size: int) -> None:
        """Count what was removed."""
        before = self._removed.get(kind, (0, 0))
        self._removed[kind] = (before[0] + count, before[1] + size)

    @property
    def sizes(self) -> tuple[KindSize, ...]:
        """All that was removed."""
        return tuple(KindSize(kind, *size) for kind, size in self._removed.items() if size[0])
