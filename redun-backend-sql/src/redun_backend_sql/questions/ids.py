"""Finding what the first characters of an id may name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, EntityRef
from sqlalchemy import ColumnElement, Select, select

from redun_backend_sql.packing import HASH_SIZE, argument_hashes
from redun_backend_sql.schema import call, call_argument, execution, prefix, task, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class IdSearch:
    """Searches through a function that runs a statement."""

    def __init__(self, rows: Callable[[Select[Any]], Sequence[Any]]) -> None:
        self._rows = rows

    def find(self, start: str, limit: int) -> list[EntityRef]:
        """Executions, calls, tasks and values whose id begins like this."""
        start = start.lower()
        found = [EntityRef(EntityKind.EXECUTION, uuid) for uuid in self._executions(start, limit)]
        if re.fullmatch(f"[0-9a-f]{{0,{2 * HASH_SIZE}}}", start) and len(found) < limit:
            first = bytes.fromhex(start.ljust(2 * HASH_SIZE, "0"))
            last = bytes.fromhex(start.ljust(2 * HASH_SIZE, "f"))
            found.extend(
                EntityRef(EntityKind.CALL, each.hex()) for each in self._walk(call.c.call_hash, first, last, limit)
            )
            found.extend(EntityRef(EntityKind.TASK, each.hex()) for each in self._tasks(first, last, limit))
            found.extend(EntityRef(EntityKind.VALUE, each.hex()) for each in self._values(first, last, limit))
        return found[:limit]

    def _executions(self, start: str, limit: int) -> list[str]:
        # "~" sorts after every character of a UUID.
        condition = execution.c.uuid.between(start, start + "~")
        statement = select(execution.c.uuid).where(condition).order_by(execution.c.uuid).limit(limit)
        return [uuid for (uuid,) in self._rows(statement)]

    def _tasks(self, first: bytes, last: bytes, limit: int) -> list[bytes]:
        statement = select(task.c.hash).where(task.c.hash.between(first, last)).order_by(task.c.hash).limit(limit)
        return [task_hash for (task_hash,) in self._rows(statement)]

    def _values(self, first: bytes, last: bytes, limit: int) -> list[bytes]:
        found = {
            *self._walk(value.c.hash, first, last, limit),
            *self._walk(call.c.value_hash, first, last, limit),
            *self._arguments(first, last, limit),
        }
        return sorted(found)[:limit]

    def _walk(self, column: ColumnElement[bytes], first: bytes, last: bytes, limit: int) -> Iterator[bytes]:
        """Distinct hashes between two, by jumping from one to the next: a result may stand in a million rows."""
        start = prefix(column)
        low = first[:8]
        for _ in range(limit):
            statement = select(column).where(start >= low, start <= last[:8]).order_by(start).limit(1)
            rows = self._rows(statement)
            if not rows:
                return
            (found,) = rows[0]
            if first <= found <= last:
                yield found
            if found[:8] == b"\xff" * 8:
                return
            low = (int.from_bytes(found[:8], "big") + 1).to_bytes(8, "big")

    def _arguments(self, first: bytes, last: bytes, limit: int) -> Iterator[bytes]:
        """The same, for values that were only ever taken as arguments."""
        low = first[:8]
        start = call_argument.c.value_prefix
        for _ in range(limit):
            statement = (
                select(start, call.c.arguments)
                .join_from(call_argument, call, call.c.id == call_argument.c.call_id)
                .where(start >= low, start <= last[:8])
                .order_by(start)
                .limit(1)
            )
            rows = self._rows(statement)
            if not rows:
                return
            found, packed = rows[0]
            yield from (each for each in argument_hashes(packed) if each[:8] == found and first <= each <= last)
            if found == b"\xff" * 8:
                return
            low = (int.from_bytes(found, "big") + 1).to_bytes(8, "big")
