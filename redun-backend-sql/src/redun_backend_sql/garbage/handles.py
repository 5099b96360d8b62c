"""Removes the states of handles that no value is in any more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.packing import STORED
from redun_backend_sql.run_path.identities import select_by_prefix

if TYPE_CHECKING:
    from redun_backend_sql.garbage.writing import Writing
    from redun_backend_sql.run_path.driver import Connection

_PICKLE = "pickle"
_SIGN = b"redun.handle"
"""What a pickled handle names: it is opened by a function of that module."""
_STATE = re.compile(rb"[0-9a-f]{40}")

_KINDS = "SELECT id, codec FROM value_kind WHERE codec IN (?)"
_EXAMPLE = "SELECT data FROM value WHERE kind_id = ? LIMIT 1"
_FAMILIES = "SELECT handle.fullname, handle.hash FROM handle WHERE substr(handle.hash, 1, 8) IN (?)"


def remove_handles(writing: Writing) -> None:
    """Remove the states of handles, of which no value is there. Within a transaction.

    All states of a handle stay as long as there is a value of it: together they say what has to be rolled back.
    """
    connection = writing.connection
    names = {name for (name,) in connection.execute("SELECT DISTINCT fullname FROM handle").fetchall()}
    needed = _needed(connection) if names else set()
    for name in sorted(names - needed) if needed is not None else ():
        numbers = [row[0] for row in connection.execute("SELECT id FROM handle WHERE fullname = ?", (name,)).fetchall()]
        sql.run_in(connection, "DELETE FROM handle_edge WHERE parent_id IN (?)", numbers)
        sql.run_in(connection, "DELETE FROM handle WHERE id IN (?)", numbers)
        writing.removed("handle states", len(numbers), len(numbers) * 100)


def _needed(connection: Connection) -> set[str] | None:
    """The full names of handles that are values; None where that cannot be told."""
    needed: set[str] = set()
    for kind, codec in sql.select_in(connection, _KINDS, [_PICKLE, STORED + _PICKLE]):
        example = connection.execute(_EXAMPLE, (kind,)).fetchone()
        if example is None:
            continue
        if codec != _PICKLE:
            return None
        if _SIGN not in example[0]:
            continue
        # The text of a state stands in the pickle as it is, which need not be loaded for that.
        for page in sql.pages_by_number(connection, "id, data", "value", f"kind_id = {int(kind)}"):
            states = {bytes.fromhex(text.decode()) for _, data in page for text in _STATE.findall(data)}
            rows = select_by_prefix(connection, _FAMILIES, list(states))
            needed.update(name for name, state in rows if state in states)
    return needed
