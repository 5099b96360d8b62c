"""Saying clearly why PostgreSQL could not do something."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import psycopg
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.postgres.connecting import Server

SERVER_IS_BUSY = ("57P03", "53300")
"""It starts, stops or has no connection left: another time it may do."""
CONFLICTS = ("40001", "40P01")
"""Someone else's transaction stood in the way, and this one was rolled back."""


class LostConnectionError(BackendError):
    """The connection is gone, or there is none to be had now. The operation may be repeated on another one."""


class ConflictError(BackendError):
    """The database gave up a transaction in favour of another one. The operation may be repeated."""


@contextlib.contextmanager
def translated_errors(server: Server, connection: psycopg.Connection[tuple[object, ...]] | None) -> Iterator[None]:
    """Raise the driver's errors as `BackendError`, with what the user can do.

    connection: the one that is used; None while it is made.

    Raises `LostConnectionError` when it was lost or cannot be made, and `ConflictError`.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _translated(error, server, is_lost=connection is not None and connection.closed) from error


def _translated(error: psycopg.Error, server: Server, *, is_lost: bool) -> BackendError:
    # libpq says the same of every address of a host, and gives hints; one line says it all.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    state = error.sqlstate or _state_of(text)
    if is_lost or state in SERVER_IS_BUSY:
        return LostConnectionError(f"the connection to {server.name} was lost ({text})")
    if state in CONFLICTS:
        return ConflictError(f"{server.name}: {text}")
    return BackendError(_explain(state, text, server))


# The driver has no code for why a connection was refused, only the server's words.
_WORDS = {
    r"password authentication failed|no password supplied|role \S+ does not exist|no pg_hba.conf entry": "28000",
    r"database \S+ does not exist": "3D000",
    r"starting up|shutting down": "57P03",
    r"too many (clients|connections)|connection slots are reserved": "53300",
}


def _state_of(text: str) -> str:
    return next((state for words, state in _WORDS.items() if re.search(words, text)), "")


def _explain(state: str, text: str, server: Server) -> str:
    name = server.name
    if state.startswith("28"):
        return f"{name} cannot be opened: {text}. {server.how_to_log_in}"
    if state == "3D000":
        return f"{name} cannot be opened: {text}. Create the database, or point db_uri in [backend] at another one."
    if state == "55P03":
        return (
            f"{name} is locked by another process, and stayed so while this one waited. Wait for that process or end it"
            " (`select * from pg_stat_activity` shows it), then try again."
        )
    if state == "53100":
        return f"{name} cannot be written, and lacks the last batch: the server's disk is full. Free some space there."
    if state == "42501":
        return f"{name}: this user lacks a right ({text})."
    if state == "25006":
        return f"{name} cannot be written: the server or this user only reads."
    return f"{name}: {text}"
