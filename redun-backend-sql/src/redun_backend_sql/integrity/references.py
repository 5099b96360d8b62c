"""Numbers by which rows refer to each other, and rows that are there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun_backend_sql.integrity.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection


class _Reference(NamedTuple):
    """A column that names a row of another table."""

    table: str
    column: str
    target: str
    key: str = "id"


_REFERENCES = (
    _Reference("execution", "scheduler_id", "scheduler"),
    _Reference("job", "execution_id", "execution"),
    _Reference("job", "task_id", "task"),
    _Reference("job", "call_id", "call"),
    _Reference("job", "executor_id", "executor"),
    _Reference("job_count", "execution_id", "execution"),
    _Reference("job_count", "task_id", "task"),
    _Reference("call", "task_id", "task"),
    _Reference("call", "signature_id", "signature"),
    _Reference("call", "task_set_id", "task_set"),
    _Reference("call", "kind_id", "value_kind"),
    _Reference("call_argument", "call_id", "call"),
    _Reference("value", "kind_id", "value_kind"),
    _Reference("value_child", "value_id", "value"),
    _Reference("handle_edge", "parent_id", "handle"),
    _Reference("handle_edge", "child_id", "handle"),
)

ROW_NAMES = {
    "job": "'execution ' || t.execution_id || ', number ' || t.number",
    "job_count": "'execution ' || t.execution_id || ', task ' || t.task_id || ', status ' || t.status",
    "call_argument": "'value ' || lower(hex(t.value_prefix)) || ', call ' || t.call_id",
    "handle_edge": "'from ' || t.parent_id || ' to ' || t.child_id",
    "value_child": "'child ' || lower(hex(t.child_hash)) || ', value ' || t.value_id",
}
"""How to name a row of a table that has no id of its own."""

_DANGLING = """
    SELECT {name}, t.{column} FROM {table} t LEFT JOIN {target} r ON r.{key} = t.{column}
    WHERE t.{column} IS NOT NULL AND r.{key} IS NULL
"""

_REPEATED = {
    "call": (
        "SELECT lower(hex(call_hash)), count(*) FROM call WHERE call_hash IS NOT NULL"
        " GROUP BY call_hash, context_hash HAVING count(*) > 1"
    ),
    "open evaluation": (
        "SELECT lower(hex(eval_hash)), count(*) FROM call WHERE call_hash IS NULL"
        " GROUP BY eval_hash, raw_hash HAVING count(*) > 1"
    ),
    "value": "SELECT lower(hex(hash)), count(*) FROM value GROUP BY hash HAVING count(*) > 1",
    "state of a handle": "SELECT lower(hex(hash)), count(*) FROM handle GROUP BY hash HAVING count(*) > 1",
    "current tag": (
        "SELECT entity_id || ' ' || key, count(*) FROM tag WHERE is_current = 1"
        " GROUP BY entity_kind, entity_id, key, value HAVING count(*) > 1"
    ),
}


def broken_references(connection: Connection) -> Iterator[Problem]:
    """Rows that name a row which is not there."""
    for reference in _REFERENCES:
        name = ROW_NAMES.get(reference.table, "'row ' || t.id")
        for row, target in connection.execute(_DANGLING.format(name=name, **reference._asdict())):
            what = f"{reference.column} names the {reference.target} {target}, which is not there"
            yield Problem(what, f"table {reference.table}, {row}")


def repeated_rows(connection: Connection) -> Iterator[Problem]:
    """What is there more than once. Hashes are indexed by their first bytes, so no index sees to it."""
    for kind, statement in _REPEATED.items():
        for name, count in connection.execute(statement):
            yield Problem(f"is there {count} times, once would be right", f"{kind} {name}")
