"""What the proxies of arrays and tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.types import pickling
from redun.types.plain import ATOMS
from redun.types.protocol import ProxyValue
from redun.types.reductions import Reduction
from redun.types.tables import stored

if TYPE_CHECKING:
    from collections.abc import Iterable

MIME_TYPE = "application/x-redun-table"


class TableType(ProxyValue):
    """Base class of these proxies. A subclass says what is content, and how it is written and read."""

    register = False

    def _redun_reduction(self) -> Reduction:
        """What the canonical hash takes from the value: see `redun.types.reductions`."""
        raise NotImplementedError

    def get_hash(self, data: bytes | None = None) -> str:
        """The hash of the value's content."""
        from redun.types.canonical import Walk

        return super().get_hash(data) if data is not None else Walk().hash(self.instance).hex()

    def get_serialization_format(self) -> str:
        """A MIME type for what `serialize` returns."""
        return MIME_TYPE

    def is_valid(self) -> bool:
        """Whether all objects in it are still valid, where it holds Python objects."""
        return all(map(are_valid, self.object_columns()))

    def object_columns(self) -> Iterable[list[Any]]:
        """The Python objects in the value, column by column."""
        return ()

    def _redun_private_copy(self) -> Any:
        """A copy that a task may change without changing the original."""
        raise NotImplementedError


def pickled_as_stored(proxy: TableType) -> tuple[Any, ...]:
    """What has a value stand in the pickle of a container in its stored form."""
    return pickling.restore_value, (proxy.type_name, proxy.serialize())


def reduction(kind: str, *content: Any) -> Reduction:
    """The reduction of a kind of value: what `kind` is called, and what it consists of."""
    return Reduction(b"T", [kind, *content])


def are_valid(items: list[Any]) -> bool:
    """Whether all Python objects in a column are still valid."""
    if set(map(type, items)) <= ATOMS:
        return True
    from redun.value import is_valid

    return is_valid(items)


def pack_pickle(instance: Any, **heading: Any) -> bytes:
    """The stored form of a value whose library has no better format for it than its pickle."""
    return stored.pack({"format": "pickle", **heading}, pickling.dump(instance))


def copy_by_pickle(instance: Any) -> Any:
    """A copy that shares no Python object that can be changed."""
    return pickling.load(pickling.dump(instance))
