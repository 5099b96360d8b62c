"""Connections to a PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from redun.errors import BackendError, ConfigError

from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.errors import (
    LostConnectionError,
    first_line,
    is_refusal,
    setting_problem,
    translated_errors,
)

if TYPE_CHECKING:
    from redun_backend_sql.postgres.server import Server

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that writes."""


def open_connection(server: Server, *, lock_timeout: float = LOCK_TIMEOUT) -> PostgresConnection:
    """A connection in autocommit mode: transactions are begun and ended by statements.

    lock_timeout: seconds to wait for another process that writes.

    Raises `LostConnectionError` when the server cannot be reached or has no time, `BackendError` when it refuses, and
    `ConfigError` for a URI that no connection can be made with.
    """
    parameters = server.parameters()
    with translated_errors(server, None):
        try:
            driver = psycopg.connect(**parameters, autocommit=True)
        except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
            problem = setting_problem(error)
            if problem is not None:
                raise ConfigError(f"[backend] db_uri: {server.shown}: {problem}") from None
            if not is_refusal(error):
                raise LostConnectionError(f"{server.name} cannot be reached: {first_line(error)}") from error
            raise
        try:
            driver.execute(f"SET lock_timeout = {int(lock_timeout * 1000)}")
            driver.execute("SET client_encoding = 'UTF8'")
        except BaseException:
            driver.close()
            raise
    encoding = driver.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        driver.close()
        raise BackendError(f"{server.name} has the encoding {encoding}, which cannot hold every text. UTF8 is needed.")
    return PostgresConnection(driver)
