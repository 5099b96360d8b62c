"""Writes values: small ones into the rows of calls, all others into their own table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun_backend_sql.packing import MAX_INLINE_KIND, MAX_INLINE_SIZE, STORED, InlineValue, inline_value
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import Identities, select_by_prefix
from redun_backend_sql.storable import storable_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import ValueRecord

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.run_path.lookups import Lookups
    from redun_backend_sql.value_store import ValueStore

MAX_REMEMBERED_VALUES = 50_000


class ValueWriter:
    """Writes the values of one batch after the other.

    A small value is kept in the rows of the calls that return or take it, which costs no row and no index entry of its
    own. The invariant that look-ups rely on: the *first* row that refers to a small value has it, or the value has a
    row of its own.
    """

    def __init__(
        self, connection: Connection, identities: Identities, lookups: Lookups, store: ValueStore | None = None
    ) -> None:
        self._store = store
        self._connection = connection
        self._identities = identities
        self._lookups = lookups
        self.forget()

    def forget(self) -> None:
        """Drop what is remembered of earlier batches: after a transaction that failed."""
        self.small: dict[bytes, InlineValue] = {}
        """Small values of this batch and of earlier ones, for the rows of calls."""
        self.placed: set[bytes] = set()
        """Small values that a call's row of this batch has."""
        self._own_row: dict[bytes, ValueRecord] = {}
        self._records: dict[bytes, ValueRecord] = {}

    def begin(self, values: Sequence[ValueRecord]) -> None:
        """Take the values of a batch, before its calls are written."""
        if len(self.small) > MAX_REMEMBERED_VALUES:
            self.small.clear()
        self.placed.clear()
        self._own_row.clear()
        self._records = {}
        for value in values:
            if len(value.data) <= MAX_INLINE_SIZE and not value.children and value.path is None:
                if value.hash not in self.small:
                    kind_id = self._identities.kinds[value.type_name, value.codec]
                    if kind_id > MAX_INLINE_KIND:
                        self._own_row[value.hash] = value
                        continue
                    self.small[value.hash] = inline_value(kind_id, value.data)
                self._records[value.hash] = value
            else:
                self._own_row[value.hash] = value

    def write(self) -> None:
        """Write what needs a row of its own, after the batch's calls have been written."""
        homeless = [each for each in self._records if each not in self.placed]
        if homeless:
            known = self._lookups.load_values(homeless)
            self._own_row.update((each, self._records[each]) for each in homeless if each not in known)
        rows = self._own_row
        for (known_hash,) in select_by_prefix(self._connection, sql.SELECT_VALUE_HASHES, list(rows)):
            value = rows.pop(known_hash, None)
            if known_hash in self._lookups.lost and value is not None:
                self._bring_back(value)
        if not rows:
            return
        last = self._connection.execute(sql.SELECT_LAST_VALUE).fetchone()[0] or 0
        first = max(last, self._identities.last_value) + 1
        new = list(enumerate((rows[each] for each in sorted(rows)), first))
        self._connection.executemany(sql.INSERT_VALUE, [self._row(number, value) for number, value in new])
        children = [(child, number) for number, value in new for child in value.children]
        self._connection.executemany(sql.INSERT_VALUE_CHILD, sorted(children))

    def _bring_back(self, value: ValueRecord) -> None:
        """Have the row of a value that was lost say where its bytes are now."""
        for (number,) in self._connection.execute(sql.SELECT_VALUE_ID, (value.hash[:8], value.hash)).fetchall():
            _, _, kind_id, _, _, data = self._row(number, value)
            self._connection.execute(sql.UPDATE_VALUE, (kind_id, data, number))
        self._lookups.lost.discard(value.hash)

    def _row(self, number: int, value: ValueRecord) -> tuple[object, ...]:
        is_elsewhere = self._store is not None and self._store.takes(value.data)
        if self._store is not None and is_elsewhere:
            self._store.require(value)
        codec = STORED + value.codec if is_elsewhere else value.codec
        return (
            number,
            value.hash,
            self._identities.kinds[value.type_name, codec],
            value.path and storable_path(value.path),
            b"".join(value.children) or None,
            b"" if is_elsewhere else value.data,
        )
