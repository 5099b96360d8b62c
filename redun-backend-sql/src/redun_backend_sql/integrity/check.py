"""The whole check, as one stream of problems."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from redun.errors import BackendError

from redun_backend_sql.integrity.calls import broken_call_arguments, broken_calls
from redun_backend_sql.integrity.columns import broken_columns
from redun_backend_sql.integrity.files import broken_files
from redun_backend_sql.integrity.handles import broken_handles
from redun_backend_sql.integrity.jobs import broken_counts, broken_executions, broken_jobs
from redun_backend_sql.integrity.outcomes import broken_outcomes
from redun_backend_sql.integrity.problem import Problem, unless_unreadable
from redun_backend_sql.integrity.references import broken_references, repeated_rows
from redun_backend_sql.integrity.stored import Stored
from redun_backend_sql.integrity.tags import broken_tags
from redun_backend_sql.integrity.tasks import broken_task_sets
from redun_backend_sql.integrity.values import broken_value_children, broken_values
from redun_backend_sql.reading import is_writable, open_for_reading
from redun_backend_sql.repository import refuse_foreign, require_present_schema
from redun_backend_sql.run_path.connection import open_connection
from redun_backend_sql.sqlite_errors import translated_errors
from redun_backend_sql.uri import is_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.value_store import ValueStore


def check_repository(place: str | Path) -> Iterator[Problem]:
    """Everything that is wrong with a repository; nothing, if it is whole.

    place: a SQLite file such as `.redun/redun.db`, or a PostgreSQL database as `db_uri` names it. The environment
    variables REDUN_DB_USERNAME and REDUN_DB_PASSWORD say how to log in there.

    Raises `BackendError` when there is no such repository or it cannot be read, and `BackendVersionError` when its
    schema is not the present one.
    """
    if is_postgres(str(place)):
        from redun_backend_sql.postgres.reading import open_repository

        with closing(open_repository(str(place))) as repository:
            yield from find_problems(repository)
        return
    path = Path(place)
    if not path.exists():
        raise BackendError(f"there is no repository {path}")
    name = f"the repository {path}"
    with translated_errors(path):
        # A connection that may only read leaves the write-ahead log behind, if it is the last one to be closed.
        connection = open_connection(path) if is_writable(path) else open_for_reading(path)
        with closing(connection):
            refuse_foreign(connection, name)
            require_present_schema(connection, name)
            yield from find_problems(connection)


def find_problems(
    connection: Connection, store: ValueStore | None = None, tell: Callable[[str], None] | None = None
) -> Iterator[Problem]:
    """Everything that is wrong with the repository that a connection in autocommit mode leads to.

    It is read as it is at one moment, and nothing is written, so that a run may go on meanwhile; in a repository with a
    rollback journal, that run waits. Problems come as they are found; memory is needed for a thousand rows at a time.

    What is not recorded cannot be checked: the hash of a task, which may include more than its source, and which
    arguments count for the hash of a call's arguments. Pickled values are looked through for damage but not loaded, for
    that would run code; those in a format of their class are not looked into at all.

    store: where large values are; their files are read as well. Without it they are left out.
    tell: is called with the name of each part of the check.
    """
    tell = tell or _nothing_told
    if isinstance(connection, sqlite3.Connection):
        yield from _find_in_file(connection, store, tell)
        return
    from redun_backend_sql.postgres.reading import snapshot

    with snapshot(connection) as reading:
        yield from _find_problems(reading, store, tell)


def _nothing_told(stage: str) -> None:
    """Nobody asked for progress."""


def _find_in_file(
    connection: sqlite3.Connection, store: ValueStore | None, tell: Callable[[str], None]
) -> Iterator[Problem]:
    before = connection.execute("PRAGMA query_only").fetchone()[0]
    connection.execute("PRAGMA query_only=ON")
    connection.execute("BEGIN")
    try:
        tell("pages of the file")
        yield from unless_unreadable(_damaged_pages(connection), "the file")
        yield from _find_problems(connection, store, tell)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA query_only={before}")


def _find_problems(
    connection: Connection, store: ValueStore | None = None, tell: Callable[[str], None] = _nothing_told
) -> Iterator[Problem]:
    stored = Stored(connection)
    stages: list[tuple[str, Callable[[], Iterator[Problem]]]] = [
        ("columns", lambda: broken_columns(connection)),
        ("references", lambda: broken_references(connection)),
        ("repeated rows", lambda: repeated_rows(connection)),
        ("task sets", lambda: broken_task_sets(connection)),
        ("values", lambda: broken_values(connection, stored)),
        ("values", lambda: broken_value_children(connection)),
        ("calls", lambda: broken_calls(connection, stored)),
        ("calls", lambda: broken_call_arguments(connection)),
        ("calls", lambda: broken_outcomes(connection)),
        ("executions", lambda: broken_executions(connection)),
        ("jobs", lambda: broken_jobs(connection)),
        ("counts", lambda: broken_counts(connection)),
        ("tags", lambda: broken_tags(connection, stored)),
        ("handles", lambda: broken_handles(connection)),
    ]
    if store is not None:
        stages.append(("stored files", lambda: broken_files(connection, store)))
    for name, stage in stages:
        tell(name)
        yield from unless_unreadable(stage(), f"some of the {name}")


def _damaged_pages(connection: sqlite3.Connection) -> Iterator[Problem]:
    """What SQLite itself finds: damaged pages, and indexes that do not agree with their tables."""
    for (text,) in connection.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield Problem(f"SQLite says: {text}", "the file")
