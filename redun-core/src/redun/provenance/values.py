"""Values, files and arguments as objects: shown without being loaded."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.errors import InvalidValueError
from redun.provenance.entity import Entity
from redun.provenance.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.lineage import ValueLinks
    from redun.backends.records import Argument as ArgumentRecord
    from redun.backends.records import StoredValue
    from redun.provenance.lineage import Step, Use
    from redun.provenance.models import Call


class Value(Entity):
    """A value: shown without loading it, and loaded when that is asked for."""

    kind = EntityKind.VALUE

    def __init__(self, backend: Backend, value_hash: bytes) -> None:
        super().__init__(backend)
        self.value_hash = value_hash

    @property
    def id(self) -> str:
        """The hash, 40 hex digits."""
        return self.value_hash.hex()

    @property
    def is_stored(self) -> bool:
        """Whether the repository has it."""
        return self._stored is not None

    @property
    def type_name(self) -> str | None:
        """The type, such as `builtins.list`; None where the repository lacks the value."""
        return None if self._stored is None else self._stored.type_name

    @property
    def size(self) -> int | None:
        """Bytes as it is stored; None where the repository lacks the value."""
        return None if self._stored is None else len(self._stored.data)

    def preview(self, limit: int = 80) -> str:
        """One line that shows it, in about `limit` characters. Runs no code that the value brings along."""
        return preview(self._stored, limit)

    def load(self) -> Any:
        """The value itself. This runs what its pickle says: ask only for values of repositories that you trust.

        Raises `InvalidValueError` where it is missing or cannot be decoded.
        """
        from redun.value import decode

        if self._stored is None:
            raise InvalidValueError(f"the repository has no value {self.id}")
        return decode(self._stored.codec, self._stored.data, self._stored.type_name)

    def files(self) -> list[FileState]:
        """The files that it holds, or is."""
        if self._links is None:
            return []
        inside = self.backend.value_links(self._links.children)
        found = [(self.value_hash, self._links.path)]
        found += [(each, inside[each].path) for each in self._links.children if each in inside]
        return [FileState(self.backend, value_hash, path) for value_hash, path in found if path is not None]

    def producers(self, limit: int = 20) -> list[Call]:
        """The calls whose result is this value, or holds it."""
        from redun.provenance.models import Call

        return [Call(self.backend, each) for each in self.backend.calls_with_result(self.value_hash, limit)]

    def consumers(self, limit: int = 20) -> list[Call]:
        """The calls that took this value, or a container of it."""
        from redun.provenance.models import Call

        return [Call(self.backend, each) for each in self.backend.calls_with_argument(self.value_hash, limit)]

    def upstream(self, limit: int = 100) -> Iterator[Step]:
        """The whole derivation, depth first: each call that made it, and what that took, and so on."""
        from redun.provenance.lineage import steps
        from redun.provenance.upstream import upstream

        return steps(self.backend, upstream(self.backend, self.value_hash, limit))

    def downstream(self, limit: int = 100) -> Iterator[Use]:
        """The calls that took it, and everything made from their results, nearest first."""
        from redun.provenance.downstream import downstream
        from redun.provenance.lineage import uses

        return uses(self.backend, downstream(self.backend, self.value_hash, limit))

    @cached_property
    def _stored(self) -> StoredValue | None:
        return self.backend.load_values([self.value_hash]).get(self.value_hash)

    @cached_property
    def _links(self) -> ValueLinks | None:
        return self.backend.value_links([self.value_hash]).get(self.value_hash)


class FileState(Value):
    """A recorded state of a file or directory."""

    def __init__(self, backend: Backend, value_hash: bytes, path: str) -> None:
        super().__init__(backend, value_hash)
        self.path = path

    def __repr__(self) -> str:
        return f"FileState({self.path!r}, {self.id})"


class Argument(Value):
    """An argument of a call: a value with the name of its parameter, and where it came from."""

    def __init__(self, backend: Backend, record: ArgumentRecord) -> None:
        super().__init__(backend, record.value_hash)
        self.name = record.name
        self._sources = record.upstream

    def sources(self) -> list[Call]:
        """The calls whose results it was made from, where it was an expression."""
        from redun.provenance.models import calls_of

        return calls_of(self.backend, self._sources)

    def __repr__(self) -> str:
        return f"Argument({self.name}={self.preview()})"
