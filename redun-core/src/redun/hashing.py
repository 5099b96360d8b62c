"""The one hash function of redun: BLAKE2b with 160 bits, told apart by the kind of thing that is hashed.

The kind goes into BLAKE2b's personalisation, so that a task and a value made of the same bytes have different hashes.
Inside redun a hash is 20 raw bytes; hex is for people, and for what users' own `Value.get_hash` returns.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HASH_SIZE = 20
"""Bytes in a hash."""

_MAX_KIND_LENGTH = 10  # 16 bytes of personalisation, less "redun."


@cache
def _preset(kind: str) -> blake2b:
    person = f"redun.{kind}".encode()
    if not kind or len(person) > blake2b.PERSON_SIZE:
        raise ValueError(f"hash kind {kind!r} must have 1 to {_MAX_KIND_LENGTH} bytes")
    return blake2b(digest_size=HASH_SIZE, person=person)


def new_hasher(kind: str) -> blake2b:
    """A fresh hasher for things of one kind: feed it with `update`, read it with `digest`.

    kind: what is hashed, for example `value`, `task`, `args`, `eval`, `call` or `file`; at most 10 bytes.

    Raises ValueError for an empty or overlong kind.
    """
    # Copying a preset hasher costs half of making one with its personalisation.
    return _preset(kind).copy()


def hash_bytes(kind: str, data: bytes | bytearray | memoryview) -> bytes:
    """The hash of some bytes, as 20 raw bytes."""
    hasher = _preset(kind).copy()
    hasher.update(data)
    return hasher.digest()


def hash_parts(kind: str, parts: Iterable[bytes]) -> bytes:
    """The hash of a sequence of byte strings, as 20 raw bytes.

    Each part is preceded by its length, so that where one part ends and the next begins counts: `[b"ab", b"c"]` and
    `[b"a", b"bc"]` differ.
    """
    pieces: list[bytes] = []
    for part in parts:
        pieces.append(len(part).to_bytes(8, "little"))
        pieces.append(part)
    hasher = _preset(kind).copy()
    hasher.update(b"".join(pieces))
    return hasher.digest()
