"""Writes the states of handles, and makes them invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import HandleStep
from redun.errors import BackendError

from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import chunks, select_by_prefix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from redun.backends.records import HandleEdge, HandleRecord

    from redun_backend_sql.run_path.driver import Connection


def find_handles(connection: Connection, states: Collection[bytes]) -> dict[bytes, tuple[int, bool]]:
    """The number of each of these states that has a row, and whether it is valid."""
    rows = select_by_prefix(connection, sql.SELECT_HANDLES, list(states))
    return {state: (number, bool(is_valid)) for state, number, is_valid in rows if state in states}


def find_branches(connection: Connection, states: Collection[bytes]) -> dict[bytes, dict[bytes, HandleStep]]:
    """See `Backend.handle_branches`."""
    by_number = {number: state for state, (number, _) in find_handles(connection, states).items()}
    branches: dict[bytes, dict[bytes, HandleStep]] = {}
    for parent, step, child, _, _ in _children(connection, list(by_number)):
        if step != HandleStep.CALL:
            branches.setdefault(by_number[parent], {})[child] = HandleStep(step)
    return branches


def _children(connection: Connection, numbers: Sequence[int]) -> Iterator[tuple[int, int, bytes, int, int]]:
    for chunk in chunks(numbers):
        yield from connection.execute(sql.with_list(sql.SELECT_HANDLE_CHILDREN, len(chunk)), tuple(chunk))


class HandleWriter:
    """Writes within a transaction that the caller has begun."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, handles: Sequence[HandleRecord], edges: Sequence[HandleEdge]) -> None:
        """The states and edges of a batch. Of a state that is there only its validity may change."""
        if not handles and not edges:
            return
        last = {handle.hash: handle for handle in handles}
        ends = {state for edge in edges for state in edge[:2]}
        known = find_handles(self._connection, last.keys() | ends)
        new = [handle for state, handle in last.items() if state not in known]
        self._connection.executemany(sql.INSERT_HANDLE, [(*handle[:3], int(handle.is_valid)) for handle in new])
        changed = [
            (int(handle.is_valid), known[state][0])
            for state, handle in last.items()
            if state in known and known[state][1] != handle.is_valid
        ]
        self._connection.executemany(sql.UPDATE_HANDLE, changed)
        known.update(find_handles(self._connection, {handle.hash for handle in new}))
        for state in ends - known.keys():
            raise BackendError(f"an edge names the state {state.hex()} of a handle, which was never recorded")
        rows = {(known[edge.parent][0], known[edge.child][0], int(edge.step)) for edge in edges}
        self._connection.executemany(sql.INSERT_HANDLE_EDGE, sorted(rows))

    def roll_back(self, states: Sequence[bytes]) -> set[bytes]:
        """Make states invalid, and the valid ones that came out of them. Returns all that were met."""
        found = find_handles(self._connection, set(states))
        met = set(found)
        level = [number for number, _ in found.values()]
        undone = list(level)  # also those that are invalid: so there is something to write, and all before it is synced
        while level:
            below = []
            for _, _, child, number, is_valid in _children(self._connection, level):
                if child not in met:
                    met.add(child)
                    if is_valid:
                        below.append(number)
            undone += below
            level = below
        self._connection.executemany(sql.UPDATE_HANDLE, [(0, number) for number in undone])
        return met
