"""Sets of positions, compact enough for millions of calls, and in which parts they can be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CHUNK = 4096

T = TypeVar("T")


class Positions:
    """A set of whole numbers from 0, one bit each where they lie close together; iterating gives them in order."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def add(self, position: int) -> bool:
        """Add one; whether it is new."""
        index, rest = divmod(position, _CHUNK)
        bits = self._chunks.setdefault(index, bytearray(_CHUNK // 8))
        byte, mask = rest >> 3, 1 << (rest & 7)
        if bits[byte] & mask:
            return False
        bits[byte] |= mask
        return True

    def __contains__(self, position: int) -> bool:
        index, rest = divmod(position, _CHUNK)
        bits = self._chunks.get(index)
        return bits is not None and bool(bits[rest >> 3] & 1 << (rest & 7))

    def __iter__(self) -> Iterator[int]:
        for index in sorted(self._chunks):
            for byte, bits in enumerate(bytes(self._chunks[index])):
                if bits:
                    first = index * _CHUNK + byte * 8
                    yield from (first + bit for bit in range(8) if bits & 1 << bit)


def pages_of(positions: Iterable[int], spans: Iterable[tuple[int, int]], size: int) -> Iterator[list[int]]:
    """Positions in order, in pages that no span crosses, from its first to its last position.

    spans: such as from a call to one that it names, where that comes later.
    size: how many positions a page has, or a few more where spans ask for it.
    """
    waiting = sorted(spans, reverse=True)
    page: list[int] = []
    end = -1
    for position in positions:
        while waiting and waiting[-1][0] <= position:
            end = max(end, waiting.pop()[1])
        page.append(position)
        if len(page) >= size and end <= position:
            yield page
            page = []
    if page:
        yield page


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """A sequence in parts of at most this length."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
