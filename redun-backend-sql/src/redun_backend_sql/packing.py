"""How a call's arguments and lists of hashes are packed into one column.

Arguments follow each other in the order of the call's `signature`; of each:

    value hash   20 bytes
    flags         1 byte    1: the value is here, 2: it was derived from other calls
    value kind    2 bytes   with flag 1: `value_kind.id`, little-endian
    value size    1 byte    with flag 1
    value data              with flag 1
    call count    4 bytes   with flag 2, little-endian
    call hashes  20 bytes   with flag 2, each
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812 - it is the name of a class
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HASH_SIZE = 20
MAX_INLINE_SIZE = 64
"""Bytes up to which a value is kept in the rows of the calls that take and return it."""
MAX_INLINE_KIND = 0xFFFF
STORED = "stored:"
"""Before the codec of a value whose bytes are in the value store; its row has none."""
RETIRED = 2
"""Added to `call.is_error` of a call that a collection of garbage is about to remove: no look-up finds it any more."""

_KIND_AND_SIZE = Struct("<HB")
_COUNT = Struct("<I")
_HASH = Struct(f"{HASH_SIZE}s")


class InlineValue(NamedTuple):
    """A small value, ready to go into rows."""

    kind_id: int
    data: bytes
    packed: bytes
    """As it stands within packed arguments."""


class PackedArgument(NamedTuple):
    """An argument as it was packed; its name is in the call's signature."""

    value_hash: bytes
    kind_id: int | None
    data: bytes | None
    upstream: tuple[bytes, ...]


def inline_value(kind_id: int, data: bytes) -> InlineValue:
    """A small value in the form that `pack_argument` takes."""
    return InlineValue(kind_id, data, _KIND_AND_SIZE.pack(kind_id, len(data)) + data)


def pack_argument(value_hash: bytes, inline: InlineValue | None, upstream: Sequence[bytes]) -> bytes:
    """One argument as bytes; join them in the order of the signature."""
    if upstream:
        calls = _COUNT.pack(len(upstream)) + b"".join(upstream)
        return value_hash + (b"\x02" + calls if inline is None else b"\x03" + inline.packed + calls)
    return value_hash + (b"\x00" if inline is None else b"\x01" + inline.packed)


def unpack_arguments(packed: bytes, *, with_upstream: bool = True) -> Iterator[PackedArgument]:
    """The arguments of a call, in the order of its signature.

    with_upstream: whether it matters which calls they came from, which may be a million.
    """
    position = 0
    while position < len(packed):
        value_hash = packed[position : position + HASH_SIZE]
        flags = packed[position + HASH_SIZE]
        position += HASH_SIZE + 1
        kind_id, data = None, None
        if flags & 1:
            kind_id, size = _KIND_AND_SIZE.unpack_from(packed, position)
            position += _KIND_AND_SIZE.size
            data = packed[position : position + size]
            position += size
        upstream: tuple[bytes, ...] = ()
        if flags & 2:
            (count,) = _COUNT.unpack_from(packed, position)
            position += _COUNT.size
            if with_upstream:
                upstream = unpack_hashes(packed[position : position + count * HASH_SIZE])
            position += count * HASH_SIZE
        yield PackedArgument(value_hash, kind_id, data, upstream)


def argument_hashes(packed: bytes) -> Iterator[bytes]:
    """The hashes of the arguments of a call."""
    return (each.value_hash for each in unpack_arguments(packed, with_upstream=False))


def unpack_hashes(packed: bytes | None) -> tuple[bytes, ...]:
    """The hashes in a column that holds them one after the other; NULL holds none."""
    if not packed:
        return ()
    try:
        return tuple([each for (each,) in _HASH.iter_unpack(packed)])
    except StructError:  # cut off: whoever looks these up will find that the last is none
        return tuple(packed[i : i + HASH_SIZE] for i in range(0, len(packed), HASH_SIZE))
