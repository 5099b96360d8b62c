"""Values: those with a row of their own, what they say is inside them, and whether bytes are what a hash says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.contents import content_problem
from redun.backends.records import StoredValue
from redun.hashing import HASH_SIZE
from redun.provenance.preview import safe_decode

from redun_backend_sql.integrity.problem import Problem, shown, unless_unreadable
from redun_backend_sql.packing import unpack_hashes
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.storable import storable_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.integrity.stored import Stored
    from redun_backend_sql.run_path.driver import Connection

_VALUES = """
    SELECT value.id, value.hash, type_name, codec, path, children, data FROM value
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
    for number, value_hash, type_name, codec, path, packed, data in connection.execute(_VALUES):
        where = f"value {shown(value_hash)} (table value, row {number})"
        if codec is not None:  # said already, as a reference
            value = StoredValue(value_hash, type_name, codec, data)
            yield from unless_unreadable(_content_problems(value, path, where), where)
        if packed is not None:
            yield from unless_unreadable(_broken_children(connection, stored, number, packed, where), where)


def _content_problems(value: StoredValue, path: str | None, where: str) -> Iterator[Problem]:
    what = content_problem(*value)
    if what is not None:
        yield Problem(what, where)
    elif value.codec == "pickle" and (path is not None or value.type_name == "redun.File"):
        own = _path_in(value)
        if own is not None and path is not None and storable_path(own) != path:
            yield Problem(f"it can be asked for by the path {path}, and its own is {own}", where)
        if own is not None and path is None and value.type_name == "redun.File":
            yield Problem(f"its path {own} does not lead to it", where)


def _path_in(value: StoredValue) -> str | None:
    """The path that a file or a directory has stored, where it is one of redun's own. Runs no code of its class."""
    parts: Any = getattr(safe_decode(value), "short_repr_parts", list)
    path = dict(parts()).get("path")
    return path if isinstance(path, str) else None


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
        if not isinstance(packed, bytes | None):
            continue  # said already, of its column
        inside = len(set(unpack_hashes(packed)))
        if count > inside:
            where = f"value {shown(value_hash)} (table value_child, value {number})"
            yield Problem(f"there are {count} values inside of it by this table, and {inside} by its own row", where)
