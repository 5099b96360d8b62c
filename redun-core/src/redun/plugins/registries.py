"""What all plugins together provide, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from redun.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.plugins.discovery import Origin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Provided(Generic[T]):
    """One descriptor and the distribution that it comes from."""

    descriptor: T
    origin: Origin


class Registry(Mapping[str, T]):
    """Descriptors by name: read-only, in the order of their names.

    A name that two distributions provide is listed, and looking it up raises `PluginError`, so that the conflict hurts
    only those who use that name.
    """

    def __init__(self, kind: str, provided: Iterable[Provided[T]], names_of: Callable[[T], Iterable[str]]) -> None:
        """`kind` is the word for these things in messages; `names_of` gives the names of one descriptor."""
        self.kind = kind
        self._providers: dict[str, list[Provided[T]]] = {}
        for one in provided:
            for name in names_of(one.descriptor):
                self._providers.setdefault(name, []).append(one)
        self._names = sorted(self._providers)

    def __getitem__(self, name: str) -> T:
        providers = self._providers[name]
        if len(providers) > 1:
            raise PluginError(self._conflict(name))
        return providers[0].descriptor

    def __contains__(self, name: object) -> bool:
        return name in self._providers

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<Registry of {self.kind}s: {', '.join(self._names)}>"

    def providers(self, name: str) -> list[Provided[T]]:
        """Who provides a name: more than one in case of a conflict, nobody for an unknown name."""
        return list(self._providers.get(name, ()))

    def unambiguous(self) -> list[T]:
        """The descriptors that one distribution alone provides, each once."""
        found: dict[int, T] = {}
        for name in self._names:
            providers = self._providers[name]
            if len(providers) == 1:
                found[id(providers[0].descriptor)] = providers[0].descriptor
        return list(found.values())

    def conflicts(self) -> list[str]:
        """One message for each name that more than one distribution provides."""
        return [self._conflict(name) for name in self._names if len(self._providers[name]) > 1]

    def _conflict(self, name: str) -> str:
        origins = " and ".join(sorted(str(one.origin) for one in self._providers[name]))
        return (
            f'{self.kind} "{name}" is provided by both {origins}. '
            f"Uninstall one of them, or name it in REDUN_DISABLE_PLUGINS."
        )
