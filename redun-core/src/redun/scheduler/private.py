"""Copies for tasks that run in the scheduler's own process, so that none can change what another one is given.

A task may append to a list that it was given, or go on changing one that it has returned. What was recorded, what other
tasks get and what the workflow returns must not change with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun import nested
from redun.errors import InvalidValueError
from redun.types.plain import ATOMS
from redun.value import Value, decode, get_type_registry

if TYPE_CHECKING:
    from redun.value import EncodedValue

LARGEST_COPIED = 1_000_000
"""Bytes up to which an object is copied by way of its stored form. Larger ones are shared, and must not be changed."""

_PLAIN = frozenset({"plain", "graph", "bytes"})


def private_copy(value: Any, encoded: EncodedValue) -> Any:
    """A copy of a value that shares nothing that can be changed in place.

    Containers, arrays and tables are always copied. Shared are files, handles and other `Value` objects, exceptions,
    and other objects of more than `LARGEST_COPIED` bytes.

    encoded: the value as bytes.
    """
    if encoded.codec in _PLAIN:
        return decode(encoded.codec, encoded.data, encoded.type_name)
    if isinstance(value, (Value, BaseException)):
        return value
    if encoded.codec == "pickle" and len(encoded.data) <= LARGEST_COPIED and not encoded.children:
        try:
            return decode(encoded.codec, encoded.data, encoded.type_name)
        except InvalidValueError:
            return value
    if nested.is_container(value):
        return nested.map_leaves(_private_leaf, value)
    return _private_leaf(value) if encoded.codec == "value" else value


def _private_leaf(leaf: Any) -> Any:
    """A copy of an array or table; anything else as it is."""
    if type(leaf) in ATOMS:
        return leaf
    proxy = get_type_registry().get_proxy(type(leaf))
    if proxy is None:
        return leaf
    try:
        return proxy(leaf)._redun_private_copy()
    except Exception:  # its library's, or that of an object in it which does not come back from its pickle
        return leaf
