"""Plain data at C speed: None, exact bool, int, float, complex, str and bytes, and exact containers of those.

`marshal.dumps(x, 2)` writes the encoding that `redun.types.reference` describes: the same bytes for equal data,
whatever the process, the Python version and the sharing of objects. It must never see anything else, because it
silently writes whatever has a buffer as bytes: types are checked first, one level of nesting at a time, with the set
of a level's types.
"""

from __future__ import annotations

import marshal
from typing import Any

from redun.types import reference

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
PLAIN = ATOMS | CONTAINERS
_SETS = frozenset({set, frozenset})
_SIZED = frozenset({int, str, bytes})

MARSHAL_VERSION = 2
FLAT_LIMIT = 1 << 20
"""Containers whose encoding is longer than this MiB are hashed piecewise: see `redun.types.canonical`."""

# Up to this part of the limit in elements, their sizes are not added up: with 64 elements the encoding is at most 64
# times as long as what is in memory.
_FEW = 1 << 14
# marshal encodes the items of a set twice, so sets inside sets cost 2 to the power of their depth.
_SET_LEVELS = 3
_LEVELS = 256


def flatten(value: Any, limit: int = FLAT_LIMIT, levels: int = _LEVELS) -> bytes | None:
    """The canonical encoding of a plain container of moderate size and depth; None for anything else.

    None does not mean that the value is not plain: it may be too large, too deep or too much shared to be looked at
    this way. So a caller that gets None must be able to find the same answer in another way, and one that gets bytes
    must look at their length where a limit matters.
    """
    set_levels = _examine(value, limit, levels)
    if set_levels < 0:
        return None
    return dump(value) if set_levels <= _SET_LEVELS else reference.encode_plain(value)


def is_plain(value: Any) -> bool:
    """Whether a container is plain data. False may also mean that it is too large, deep or shared to tell quickly."""
    return _examine(value, FLAT_LIMIT, _LEVELS) >= 0


def _examine(value: Any, limit: int, levels: int) -> int:
    """On how many levels a plain container has sets; -1 if it is not plain or exceeds a limit.

    Looks at whole levels at a time, so that nearly all the work is done at C speed, and never at much more than
    `limit` elements.
    """
    set_levels = 0
    count = 0
    level: Any = (value,)
    for _ in range(levels):
        items: list[Any] = []
        has_sets = False
        for container in level:
            kind = type(container)
            count += len(container)
            if count > limit:
                return -1
            items.extend(container)
            if kind is dict:
                items.extend(container.values())
            elif kind in _SETS:
                has_sets = True
        set_levels += has_sets
        kinds = set(map(type, items))
        if count > limit // _FEW and not kinds.isdisjoint(_SIZED):
            count += _weight(items, kinds)
            if count > limit:
                return -1
        if kinds <= ATOMS:
            return set_levels
        if not kinds <= PLAIN:
            return -1
        level = [item for item in items if type(item) in CONTAINERS]
    return -1


def _weight(items: list[Any], kinds: set[type]) -> int:
    """About how many bytes the texts and long integers among some items have: at most twice that in the encoding."""
    if kinds == {str} or kinds == {bytes}:
        return sum(map(len, items))
    if kinds <= {int, bool}:
        # Two comparisons at C speed: nearly every list of integers holds only short ones.
        if min(items) > -(1 << 64) and max(items) < 1 << 64:
            return 0
        return sum(map(int.bit_length, items)) >> 3
    weight = sum([len(item) for item in items if type(item) is str or type(item) is bytes])
    if int in kinds:
        weight += sum([item.bit_length() for item in items if type(item) is int]) >> 3
    return weight


def dump(value: Any) -> bytes:
    """The canonical encoding of what is known to be plain data, without sets nested in sets."""
    try:
        return marshal.dumps(value, MARSHAL_VERSION)
    except ValueError:
        return reference.encode_plain(value)  # nested too deeply for marshal
    except (TypeError, MemoryError):
        # A set with several complex NaNs, which marshal tries to sort; Python 3.11 then speaks of memory.
        return reference.encode_plain(value)


def load(data: bytes) -> Any:
    """The plain data that was encoded. Raises ValueError, EOFError or TypeError for anything else."""
    try:
        return marshal.loads(data)
    except ValueError:
        return reference.decode_plain(data)  # nested too deeply for marshal, or damaged
