"""Small values, which stand in the rows of calls: where such a row goes, somebody else may still need them."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.jobs import remove_tags
from redun_backend_sql.packing import unpack_arguments
from redun_backend_sql.run_path.identities import Identities, chunks, select_by_prefix
from redun_backend_sql.run_path.lookups import Lookups
from redun_backend_sql.run_path.statements import INSERT_VALUE, SELECT_VALUE_HASHES, with_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun_backend_sql.garbage.writing import Writing
    from redun_backend_sql.run_path.driver import Connection

_TAGGED = f"SELECT DISTINCT entity_id FROM tag WHERE entity_kind = {int(EntityKind.VALUE)} AND entity_id IN (?)"


class SmallValues:
    """The small values in some rows of calls that are about to go."""

    def __init__(self, connection: Connection, rows: Sequence[Any]) -> None:
        self._connection = connection
        self._values: dict[bytes, tuple[int, bytes]] = {}
        for row in rows:
            if row[9] is not None:
                self._values[row[4]] = (row[10], row[9])
            for each in unpack_arguments(row[7] or b""):
                if each.kind_id is not None and each.data is not None:
                    self._values[each.value_hash] = (each.kind_id, each.data)

    def move(self, needed: set[bytes], last: int) -> None:
        """Give those that are needed a row of their own, with a number above `last`."""
        wanted = sorted(needed & self._values.keys())
        known = {each for (each,) in select_by_prefix(self._connection, SELECT_VALUE_HASHES, wanted)}
        number = max(last, sql.highest(self._connection, "value"))
        new = []
        for value_hash in wanted:
            if value_hash not in known:
                number += 1
                kind, data = self._values[value_hash]
                new.append((number, value_hash, kind, None, None, data))
        self._connection.executemany(INSERT_VALUE, new)

    def remove_tags(self, writing: Writing) -> None:
        """Remove the tags of those that are no longer anywhere. After the rows are gone."""
        remove_value_tags(writing, list(self._values))


def remove_value_tags(writing: Writing, hashes: Sequence[bytes]) -> None:
    """Remove the tags of those of these values that are not there."""
    connection = writing.connection
    for chunk in chunks([each.hex() for each in hashes]):
        tagged = [row[0] for row in connection.execute(with_list(_TAGGED, len(chunk)), tuple(chunk)).fetchall()]
        if tagged:
            asked = [bytes.fromhex(each) for each in tagged]
            rows = select_by_prefix(connection, SELECT_VALUE_HASHES, asked)
            there = {each for (each,) in rows}
            there |= Lookups(connection, Identities(connection)).load_values([*set(asked) - there]).keys()
            remove_tags(writing, EntityKind.VALUE, [each.hex() for each in asked if each not in there])
