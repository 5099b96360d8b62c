"""Making a repository, telling what a file is, and bringing an older schema up to date.

The revision of the schema is in SQLite's `user_version`, one PRAGMA away: a run on an up-to-date repository imports
neither SQLAlchemy nor Alembic. The same revision stands in Alembic's own table, so that its tools work as well.
"""

from __future__ import annotations

import logging
from importlib.resources import files
from typing import TYPE_CHECKING

from redun.errors import BackendError, BackendVersionError

from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.run_path.connection import begin_writing

if TYPE_CHECKING:
    import sqlite3

logger = logging.getLogger("redun.backend")

APPLICATION_ID = int.from_bytes(b"redn", "big")
"""In the file's header: tells a repository from the database of another program."""


def prepare(connection: sqlite3.Connection, name: str, *, migrate: bool) -> None:
    """Make sure that this connection leads to a repository with the present schema.

    name: what messages call the repository.

    Raises `BackendVersionError` for a schema that is older and must not be migrated, and what `refuse_foreign` does.
    """
    revision = read_revision(connection)
    if revision == 0:
        revision = _create(connection, name)
    if revision < SCHEMA_REVISION:
        if not migrate:
            raise BackendVersionError(
                f"{name} has schema revision {revision}, and this version of redun needs {SCHEMA_REVISION}."
                " `redun db upgrade` brings it up to date; `automigrate = true` in [backend] lets every command do so."
            )
        upgrade(connection)


def refuse_foreign(connection: sqlite3.Connection, name: str) -> None:
    """Only look at the database, and raise if this version of redun must not touch it.

    Raises `BackendVersionError` for a schema that is newer, or that of the other redun, and `BackendError` for a
    database of another program.
    """
    if connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,):
        revision = read_revision(connection)
        if revision > SCHEMA_REVISION:
            raise BackendVersionError(
                f"{name} has schema revision {revision}; this version of redun knows revisions up to {SCHEMA_REVISION}."
                " Upgrade redun (pip install --upgrade redun-backend-sql), or choose another db_uri."
            )
        return
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if {"redun_version", "call_node"} <= tables:
        raise BackendVersionError(
            f"{name} was made by the distribution `redun`, whose database has another schema. Point `db_uri` in"
            " [backend] at a new file, such as sqlite:///redun-core.db; the old file is left as it is."
        )
    if tables:
        shown = ", ".join(sorted(tables)[:5])
        raise BackendError(
            f"{name} is a database of another program (it has the tables {shown}). Choose another db_uri."
        )


def require_present_schema(connection: sqlite3.Connection, name: str) -> None:
    """Raise unless this connection, which cannot write, leads to a repository with the present schema.

    Raises `BackendError` for an empty database, and `BackendVersionError` for one with an older schema.
    """
    revision = read_revision(connection)
    if revision == 0:
        raise BackendError(f"{name} is empty, and this user may not write to it.")
    if revision < SCHEMA_REVISION:
        raise BackendVersionError(
            f"{name} has schema revision {revision}, and this version of redun needs {SCHEMA_REVISION}. This user may"
            " not write to it: somebody who may has to bring it up to date, with any redun command."
        )


def read_revision(connection: sqlite3.Connection) -> int:
    """The revision of a repository's schema; 0 for an empty database."""
    (revision,) = connection.execute("PRAGMA user_version").fetchone()
    return int(revision)


def claim(connection: sqlite3.Connection) -> None:
    """Mark a database that is empty as a repository, before migrations make its tables."""
    if read_revision(connection) == 0:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


def creation_script() -> list[str]:
    """The statements that make an empty repository of the present revision, as the migrations would."""
    script = files("redun_backend_sql").joinpath("schema.sql").read_text(encoding="utf-8")
    return [statement for statement in script.split(";\n") if statement.strip()]


def upgrade(connection: sqlite3.Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision, in one transaction."""
    from redun_backend_sql.migrations.run import run_migrations

    run_migrations(connection, revision)


def _create(connection: sqlite3.Connection, name: str) -> int:
    """Make the tables if the database is empty; the revision that is there afterwards."""
    begin_writing(connection)
    try:
        revision = read_revision(connection)  # Another process may have made them in the meantime.
        if revision == 0:
            refuse_foreign(connection, name)
            for statement in creation_script():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_REVISION}")
            revision = SCHEMA_REVISION
            logger.debug("made %s", name)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return revision
