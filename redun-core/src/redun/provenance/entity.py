"""What executions, jobs, calls, tasks and values have in common as objects."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import EntityKind


class Entity:
    """Something with an id and tags, and a backend to ask about it."""

    kind: EntityKind

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @property
    def id(self) -> str:
        """The full id, as text."""
        raise NotImplementedError

    @cached_property
    def tags(self) -> list[tuple[str, Any]]:
        """The tags, as pairs of a key and a value; a key may occur several times."""
        found = self.backend.tags(self.kind, [self.id]).get(self.id, ())
        return [(tag.key, tag.value) for tag in found]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entity) and (self.kind, self.id) == (other.kind, other.id)

    def __hash__(self) -> int:
        return hash((self.kind, self.id))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"
