"""Removes task sets, tasks and handles, once nobody is at work who might know them as recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import EntityKind

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.executions import all_executions
from redun_backend_sql.garbage.handles import remove_handles
from redun_backend_sql.garbage.jobs import remove_tags
from redun_backend_sql.packing import unpack_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun_backend_sql.garbage.search import Found
    from redun_backend_sql.garbage.writing import Writing
    from redun_backend_sql.run_path.driver import Connection


def remove_leftovers(writing: Writing, found: Found, grace: float) -> None:
    """Remove them in one transaction: there are few."""
    with writing.transaction():
        if any(each.is_alive(grace) or each.is_new(grace) for each in all_executions(writing.connection)):
            return
        members = _remove_task_sets(writing, found)
        _remove_tasks(writing, found, members)
        remove_handles(writing)


def _numbers(connection: Connection, statement: str) -> set[int]:
    return {number for (number,) in connection.execute(statement).fetchall() if number is not None}


def _unused(writing: Writing, table: str, found: Found, named: Iterable[int], used: set[int]) -> list[int]:
    """Those that nobody uses, of what was named by garbage or has been there for long.

    The last one stays in any case: databases give out its number again.
    """
    last = sql.highest(writing.connection, table)
    old = range(1, found.old[table] + 1)
    return sorted(number for number in {*named, *old} if number not in used and number < last)


def _remove_task_sets(writing: Writing, found: Found) -> set[bytes]:
    """Remove task sets, and say which tasks were in them."""
    used = _numbers(writing.connection, "SELECT DISTINCT task_set_id FROM call")
    gone = _unused(writing, "task_set", found, found.garbage.task_sets, used)
    rows = list(sql.select_in(writing.connection, "SELECT members FROM task_set WHERE id IN (?)", gone))
    sql.run_in(writing.connection, "DELETE FROM task_set WHERE id IN (?)", gone)
    writing.removed("task sets", len(rows), sum(len(members) + 30 for (members,) in rows))
    return {each for (members,) in rows for each in unpack_hashes(members)}


def _remove_tasks(writing: Writing, found: Found, members: set[bytes]) -> None:
    connection = writing.connection
    used = _numbers(connection, "SELECT DISTINCT task_id FROM call")
    used |= _numbers(connection, "SELECT DISTINCT task_id FROM job_count")
    named: set[bytes] = set()
    for page in sql.pages_by_number(connection, "id, members", "task_set"):
        named.update(member for _, members in page for member in unpack_hashes(members))
    by_hash = sql.select_in(connection, "SELECT id FROM task WHERE hash IN (?)", sorted(members))
    possible = {*found.garbage.tasks, *(number for (number,) in by_hash)}
    candidates = _unused(writing, "task", found, possible, used)
    rows = sql.select_in(connection, "SELECT id, hash, length(source) FROM task WHERE id IN (?)", candidates)
    gone = [row for row in rows if row[1] not in named]
    remove_tags(writing, EntityKind.TASK, [row[1].hex() for row in gone])
    sql.run_in(connection, "DELETE FROM task WHERE id IN (?)", [row[0] for row in gone])
    writing.removed("tasks", len(gone), sum(row[2] + 80 for row in gone))
