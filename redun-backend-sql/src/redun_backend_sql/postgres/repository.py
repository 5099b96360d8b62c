"""Telling what a PostgreSQL database is, and whether its schema is the present one.

Alembic's table has a name of its own here: where it is, there is a repository, and it holds the revision of the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.errors import BackendError, BackendVersionError

from redun_backend_sql.revision import SCHEMA_REVISION, VERSION_TABLE

if TYPE_CHECKING:
    from redun_backend_sql.postgres.connection import PostgresConnection

_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
    ORDER BY relname
"""
_MAY_WRITE = """
    SELECT NOT current_setting('transaction_read_only')::bool
    AND has_table_privilege('job', 'INSERT') AND has_table_privilege('execution', 'UPDATE')
"""


def read_revision(connection: PostgresConnection) -> int:
    """The revision of a repository's schema; 0 for an empty database. The rest is as `refuse_foreign` says.

    Raises `BackendError` when the user's `search_path` leads to no schema.
    """
    schema, table = connection.execute(f"SELECT current_schema(), to_regclass('{VERSION_TABLE}')::oid").fetchone() or ()
    if schema is None:
        raise BackendError("the database has no schema for this user: its search_path names none that exists")
    if table is None:
        return 0
    row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 - our own table
    return int(row[0]) if row else 0


def refuse_foreign(connection: PostgresConnection, name: str) -> int:
    """Only look at the database, and raise if this version of redun must not touch it. Returns its revision.

    Raises `BackendVersionError` for a schema that is newer, or that of the other redun, and `BackendError` for a
    database of another program.
    """
    revision = read_revision(connection)
    if revision > SCHEMA_REVISION:
        raise BackendVersionError(
            f"{name} has schema revision {revision}; this version of redun knows revisions up to {SCHEMA_REVISION}."
            " Upgrade redun (pip install --upgrade redun-backend-sql), or choose another db_uri."
        )
    if revision:
        return revision
    tables = [table for (table,) in connection.execute(_TABLES)]
    if {"redun_version", "call_node"} <= set(tables):
        raise BackendVersionError(
            f"{name} was made by the distribution `redun`, whose database has another schema. Point `db_uri` in"
            " [backend] at an empty database; this one is left as it is."
        )
    if tables and tables != [VERSION_TABLE]:
        raise BackendError(
            f"{name} is a database of another program (it has the tables {', '.join(tables[:5])}). Choose another"
            " db_uri, or a schema of its own (?options=-csearch_path%3Dredun)."
        )
    return 0


def require_present_schema(name: str, revision: int) -> None:
    """Raise `BackendVersionError` unless this is the present revision."""
    if revision == 0:
        raise BackendVersionError(f"{name} is empty. `redun init` or `redun db upgrade` makes the tables in it.")
    if revision < SCHEMA_REVISION:
        raise BackendVersionError(
            f"{name} has schema revision {revision}, and this version of redun needs {SCHEMA_REVISION}."
            " `redun db upgrade` brings it up to date; `automigrate = true` in [backend] lets every command do so."
        )


def refuse_unwritable(connection: PostgresConnection, name: str) -> None:
    """Raise `BackendError` when this user, or the server, only reads: before anything has run."""
    (may_write,) = connection.execute(_MAY_WRITE).fetchone() or (False,)
    if not may_write:
        raise BackendError(f"{name} cannot be written: the server, or this user, only reads.")
