"""The repository in a SQLite file, as a backend."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from typing import TYPE_CHECKING, Any

from redun_backend_sql import defaults
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.reading import is_writable, open_for_reading, refuse_unwritable
from redun_backend_sql.repository import claim, prepare, read_revision, refuse_foreign, require_present_schema
from redun_backend_sql.run_path.connection import BUSY_TIMEOUT, open_connection, use_write_ahead_log, within_limits
from redun_backend_sql.run_path.transactions import write_transaction
from redun_backend_sql.sqlite_errors import translated_errors
from redun_backend_sql.uri import sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from redun_backend_sql.value_store import ValueStore


def make_sqlite_backend(config_dir: Path, value_store: ValueStore | None, **options: Any) -> SqliteBackend:
    """The backend that a `[backend]` section with a SQLite URI describes.

    Raises `ConfigError` for another URI.
    """
    path = sqlite_path(options.get("db_uri", defaults.DB_URI), config_dir)
    automigrate = options.get("automigrate")
    return SqliteBackend(
        path,
        automigrate=True if automigrate is None else automigrate,
        max_value_size=options.get("max_value_size", defaults.MAX_VALUE_SIZE),
        value_store=value_store,
    )


class SqliteBackend(SqlBackend):
    """Keeps everything in one SQLite file."""

    def __init__(
        self,
        path: Path | None,
        *,
        automigrate: bool = True,
        max_value_size: int | None = defaults.MAX_VALUE_SIZE,
        value_store: ValueStore | None = None,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> None:
        """Describe a repository; `load` opens it.

        path: the file, made by `load` if it is missing; None keeps everything in memory.
        automigrate: bring an older schema up to date.
        max_value_size: the most bytes that a value may have; `load` lowers it to what SQLite can hold.
        value_store: where large values are kept instead of in the file.
        busy_timeout: seconds to wait for another process that writes.
        """
        super().__init__(automigrate=automigrate, max_value_size=max_value_size, value_store=value_store)
        self.path = path
        self.is_durable = path is not None
        self._busy_timeout = busy_timeout

    @property
    def name(self) -> str:
        """What messages call the repository."""
        return "the repository in memory" if self.path is None else f"the repository {self.path}"

    def is_same_store(self, other: object) -> bool:
        """See `Backend.is_same_store`."""
        if not isinstance(other, SqliteBackend) or self.path is None or other.path is None:
            return self is other
        return self.path.exists() and other.path.exists() and self.path.samefile(other.path)

    def load(self, *, migrate: bool | None = None) -> None:
        """See `Backend.load`."""
        with self._lock, self._translated_errors():
            if self._connection is not None:
                return
            connection = open_connection(self.path, busy_timeout=self._busy_timeout)
            try:
                refuse_foreign(connection, self.name)
                if self.path is not None:
                    refuse_unwritable(self.path, self.name)
                    use_write_ahead_log(connection, self.path)
                prepare(connection, self.name, migrate=self._automigrate if migrate is None else migrate)
                self.max_value_size = within_limits(connection, self.max_value_size)
            except BaseException:
                connection.close()
                raise
            self._use_file(connection)

    def load_for_questions(self) -> None:
        """See `Backend.load_for_questions`."""
        if self.path is None or is_writable(self.path):
            # Not for reading only: whoever closes such a connection last leaves the log beside the file.
            self.load()
            return
        with self._lock, self._translated_errors():
            if self._connection is not None:
                return
            connection = open_for_reading(self.path)
            try:
                refuse_foreign(connection, self.name)
                require_present_schema(connection, self.name)
            except BaseException:
                connection.close()
                raise
            self._use_file(connection)

    @contextlib.contextmanager
    def _schema(self, *, may_create: bool) -> Iterator[tuple[sqlite3.Connection, int]]:
        with self._translated_errors():
            if self.path is None or may_create or (self.path.exists() and is_writable(self.path)):
                connection = open_connection(self.path, busy_timeout=self._busy_timeout)
            else:
                connection = open_for_reading(self.path)
            with contextlib.closing(connection):
                refuse_foreign(connection, self.name)
                if may_create:
                    claim(connection)
                yield connection, read_revision(connection)

    def _use_file(self, connection: sqlite3.Connection) -> None:
        self._use(connection, functools.partial(write_transaction, connection))

    def _close_connection(self) -> None:
        assert isinstance(self._connection, sqlite3.Connection)
        self._connection.close()

    def _translated_errors(self) -> AbstractContextManager[None]:
        return translated_errors(self.path)
