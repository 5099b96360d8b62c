"""Writes values: small ones into the rows of calls, all others into their own table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun_backend_sql.packing import MAX_INLINE_KIND, MAX_INLINE_SIZE, InlineValue, inline_value
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import Identities, select_by_prefix
from redun_backend_sql.storable import storable_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import ValueRecord

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.run_path.lookups import Lookups

MAX_REMEMBERED_VALUES = 50_000


class ValueWriter:
    """Writes the values of one batch after the other.

    A small value is kept in the rows of the calls that return or take it, which costs no row and no index entry of its
    own. The invariant that look-ups rely on: the *first* row that refers to a small value has it, or the value has a
    row of its own.
    """

    def __init__(self, connection: Connection, identities: Identities, lookups: Lookups) -> None:
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
            rows.pop(known_hash, None)
        if not rows:
            return
        first = (self._connection.execute(sql.SELECT_LAST_VALUE).fetchone()[0] or 0) + 1
        new = list(enumerate((rows[each] for each in sorted(rows)), first))
        kinds = self._identities.kinds
        self._connection.executemany(
            sql.INSERT_VALUE,
            [
                (
                    number,
                    v.hash,
                    kinds[v.type_name, v.codec],
                    v.path and storable_path(v.path),
                    b"".join(v.children) or None,
                    v.data,
                )
                for number, v in new
            ],
        )
        children = [(child, number) for number, value in new for child in value.children]
        self._connection.executemany(sql.INSERT_VALUE_CHILD, sorted(children))
