"""What the check of a repository finds."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is the name of a class
from typing import TYPE_CHECKING

from redun.errors import RedunError, describe_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, StructError, RedunError)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a repository."""

    what: str
    """What is wrong, and what would be right."""
    where: str
    """The row that shows it: by the id that `redun log` takes, where it has one, and by its table and number."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def unless_unreadable(problems: Iterable[Problem], where: str) -> Iterator[Problem]:
    """Some problems; what is so damaged that looking at it raises an error is one more, and the check goes on."""
    try:
        yield from problems
    except _UNREADABLE as error:
        yield Problem(f"it cannot be read: {describe_error(error)}", where)
    except sqlite3.DatabaseError as error:
        # Text that is none is not even known to SQLite.
        if getattr(error, "sqlite_errorname", "SQLITE_CORRUPT") not in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
            raise
        yield Problem(f"SQLite cannot read on: {error}", "the file")


def shown(entity_hash: object) -> str:
    """A hash for people, whatever stands in its place."""
    return entity_hash.hex() if isinstance(entity_hash, bytes) else repr(entity_hash)
