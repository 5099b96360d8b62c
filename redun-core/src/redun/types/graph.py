"""How plain data is stored that shares much of itself, or that is too large to be written flat: each container once.

The form is the flat encoding of a list of containers, each after those inside it: `(code, items, references)`. An
item that is a container itself is None in `items`; `references` gives, in turn, the positions of such items and the
containers' numbers.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from redun.types import plain
from redun.types.plain import CONTAINERS

_CODES: dict[type, int] = {list: 0, tuple: 1, dict: 2, set: 3, frozenset: 4}
_LONG = 256
_ATOM = 5


def dump_graph(root: Any) -> bytes:
    """Plain data that does not contain itself, as bytes."""
    entries: list[tuple[int, Any, list[int]]] = []
    numbers: dict[int, int] = {}
    stack: list[tuple[Any, list[Any] | None]] = [(root, None)]
    while stack:
        item, parts = stack.pop()
        if id(item) in numbers:
            continue
        if parts is None and type(item) in CONTAINERS:
            parts = list(chain.from_iterable(item.items())) if type(item) is dict else list(item)
            stack.append((item, parts))
            stack.extend((part, None) for part in parts if _is_referred(part) and id(part) not in numbers)
            continue
        if parts is None:
            entries.append((_ATOM, item, []))
        else:
            references = list(
                chain.from_iterable((i, numbers[id(part)]) for i, part in enumerate(parts) if _is_referred(part))
            )
            items = [None if _is_referred(part) else part for part in parts] if references else parts
            entries.append((_CODES[type(item)], items, references))
        numbers[id(item)] = len(entries) - 1
    return plain.dump(entries)


def _is_referred(part: Any) -> bool:
    kind = type(part)
    return kind in CONTAINERS or ((kind is str or kind is bytes) and len(part) > _LONG)


def load_graph(data: bytes) -> Any:
    """The value that was dumped. Raises an error of some kind for anything that is not such a dump."""
    made: list[Any] = []
    for code, items, references in plain.load(data):
        if code == _ATOM:
            made.append(items)
            continue
        for position, number in zip(references[::2], references[1::2], strict=True):
            items[position] = made[number]
        made.append(_make(code, items))
    return made[-1]


def _make(code: int, items: list[Any]) -> Any:
    if code == 0:
        return items
    if code == 2:
        return dict(zip(items[::2], items[1::2], strict=True))
    return {1: tuple, 3: set, 4: frozenset}[code](items)
