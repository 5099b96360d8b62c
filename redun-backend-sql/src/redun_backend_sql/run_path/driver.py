"""What the run path needs of a database's driver: that of `sqlite3` as it is, that of PostgreSQL through an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager


class Rows(Protocol):
    """The rows that a statement has found, as tuples."""

    def __iter__(self) -> Iterator[Any]: ...
    def fetchone(self) -> Any: ...  # noqa: D102
    def fetchmany(self, size: int, /) -> list[Any]: ...  # noqa: D102
    def fetchall(self) -> list[Any]: ...  # noqa: D102


class Connection(Protocol):
    """A connection in autocommit mode, used by one thread at a time. Parameters are marked by `?`."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement that returns nothing, once for each row."""
        ...


class WriteTransaction(Protocol):
    """Begins and ends transactions that write: one at a time on a repository, whoever writes."""

    def __call__(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """A transaction, committed at the end and rolled back by an error.

        durable: it is on the disk when this ends, also where others are written in the background.
        """
        ...
