"""Saying clearly why PostgreSQL could not do something."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import psycopg
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.postgres.server import Server

SERVER_IS_BUSY = ("57P03", "53300")
"""It starts, stops or has no connection left: a moment later it may do."""
CONFLICTS = ("40001", "40P01")
"""Someone else's transaction stood in the way, and this one was rolled back."""


class LostConnectionError(BackendError):
    """The connection is gone, or there is none to be had now. The operation may be repeated on another one."""


class BusyServerError(LostConnectionError):
    """The server is there, and cannot take a connection now."""


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


def first_line(error: psycopg.Error) -> str:
    """What an error says, in one line: libpq says the same of every address of a host, and adds hints."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def is_refusal(error: psycopg.Error) -> bool:
    """Whether a connection failed at a server that answered, and not because nobody did."""
    return "FATAL" in str(error) or bool(_state_of(first_line(error)))


def setting_problem(error: psycopg.Error) -> str | None:
    """Why a connection was not even tried, where an option in the URI is the reason."""
    if isinstance(error, psycopg.ProgrammingError):
        return first_line(error)
    match = _BAD_SETTING.search(first_line(error))
    if match is None:
        return None
    return "the port is no number" if match[0].startswith("Servname") else match[0]


def _translated(error: psycopg.Error, server: Server, *, is_lost: bool) -> BackendError:
    text = first_line(error)
    state = error.sqlstate or _state_of(text)
    if state in SERVER_IS_BUSY and not is_lost:
        return BusyServerError(f"{server.name} cannot be opened now ({text})")
    if is_lost:
        return LostConnectionError(f"the connection to {server.name} was lost ({text})")
    if state in CONFLICTS:
        return ConflictError(f"{server.name}: {text}")
    return BackendError(_explain(state, text, server))


# The driver has no code for why a connection was refused, only the server's words.
_WORDS = {
    r"password authentication failed|no password supplied|role \S+ does not exist|no pg_hba.conf entry": "28000",
    r"database \S+ does not exist": "3D000",
    r"starting up|shutting down|in recovery mode|not (yet )?accepting connections": "57P03",
    r"too many (clients|connections)|connection slots are reserved": "53300",
}
_BAD_SETTING = re.compile(
    r"invalid \S+ value: .*|invalid port number: .*|invalid integer value .*|Servname not supported"
)


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
            " (the view pg_stat_activity shows it), then try again."
        )
    if state == "53100":
        return f"{name} cannot be written, and lacks the last batch: the server's disk is full. Free some space there."
    if state == "42501":
        return f"{name}: this user lacks a right ({text})."
    if state == "25006":
        return f"{name} cannot be written: the server or this user only reads."
    return f"{name}: {text}"
