"""A collection: finds garbage, and removes it in the order that leaves the repository whole."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from redun_backend_sql.garbage.calls import CallSweep
from redun_backend_sql.garbage.jobs import remove_executions
from redun_backend_sql.garbage.leftovers import remove_leftovers
from redun_backend_sql.garbage.search import SEEN, TABLES, describe, find_garbage
from redun_backend_sql.garbage.stored import remove_files, with_files
from redun_backend_sql.garbage.values import remove_values
from redun_backend_sql.garbage.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.backends.maintenance import Garbage

    from redun_backend_sql.run_path.driver import Connection, WriteTransaction
    from redun_backend_sql.value_store import ValueStore


def plan(
    connection: Connection, store: ValueStore | None, asked: Sequence[str], grace: float, tell: Callable[[str], None]
) -> Garbage:
    """See `Maintenance.plan_garbage`."""
    found = find_garbage(connection, asked, grace, tell)
    garbage = describe(connection, found)
    return garbage if store is None else with_files(garbage, connection, store, found.garbage.values, grace)


def collect(
    connection: Connection,
    transaction: WriteTransaction,
    store: ValueStore | None,
    asked: Sequence[str],
    grace: float,
    tell: Callable[[str], None],
) -> Garbage:
    """See `Maintenance.collect_garbage`."""
    found = find_garbage(connection, asked, grace, tell)
    planned = describe(connection, found)
    writing = Writing(connection, transaction)
    _note(writing, found.highest, grace)
    tell("removing jobs")
    remove_executions(writing, found)
    tell("removing calls")
    calls = CallSweep(writing, found, grace)
    postponed = calls.run(tell)
    tell("removing values")
    stored = remove_values(writing, calls)
    tell("removing tasks")
    remove_leftovers(writing, found, grace)
    if store is not None:
        tell("removing files")
        remove_files(writing, store, stored, grace)
    return replace(planned, sizes=writing.sizes, postponed=postponed)


def _note(writing: Writing, highest: dict[str, int], grace: float) -> None:
    """Note what there is now, for collections that come later than the grace period."""
    with writing.transaction():
        execute = writing.connection.execute
        row = execute("SELECT heartbeat FROM scheduler WHERE id = ?", (SEEN,)).fetchone()
        now = time.time()
        if row is not None and row[0] > now - grace:
            return
        content = json.dumps({table: highest[table] for table in TABLES})
        execute("DELETE FROM scheduler WHERE id = ?", (SEEN,))
        execute("INSERT INTO scheduler (id, host, heartbeat) VALUES (?, ?, ?)", (SEEN, content, now))
