"""Tags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind

from redun_backend_sql.integrity.problem import Problem, unless_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.integrity.stored import Stored
    from redun_backend_sql.run_path.driver import Connection

_JOB = "SELECT 1 FROM execution JOIN job ON job.execution_id = execution.id WHERE execution.uuid = ? AND job.number = ?"


def broken_tags(connection: Connection, stored: Stored) -> Iterator[Problem]:
    """Tags of something that is not there, and tags whose value cannot be read."""
    for number, kind, entity_id, key, value, is_current in connection.execute(
        "SELECT id, entity_kind, entity_id, key, value, is_current FROM tag"
    ):
        where = f"tag {key!r} of {entity_id} (table tag, row {number})"
        yield from unless_unreadable(_value_problems(value, is_current, where), where)
        try:
            exists = _exists(connection, stored, EntityKind(kind), entity_id)
        except (ValueError, TypeError, AttributeError):
            yield Problem(f"{kind} and {entity_id!r} are no kind and id of anything", where)
        else:
            if not exists:
                yield Problem(f"the {EntityKind(kind).name.lower()} that it belongs to is not there", where)


def _value_problems(value: str, is_current: int, where: str) -> Iterator[Problem]:
    try:
        json.loads(value)
    except (ValueError, TypeError):
        yield Problem("its value is not JSON", where)
    if is_current > 1:
        yield Problem(f"whether it is there cannot be told from {is_current}", where)


def _exists(connection: Connection, stored: Stored, kind: EntityKind, entity_id: str) -> bool:
    if kind is EntityKind.EXECUTION:
        return bool(connection.execute("SELECT 1 FROM execution WHERE uuid = ?", (entity_id,)).fetchone())
    if kind is EntityKind.JOB:
        uuid, _, number = entity_id.rpartition(".")
        return bool(connection.execute(_JOB, (uuid, int(number))).fetchone())
    entity_hash = bytes.fromhex(entity_id)
    if kind is EntityKind.TASK:
        return bool(connection.execute("SELECT 1 FROM task WHERE hash = ?", (entity_hash,)).fetchone())
    if kind is EntityKind.CALL:
        return not stored.missing_calls([entity_hash])
    return not stored.missing_values([entity_hash])
