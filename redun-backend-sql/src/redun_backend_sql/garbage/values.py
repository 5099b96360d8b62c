"""Removes values that have rows of their own: each before those that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.positions import pages_of

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.small_values import remove_value_tags
from redun_backend_sql.packing import STORED, unpack_hashes

if TYPE_CHECKING:
    from redun_backend_sql.garbage.calls import CallSweep
    from redun_backend_sql.garbage.writing import Writing

AT_ONCE = 5_000
"""Values of one transaction."""

_VALUES = (
    "SELECT value.id, value.hash, children, 48 + coalesce(length(path), 0) + coalesce(length(children), 0)"
    " + length(data), codec FROM value JOIN value_kind ON value_kind.id = value.kind_id WHERE value.id IN (?)"
)
_REMOVE_CHILD = "DELETE FROM value_child WHERE child_hash = ? AND value_id = ?"


def remove_values(writing: Writing, calls: CallSweep) -> set[bytes]:
    """Remove the values that nobody has come to need. The hashes of those whose bytes are in a value store."""
    stored: set[bytes] = set()
    pages = list(pages_of(calls.garbage.values, calls.garbage.value_spans, AT_ONCE))
    for page in reversed(pages):
        with writing.transaction():
            calls.catch_up()
            gone = [number for number in page if number not in calls.kept.values]
            rows = list(sql.select_in(writing.connection, _VALUES, gone))
            children = sorted({(child, row[0]) for row in rows for child in unpack_hashes(row[2])})
            writing.connection.executemany(_REMOVE_CHILD, children)
            sql.run_in(writing.connection, "DELETE FROM value WHERE id IN (?)", gone)
            remove_value_tags(writing, [row[1] for row in rows])
            writing.removed("values", len(rows), sum(row[3] for row in rows))
        stored |= {row[1] for row in rows if row[4].startswith(STORED)}
    return stored
