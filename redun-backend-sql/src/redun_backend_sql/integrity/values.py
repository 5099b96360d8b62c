"""Values: those with a row of their own, what they say is inside them, and whether bytes are what a hash says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.contents import content_problem
from redun.hashing import HASH_SIZE

from redun_backend_sql.integrity.problem import Problem
from redun_backend_sql.packing import unpack_hashes
from redun_backend_sql.run_path.identities import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.integrity.stored import Stored
    from redun_backend_sql.run_path.driver import Connection

_VALUES = """
    SELECT value.id, value.hash, type_name, codec, children, data FROM value
    LEFT JOIN value_kind ON value_kind.id = value.kind_id ORDER BY value.id
"""
_IS_CHILD = "SELECT 1 FROM value_child WHERE child_hash = ? AND value_id = ?"
# Counted by container, so that the children of each are unpacked once.
_CHILDREN = """
    SELECT value.id, value.hash, value.children, counted.number FROM
    (SELECT value_id, count(*) AS number FROM value_child GROUP BY value_id) AS counted
    JOIN value ON value.id = counted.value_id
"""


def broken_values(connection: Connection, stored: Stored) -> Iterator[Problem]:
    """Values that are not what their hash says, or that name others which are not there."""
    for number, value_hash, type_name, codec, packed, data in connection.execute(_VALUES):
        where = f"value {value_hash.hex()} (table value, row {number})"
        what = None if codec is None else content_problem(value_hash, type_name, codec, data)
        if what is not None:
            yield Problem(what, where)
        if packed is not None:
            yield from _broken_children(connection, stored, number, packed, where)


def _broken_children(
    connection: Connection, stored: Stored, number: int, packed: bytes, where: str
) -> Iterator[Problem]:
    if len(packed) % HASH_SIZE:
        yield Problem("the hashes of the values inside it are cut off", where)
    for chunk in chunks(sorted(set(unpack_hashes(packed)))):
        missing = stored.missing_values(chunk)
        for child in chunk:
            if child in missing:
                yield Problem(f"holds the value {child.hex()}, which is not there", where)
            if not connection.execute(_IS_CHILD, (child, number)).fetchone():
                yield Problem(f"holds the value {child.hex()}, which the table value_child does not know", where)


def broken_value_children(connection: Connection) -> Iterator[Problem]:
    """Values of which the table of what is inside them says more than they do."""
    for number, value_hash, packed, count in connection.execute(_CHILDREN):
        inside = len(set(unpack_hashes(packed)))
        if count > inside:
            where = f"value {value_hash.hex()} (table value_child, value {number})"
            yield Problem(f"there are {count} values inside of it by this table, and {inside} by its own row", where)
