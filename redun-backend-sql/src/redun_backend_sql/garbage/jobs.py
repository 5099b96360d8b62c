"""Removes executions with their jobs, the last jobs first: none is ever there without its parent."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.search import EXECUTION_BYTES, JOB_BYTES

if TYPE_CHECKING:
    from redun_backend_sql.garbage.executions import Execution
    from redun_backend_sql.garbage.search import Found
    from redun_backend_sql.garbage.writing import Writing

AT_ONCE = 10_000
"""Jobs of one transaction: a fraction of a second, for which others have to wait."""

_LAST_JOBS = "SELECT number, task_id, status FROM job WHERE execution_id = ? ORDER BY number DESC LIMIT ?"
_COUNT_DOWN = "UPDATE job_count SET count = count - ? WHERE execution_id = ? AND task_id = ? AND status = ?"
_STILL = "SELECT updated_time FROM execution WHERE id = ? AND uuid = ?"
REMOVE_TAGS = "DELETE FROM tag WHERE entity_kind = {kind:d} AND entity_id IN (?)"


def remove_executions(writing: Writing, found: Found) -> None:
    """Remove the executions that were found to go."""
    waiting = list(found.executions)
    while waiting:
        room = AT_ONCE
        with writing.transaction():
            while waiting and room > 0:
                removed = _remove_some(writing, waiting[-1], room)
                if removed is None:
                    waiting.pop()
                else:
                    room -= removed
                room -= 20  # what an execution itself costs


def _remove_some(writing: Writing, execution: Execution, limit: int) -> int | None:
    """Remove the last jobs of an execution: how many. None when the execution is gone, or somebody has revived it."""
    execute = writing.connection.execute
    row = execute(_STILL, (execution.number, execution.record.id)).fetchone()
    if row is None or row[0] != execution.record.updated_time:
        return None
    rows = execute(_LAST_JOBS, (execution.number, limit)).fetchall()
    if rows:
        execute("DELETE FROM job WHERE execution_id = ? AND number >= ?", (execution.number, rows[-1][0]))
        names = [f"{execution.record.id}.{number}" for number, _, _ in rows]
        remove_tags(writing, EntityKind.JOB, names)
        counts = Counter((task, status) for _, task, status in rows)
        for (task, status), count in counts.items():
            execute(_COUNT_DOWN, (count, execution.number, task, status))
        writing.removed("jobs", len(rows), len(rows) * JOB_BYTES)
    if len(rows) == limit:
        return len(rows)
    _remove_execution(writing, execution)
    return None


def _remove_execution(writing: Writing, execution: Execution) -> None:
    execute = writing.connection.execute
    record = execution.record
    execute("DELETE FROM job_count WHERE execution_id = ?", (execution.number,))
    execute("DELETE FROM execution WHERE id = ?", (execution.number,))
    remove_tags(writing, EntityKind.EXECUTION, [record.id])
    start = f"{record.id}/"
    execute("DELETE FROM scheduler WHERE substr(id, 1, ?) = ?", (len(start), start))
    others = "NOT EXISTS (SELECT 1 FROM execution WHERE scheduler_id = ?)"
    execute(f"DELETE FROM scheduler WHERE id = ? AND {others}", (record.scheduler_id, record.scheduler_id))
    writing.removed("executions", 1, EXECUTION_BYTES)


def remove_tags(writing: Writing, kind: EntityKind, entity_ids: list[str]) -> None:
    """Remove the tags of some things, former ones as well."""
    sql.run_in(writing.connection, REMOVE_TAGS.format(kind=int(kind)), entity_ids)
