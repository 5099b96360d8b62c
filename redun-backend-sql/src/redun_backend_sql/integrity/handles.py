"""States of handles, and how they came out of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import HandleStep
from redun.hashing import HASH_SIZE

from redun_backend_sql.integrity.problem import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection

_EDGES = """
    SELECT parent_id, child_id, step, parent.fullname, child.fullname FROM handle_edge
    JOIN handle AS parent ON parent.id = parent_id JOIN handle AS child ON child.id = child_id
"""
_STEPS = frozenset(int(step) for step in HandleStep)


def broken_handles(connection: Connection) -> Iterator[Problem]:
    """States that make no sense, and those that came out of a state of another handle."""
    for number, state, is_valid in connection.execute("SELECT id, hash, is_valid FROM handle"):
        where = f"state {shown(state)} of a handle (table handle, row {number})"
        if isinstance(state, bytes) and len(state) != HASH_SIZE:
            yield Problem(f"its hash has {len(state)} bytes", where)
        if is_valid not in (0, 1):
            yield Problem(f"whether it is valid cannot be told from {is_valid}", where)
    for parent, child, step, before, after in connection.execute(_EDGES):
        where = f"the step from state {parent} to {child} of a handle (table handle_edge)"
        if step not in _STEPS:
            yield Problem(f"its kind {step} means nothing", where)
        if before != after:
            yield Problem(f"it leads from the handle {before} to the handle {after}", where)
