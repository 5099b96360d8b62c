"""Walking nested values: containers whose items may be expressions or files.

Lists, tuples, sets, frozensets and dicts (keys and values) of exactly these types, named tuples and dataclasses are
containers; everything else, subclasses of list and dict among them, is a leaf. Both walks are iterative, so depth does
not matter, and visit a container that is shared or large only once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from redun.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LEAF, _SEQUENCE, _DICT, _NAMEDTUPLE, _DATACLASS = range(5)

_kinds: dict[type, int] = {list: _SEQUENCE, tuple: _SEQUENCE, set: _SEQUENCE, frozenset: _SEQUENCE, dict: _DICT}


def _classify(cls: type) -> int:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        kind = _NAMEDTUPLE
    elif dataclasses.is_dataclass(cls) and not issubclass(cls, type):
        kind = _DATACLASS
    else:
        kind = _LEAF
    _kinds[cls] = kind
    return kind


def merge_dicts(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """A new dict with what both hold. The newer one wins; where both hold a dict, these are merged as well."""
    merged = dict(older)
    for key, value in newer.items():
        known = merged.get(key)
        merged[key] = merge_dicts(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged


def kind_of(value: Any) -> int:
    """A number for the kind of container that a value is; 0 for a leaf."""
    cls = value.__class__
    kind = _kinds.get(cls)
    return _classify(cls) if kind is None else kind


def is_container(value: Any) -> bool:
    """Whether a value is one of the containers that the walks look into."""
    return kind_of(value) != _LEAF


def dataclass_parts(value: Any) -> tuple[list[str], list[str]]:
    """The names of a dataclass instance's fields that its constructor takes, and of its other attributes."""
    init = [field.name for field in dataclasses.fields(value) if field.init]
    known = set(init)
    others = [field.name for field in dataclasses.fields(value) if not field.init and hasattr(value, field.name)]
    known.update(others)
    others += [name for name in getattr(value, "__dict__", ()) if name not in known]
    return init, others


def children(value: Any) -> list[Any]:
    """The direct items of a container, in an order that `rebuild` takes them back in."""
    kind = kind_of(value)
    if kind == _DICT:
        return [*value.keys(), *value.values()]
    if kind == _DATACLASS:
        init, others = dataclass_parts(value)
        return [getattr(value, name) for name in init + others]
    return list(value)


def rebuild(value: Any, items: list[Any]) -> Any:
    """A container like `value` with other items."""
    kind = kind_of(value)
    if kind == _DICT:
        half = len(items) // 2
        return dict(zip(items[:half], items[half:], strict=True))
    if kind == _NAMEDTUPLE:
        return type(value)._make(items)
    if kind == _DATACLASS:
        init, others = dataclass_parts(value)
        return build_dataclass(type(value), init, others, items)
    return type(value)(items)


def build_dataclass(cls: type, init: list[str], others: list[str], items: list[Any]) -> Any:
    """A dataclass instance from its constructor's fields and its other attributes, in this order in `items`."""
    instance = cls(**dict(zip(init, items[: len(init)], strict=True)))
    for name, item in zip(others, items[len(init) :], strict=True):
        object.__setattr__(instance, name, item)
    return instance


def iter_leaves(value: Any) -> Iterator[Any]:
    """Every leaf of a nested value, from left to right. A container that occurs twice is looked into once."""
    if kind_of(value) == _LEAF:
        yield value
        return
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if kind_of(item) == _LEAF:
            yield item
        elif id(item) not in seen:
            seen.add(id(item))
            stack.extend(reversed(children(item)))


def map_leaves(func: Callable[[Any], Any], value: Any) -> Any:
    """The same nested value with every leaf replaced by `func(leaf)`. Shared containers stay shared.

    Raises `InvalidValueError` for a container that holds itself.
    """
    if kind_of(value) == _LEAF:
        return func(value)
    rebuilt: dict[int, Any] = {}
    entered: set[int] = set()
    stack = [(value, False)]
    while stack:
        item, is_visited = stack.pop()
        key = id(item)
        if key in rebuilt:
            continue
        items = children(item)
        if is_visited:
            rebuilt[key] = rebuild(item, [rebuilt[id(x)] if kind_of(x) else func(x) for x in items])
            continue
        if key in entered:
            raise InvalidValueError(
                f"a {type(item).__name__} contains itself and an expression: it can not be evaluated"
            )
        entered.add(key)
        stack.append((item, True))
        stack.extend((x, False) for x in reversed(items) if kind_of(x))
    return rebuilt[id(value)]
