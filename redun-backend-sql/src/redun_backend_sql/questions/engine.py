"""SQLAlchemy on the connection that the run path has open."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


def make_engine(connection: sqlite3.Connection) -> Engine:
    """An engine whose only connection is this one. The caller closes it, and sees that one thread at a time uses it."""
    return create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Raise the driver's own errors, which the backend explains, instead of SQLAlchemy's around them."""
    try:
        yield
    except DBAPIError as error:
        if error.orig is None:
            raise
        raise error.orig from error
