"""Keeping a repository small and whole: how large it is, what in it is garbage, and whether it is damaged.

A part of the backend interface. Only backends that keep what they are told have to have it.
"""

# ruff: noqa: ARG002 - the arguments are for backends that have this part

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


GRACE = 3600.0
"""Seconds for which nothing that is new counts as garbage, unless somebody says otherwise."""


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


def nothing_told(stage: str) -> None:
    """Tell nobody about the progress of something."""


class Maintenance:
    """The part of a backend that keeps the repository small and whole.

    A collection removes executions, with everything that only they need, and what nothing refers to. What runs
    meanwhile loses nothing: executions that run are never removed, nor is what they may still come to use. Should a
    collection be killed, the repository is whole, and the next one goes on from there.
    """

    def stats(self, largest: int = 10) -> RepositoryStats:
        """What the repository holds, with its largest values.

        Raises `BackendError` when it cannot be read, and where it is not supported; so do the others.
        """
        self._cannot_maintain("statistics")

    def plan_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        """What a collection would remove. Nothing is changed.

        executions: full ids of those to remove, with what only they need; empty for what nothing refers to.
        grace: seconds. What was recorded, or last heard of, within them stays.
        tell: is called with the name of each stage.
        """
        self._cannot_maintain("collecting garbage")

    def collect_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        """Remove garbage, and say what. As for `plan_garbage`."""
        self._cannot_maintain("collecting garbage")

    def reclaim_space(self) -> int:
        """Give what is unused back to the filesystem, and say how many bytes that was. Others may have to wait."""
        self._cannot_maintain("giving back space")

    def flaws(self, tell: Callable[[str], None] = nothing_told) -> Iterator[Flaw]:
        """Everything that is wrong with the repository, as it is found: nothing, where it is whole."""
        self._cannot_maintain("being checked")

    def _cannot_maintain(self, what: str) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support {what}")
