"""Keeping a repository small and whole: how large it is, what in it is garbage, and whether it is damaged.

The part of the interface is `redun.backends.parts.Maintenance`. Only backends that keep what they are told have to
have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class KindSize(NamedTuple):
    """How much there is of one kind of thing."""

    kind: str
    """In the plural, such as `jobs`."""
    count: int  # type: ignore[assignment]  # hides a method of tuples
    bytes: int
    """About as many as it takes, without indexes; files are counted as they are."""


class LargeValue(NamedTuple):
    """A value that takes much room."""

    hash: bytes
    type_name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class RepositoryStats:
    """What a repository holds."""

    kinds: tuple[KindSize, ...]
    """Executions, jobs, calls and so on; `stored files` are those of a value store."""
    size: int
    """Bytes of the database, with its indexes."""
    unused: int
    """Bytes of these that hold nothing; 0 where that cannot be told."""
    largest: tuple[LargeValue, ...]


class KeptExecution(NamedTuple):
    """An execution that was to be removed, and stays."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """What a collection removes, or has removed."""

    executions: tuple[str, ...]
    """Ids of the executions, of all that were asked for."""
    kept: tuple[KeptExecution, ...]
    """The others of them."""
    sizes: tuple[KindSize, ...]
    """How much of each kind of thing; kinds of which there is nothing are left out."""
    postponed: str = ""
    """Why some of it has to wait for a later collection; empty where nothing has."""

    @property
    def bytes(self) -> int:
        """About how many bytes all of it takes."""
        return sum(size.bytes for size in self.sizes)


class Flaw(NamedTuple):
    """One thing that is wrong with a repository."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
