"""What a repository has, asked for many hashes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import Identities, select_by_prefix
from redun_backend_sql.run_path.lookups import Lookups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from redun_backend_sql.run_path.driver import Connection, Rows

PAGE = 1000
"""Rows to look at together."""

MAX_REMEMBERED = 100_000

T = TypeVar("T")


def pages(cursor: Rows) -> Iterator[list[tuple[object, ...]]]:
    """The rows of a query in parts that fit into memory."""
    while rows := cursor.fetchmany(PAGE):
        yield rows


class Stored:
    """Answers which of some hashes the repository has. What is there is remembered, within limits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lookups = Lookups(connection, Identities(connection))
        self._values: set[bytes] = set()
        self._calls: set[bytes] = set()

    def missing_values(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Those of these values that a look-up would not find."""
        return self._missing(hashes, self._values, self._find_values)

    def missing_calls(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Those of these calls that are not there."""
        return self._missing(hashes, self._calls, self._find_calls)

    def _missing(
        self, hashes: Iterable[bytes], known: set[bytes], find: Callable[[set[bytes]], set[bytes]]
    ) -> set[bytes]:
        wanted = set(hashes) - known
        if not wanted:
            return wanted
        found = find(wanted) & wanted
        if len(known) > MAX_REMEMBERED:
            known.clear()
        known |= found
        return wanted - found

    def _find_values(self, wanted: set[bytes]) -> set[bytes]:
        # Not the values themselves: a thousand large ones would not fit into memory.
        rows = select_by_prefix(self._connection, sql.SELECT_VALUE_HASHES, list(wanted))
        found = {value_hash for (value_hash,) in rows}
        return found | self._lookups.load_values(list(wanted - found)).keys()

    def _find_calls(self, wanted: set[bytes]) -> set[bytes]:
        return {found for found, _ in select_by_prefix(self._connection, sql.SELECT_CALL_IDS, list(wanted))}
