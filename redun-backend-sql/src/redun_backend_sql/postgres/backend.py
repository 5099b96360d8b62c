"""The repository in a PostgreSQL database, as a backend."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

from redun.backends.base import Backend
from redun.errors import BackendError

from redun_backend_sql import defaults
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.postgres.connecting import LOCK_TIMEOUT, open_connection
from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.errors import BusyServerError, ConflictError, LostConnectionError, translated_errors
from redun_backend_sql.postgres.repository import refuse_foreign, refuse_unwritable, require_present_schema
from redun_backend_sql.postgres.server import Server
from redun_backend_sql.revision import SCHEMA_REVISION
from redun_backend_sql.uri import postgres_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redun_backend_sql.questions import Questions
    from redun_backend_sql.value_store import ValueStore

logger = logging.getLogger("redun.backend")

MOST_VALUE_BYTES = 1_000_000_000
"""PostgreSQL takes a gigabyte a column, and a little more a message."""

_PLACE = "SELECT pg_postmaster_start_time(), current_database(), current_schema()"

T = TypeVar("T")


class PostgresBackend(SqlBackend):
    """Keeps everything in one schema of a PostgreSQL database.

    Any number of schedulers may use it at once. Every operation may be repeated without harm, so an operation that
    loses its connection is repeated on a new one, as often as `retries` says.
    """

    def __init__(
        self,
        server: Server,
        *,
        automigrate: bool = False,
        max_value_size: int | None = defaults.MAX_VALUE_SIZE,
        value_store: ValueStore | None = None,
        retries: int = defaults.DB_RETRIES,
        backoff: float = defaults.DB_RETRIES_BACKOFF,
        backoff_max: float = defaults.DB_RETRIES_BACKOFF_MAX,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        """Describe a repository; `load` opens it.

        automigrate: make the tables in an empty database, and bring an older schema up to date.
        max_value_size: the most bytes that a value may have; more than PostgreSQL can hold is lowered to that.
        value_store: where large values are kept instead of in the database.
        retries: how often an operation is tried again when the connection is lost.
        backoff: seconds before the first of these; twice as long before each following one, up to `backoff_max`.
        lock_timeout: seconds to wait for another process that writes.
        """
        super().__init__(
            automigrate=automigrate,
            max_value_size=MOST_VALUE_BYTES if max_value_size is None else min(MOST_VALUE_BYTES, max_value_size),
            value_store=value_store,
        )
        self.server = server
        self._delays = [min(backoff * 2**attempt, backoff_max) for attempt in range(retries)]
        self._lock_timeout = lock_timeout
        self._is_repeating = False
        self._has_given_up = False

    @property
    def name(self) -> str:
        """What messages call the repository."""
        return self.server.name

    def is_same_store(self, other: object) -> bool:
        """See `Backend.is_same_store`. Both have to be open."""
        return isinstance(other, PostgresBackend) and self._place() == other._place()

    def _place(self) -> tuple[object, ...]:
        """What no other repository has, by whichever name and way the server is reached."""
        with self._open():
            assert self._connection is not None
            return tuple(self._connection.execute(_PLACE).fetchone())

    def load(self, *, migrate: bool | None = None) -> None:
        """See `Backend.load`."""
        with self._lock:
            if self._connection is None:
                migrate = self._automigrate if migrate is None else migrate
                self._attempt(lambda: self._connect(migrate=migrate, for_writing=True), BusyServerError)

    def load_for_questions(self) -> None:
        """See `Backend.load_for_questions`."""
        with self._lock:
            if self._connection is None:
                connect = functools.partial(self._connect, migrate=self._automigrate, for_writing=False)
                self._attempt(connect, BusyServerError)

    def _connect(self, *, migrate: bool, for_writing: bool) -> None:
        connection = open_connection(self.server, lock_timeout=self._lock_timeout)
        try:
            with translated_errors(self.server, connection.driver):
                revision = refuse_foreign(connection, self.name)
                if migrate:
                    revision = self._migrate(connection, revision)
                require_present_schema(self.name, revision)
                if for_writing:
                    refuse_unwritable(connection, self.name)
        except BaseException:
            connection.close()
            raise
        self._for_writing = for_writing
        self._use(connection, connection.transaction)

    def _migrate(self, connection: PostgresConnection, revision: int) -> int:
        """Bring the schema up to date. Returns the revision that is there afterwards."""
        if revision < SCHEMA_REVISION:
            from redun_backend_sql.migrations.run import run_migrations

            run_migrations(connection)  # Another process may do so as well: who comes second finds nothing to do.
            logger.debug("brought %s to schema revision %d", self.name, SCHEMA_REVISION)
        return SCHEMA_REVISION

    @contextlib.contextmanager
    def _schema(self, *, may_create: bool) -> Iterator[tuple[PostgresConnection, int]]:  # noqa: ARG002 - for SQLite
        connection = open_connection(self.server, lock_timeout=self._lock_timeout)
        with contextlib.closing(connection), translated_errors(self.server, connection.driver):
            yield connection, refuse_foreign(connection, self.name)

    def _close_connection(self) -> None:
        assert isinstance(self._connection, PostgresConnection)
        self._connection.close()

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        driver = self._connection.driver if isinstance(self._connection, PostgresConnection) else None
        with translated_errors(self.server, driver):
            yield

    # -- lost connections ---------------------------------------------------------------------------------------------

    def _repeat(self, operation: Callable[[], T]) -> T:
        """Do something, again when the connection was lost. Holds the lock meanwhile: nobody else could do better.

        Raises `BackendError` when the server is not back after the last attempt.
        """
        with self._lock:
            if self._is_repeating or self._connection is None:
                return operation()
            self._is_repeating = True
            try:
                return self._attempt(operation, LostConnectionError, ConflictError)
            finally:
                self._is_repeating = False

    def _attempt(self, operation: Callable[[], T], *repeatable: type[BackendError]) -> T:
        problem: BackendError | None = None
        # Who has waited in vain does not wait again: a run that ends because of it still writes its end.
        delays = () if self._has_given_up else self._delays
        for delay in (0.0, *delays):
            if problem is not None:
                self._wait(delay)
            try:
                if self._is_lost:
                    self._reconnect()
                result = operation()
            except repeatable as error:
                if problem is None and delays:
                    logger.warning("%s: trying again, %s", _sentence(error), self._how_long())
                problem = error
            else:
                self._has_given_up = False
                return result
        tried = "" if not self._delays else f". Tried again {self._how_long()}, in vain"
        self._has_given_up = True
        raise BackendError(f"{problem}{tried}.") from problem

    def _wait(self, seconds: float) -> None:
        try:
            time.sleep(seconds)
        except BaseException:  # Ctrl-C: what the run still writes at its end shall not wait again
            self._has_given_up = True
            raise

    def _with_questions(self, ask: Callable[[Questions], T]) -> T:
        return self._repeat(lambda: super(PostgresBackend, self)._with_questions(ask))

    @property
    def _is_lost(self) -> bool:
        return isinstance(self._connection, PostgresConnection) and self._connection.driver.closed

    def _reconnect(self) -> None:
        self._close_connection()
        self._connect(migrate=False, for_writing=self._for_writing)

    def _how_long(self) -> str:
        return f"{len(self._delays)} times within {sum(self._delays):g} s (db_retries, db_retries_backoff)"


def _sentence(error: BackendError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _repeating(method: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(method)
    def repeating(self: PostgresBackend, *args: Any, **kwargs: Any) -> T:
        return self._repeat(lambda: method(self, *args, **kwargs))

    return repeating


def _repeat_operations() -> None:
    """Have every operation of the interface repeated, whichever it is: all of them may be, by their promises."""
    life = {"load", "load_for_questions", "close", "schema_info", "upgrade_schema", "downgrade_schema"}
    for name, method in inspect.getmembers(PostgresBackend, inspect.isfunction):
        if hasattr(Backend, name) and not name.startswith("_") and name not in life:
            setattr(PostgresBackend, name, _repeating(method))


_repeat_operations()


def make_postgres_backend(value_store: ValueStore | None, **options: Any) -> PostgresBackend:
    """The backend that a `[backend]` section with a PostgreSQL URI, or a secret, describes.

    Raises `ConfigError` for a URI that cannot be used.
    """
    return PostgresBackend(
        _server(options),
        automigrate=bool(options.get("automigrate")),
        max_value_size=options.get("max_value_size", defaults.MAX_VALUE_SIZE),
        value_store=value_store,
        retries=options.get("db_retries", defaults.DB_RETRIES),
        backoff=options.get("db_retries_backoff", defaults.DB_RETRIES_BACKOFF),
        backoff_max=options.get("db_retries_backoff_max", defaults.DB_RETRIES_BACKOFF_MAX),
    )


def _server(options: dict[str, Any]) -> Server:
    secret = options.get("db_aws_secret_name")
    if secret:
        from redun.plugins import get_plugins

        view = {"backend": {name: str(value) for name, value in options.items()}}
        find_secret = functools.partial(get_plugins().resolve_secret, secret, view)
        return Server("", f"that the secret {secret} names", find_secret=find_secret)
    return Server.at(
        postgres_address(options.get("db_uri", defaults.DB_URI)),
        username_env=options.get("db_username_env", defaults.DB_USERNAME_ENV),
        password_env=options.get("db_password_env", defaults.DB_PASSWORD_ENV),
    )
