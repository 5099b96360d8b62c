"""How much there is in a repository, and how much room it takes."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from redun.backends.maintenance import KindSize, LargeValue, RepositoryStats

from redun_backend_sql.garbage.search import EXECUTION_BYTES, JOB_BYTES
from redun_backend_sql.packing import STORED

if TYPE_CHECKING:
    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.value_store import ValueStore

_KINDS = {
    "executions": f"SELECT count(*), {EXECUTION_BYTES} * count(*) FROM execution",
    "jobs": f"SELECT coalesce(sum(count), 0), {JOB_BYTES} * coalesce(sum(count), 0) FROM job_count",
    "calls": (
        "SELECT count(*), coalesce(sum(120 + coalesce(length(inline), 0) + coalesce(length(arguments), 0)"
        " + coalesce(length(children), 0)), 0) FROM call"
    ),
    "values": "SELECT count(*), coalesce(sum(48 + coalesce(length(children), 0) + length(data)), 0) FROM value",
    "tasks": "SELECT count(*), coalesce(sum(80 + length(source)), 0) FROM task",
    "task sets": "SELECT count(*), coalesce(sum(30 + length(members)), 0) FROM task_set",
    "tags": "SELECT count(*), coalesce(sum(40 + length(entity_id) + length(key) + length(value)), 0) FROM tag",
    "handle states": "SELECT count(*), 100 * count(*) FROM handle",
}
"""Those of values and calls are counted without small values, which stand in the rows of calls."""

_LARGEST = (
    "SELECT value.hash, value_kind.type_name, length(value.data) FROM value"
    " JOIN value_kind ON value_kind.id = value.kind_id ORDER BY length(value.data) DESC, value.id LIMIT ?"
)
_STORED = (
    "SELECT value.hash, value_kind.type_name FROM value JOIN value_kind ON value_kind.id = value.kind_id"
    f" WHERE substr(value_kind.codec, 1, {len(STORED)}) = '{STORED}'"
)


def repository_stats(connection: Connection, store: ValueStore | None, largest: int) -> RepositoryStats:
    """See `Maintenance.stats`. Reads the tables once; of a value store on this machine, the names of its files."""
    kinds = [
        KindSize(kind, int(row[0]), int(row[1]))
        for kind, row in ((kind, connection.execute(statement).fetchone()) for kind, statement in _KINDS.items())
    ]
    values = [
        LargeValue(value_hash, type_name, size)
        for value_hash, type_name, size in connection.execute(_LARGEST, (largest,)).fetchall()
    ]
    if store is not None:
        sizes = {file.value_hash: file.size for file in store.files() if file.value_hash is not None}
        kinds.append(KindSize("stored files", len(sizes), sum(sizes.values())))
        rows = connection.execute(_STORED).fetchall() if sizes else []
        values += [LargeValue(each, type_name, sizes[each]) for each, type_name in rows if each in sizes]
    values = sorted((each for each in values if each.bytes), key=lambda value: value.bytes, reverse=True)[:largest]
    return RepositoryStats(tuple(kinds), database_size(connection), _unused(connection), tuple(values))


def database_size(connection: Connection) -> int:
    """Bytes of the tables and their indexes."""
    if isinstance(connection, sqlite3.Connection):
        return _pragma(connection, "page_count") * _pragma(connection, "page_size")
    # What the repository's schema takes: there may be others in the database.
    statement = (
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    return int(connection.execute(statement).fetchone()[0])


def vacuum(connection: Connection) -> int:
    """See `Maintenance.reclaim_space`. Writes every table anew."""
    before = database_size(connection)
    if isinstance(connection, sqlite3.Connection):
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    else:
        from redun_backend_sql.schema import metadata

        # The tables by name: nobody else's in the same database are locked, and none at the same time.
        for table in metadata.tables:
            connection.execute(f"VACUUM FULL {table}")
    return max(0, before - database_size(connection))


def _unused(connection: Connection) -> int:
    if isinstance(connection, sqlite3.Connection):
        return _pragma(connection, "freelist_count") * _pragma(connection, "page_size")
    return 0


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
