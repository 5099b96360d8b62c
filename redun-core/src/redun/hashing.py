"""The one hash function of redun: BLAKE2b with 160 bits, told apart by the kind of thing that is hashed.

The kind goes into BLAKE2b's personalisation, so that a task and a value made of the same bytes have different hashes.
Inside redun a hash is 20 raw bytes; hex is for people, and for what users' own `Value.get_hash` returns. They make
theirs with the functions at the end, which give 40 hex digits: `hash_bytes`, `hash_text`, `hash_stream`, `hash_struct`,
`hash_tag_bytes` and `Hash`.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Any

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


def hash_data(kind: str, data: bytes | bytearray | memoryview) -> bytes:
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


# -- for the hashes that users make: 40 hex digits --------------------------------------------------------------------

_USER_KIND = "user"
_BLOCK = 1 << 16


class Hash:
    """A hash that is fed piece by piece. Of the same bytes in other pieces it is the same.

    length: how many of the 40 hex digits `hexdigest` gives.
    """

    def __init__(self, length: int = 2 * HASH_SIZE) -> None:
        self._hasher = new_hasher(_USER_KIND)
        self._length = length

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._hasher.update(data)

    def hexdigest(self) -> str:
        """The hash of everything so far, as hex digits. More may be added afterwards."""
        return self._hasher.hexdigest()[: self._length]


def hash_bytes(data: bytes) -> str:
    """The hash of some bytes."""
    return hash_data(_USER_KIND, data).hex()


def hash_text(text: str) -> str:
    """The hash of a text: that of its UTF-8 bytes."""
    return hash_bytes(text.encode())


def hash_stream(stream: IO[bytes], block_size: int = _BLOCK) -> str:
    """The hash of what a binary stream holds from its position on: that of these bytes.

    block_size: how many bytes to read at a time.
    """
    hasher = new_hasher(_USER_KIND)
    while block := stream.read(block_size):
        hasher.update(block)
    return hasher.hexdigest()


def hash_struct(struct: Any) -> str:
    """The hash of a nested value of `str`, `bytes`, `int`, lists, tuples and dicts with keys of `str` or `bytes`.

    A text counts as its UTF-8 bytes and a tuple as a list; the order of a dict's items does not count.

    Raises `TypeError` for anything else, such as a boolean, None or a float: turn it into a text first.
    """
    from redun.bcoding import bencode

    return hash_data("struct", bencode(struct)).hex()


def hash_tag_bytes(tag: str, data: bytes) -> str:
    """The hash of some bytes under a tag, which tells them apart from the same bytes under another one."""
    return hash_parts("tagged", [tag.encode(), data]).hex()
