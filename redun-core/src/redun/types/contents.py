"""Looking for what speaks for itself, such as a file, anywhere inside a value."""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from redun import nested
from redun.types.builtin import Set
from redun.types.plain import ATOMS, CONTAINERS, is_plain
from redun.types.protocol import Value, get_type_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSED = (type, ModuleType, BuiltinFunctionType, MethodType)


def iter_speakers(value: Any) -> Iterator[Value]:
    """Every `Value` in a value, and a proxy around everything that has one.

    Looked into are containers of all kinds, subclasses of the built-in ones among them, and the attributes of
    instances; but not what a `Value` or something with a proxy holds, which is theirs to tell. Each object is looked at
    once.
    """
    registry = get_type_registry()
    seen: set[int] = set()
    kept: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        cls = type(item)
        if cls in ATOMS or id(item) in seen:
            continue
        seen.add(id(item))
        speaker = registry.get_value(item)
        if speaker is not None and type(speaker) is not Set:
            yield speaker
        elif cls not in CONTAINERS or not is_plain(item):
            parts = _parts(item)
            kept.append(parts)  # so that no other object can get the identity of one that was made for this walk
            stack.extend(reversed(parts))


def _parts(item: Any) -> list[Any]:
    if nested.is_container(item):
        return nested.children(item)
    cls = type(item)
    if isinstance(item, (*_CLOSED, FunctionType)) or cls.__module__.partition(".")[0] == "redun":
        return []
    parts: list[Any] = list(getattr(item, "__dict__", {}).values())
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        parts += [getattr(item, name) for name in _names(slots) if name != "__dict__" and hasattr(item, name)]
    if isinstance(item, partial):
        return [item.func, *item.args, item.keywords, *parts]
    if isinstance(item, BaseException):
        return [*item.args, *parts]
    if isinstance(item, dict):
        return [*item.keys(), *item.values(), *parts]
    if isinstance(item, list | tuple | set | frozenset) or cls.__qualname__ == "deque":
        return [*item, *parts]
    return parts


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
