"""Adds values to batches, with everything inside them, in portions that fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, RecordBatch, ValueRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from redun.backends.base import Backend
    from redun.backends.holders import Holder
    from redun.backends.records import TagRecord
    from redun.backends.sync import ValueOutline

MOST_BYTES = 64_000_000
"""How much a batch holds of values, unless a single one is larger."""
VALUES = 1000
"""How many values are loaded together."""
REMEMBERED = 200_000


class ValueCopies:
    """Knows which values were sent already, within limits; sending one again does no harm."""

    def __init__(self, source: Backend, other: Holder) -> None:
        self._source = source
        self._other = other
        self._sent: set[bytes] = set()

    def add(
        self, batch: RecordBatch, hashes: Iterable[bytes], small: Mapping[bytes, ValueRecord]
    ) -> Iterator[RecordBatch]:
        """Add the values with these hashes that the other side lacks, and their tags; yield what is too much.

        small: values that are at hand, and that are sent with the calls that hold them.
        """
        new = set(hashes) - self._sent
        if len(self._sent) > REMEMBERED:
            self._sent.clear()
        self._sent |= new
        outlines, others = self._missing(new - small.keys())
        portion = RecordBatch()
        for page, size in _pages(_children_first(outlines), outlines):
            if portion.values and size + sum(len(value.data) for value in portion.values) > MOST_BYTES:
                yield portion
                portion = RecordBatch()
            self._load(portion, page, outlines)
        self._load(portion, others, outlines)
        at_hand = [small[each] for each in sorted(new & small.keys())]
        batch.values += portion.values + at_hand
        batch.tags += portion.tags + self._tags(at_hand)

    def _missing(self, hashes: set[bytes]) -> tuple[dict[bytes, ValueOutline], list[bytes]]:
        """Those that the other side lacks, and what is inside of them: with an outline, and without."""
        outlines: dict[bytes, ValueOutline] = {}
        others: list[bytes] = []
        wanted = self._other.missing_values(list(hashes)) if hashes else set()
        while wanted:
            found = self._source.value_outlines(list(wanted))
            outlines.update(found)
            others += sorted(wanted - found.keys())
            inside = {child for outline in found.values() for child in outline.children} - self._sent
            self._sent |= inside
            wanted = self._other.missing_values(list(inside)) if inside else set()
        return outlines, others

    def _load(self, batch: RecordBatch, hashes: Sequence[bytes], outlines: Mapping[bytes, ValueOutline]) -> None:
        if not hashes:
            return
        stored = self._source.load_values(hashes)
        values = []
        for each in (stored[value_hash] for value_hash in hashes if value_hash in stored):
            outline = outlines.get(each.hash)
            inside = ((), None) if outline is None else (outline.children, outline.path)
            values.append(ValueRecord(*each, *inside))
        batch.values += values
        batch.tags += self._tags(values)

    def _tags(self, values: Sequence[ValueRecord]) -> list[TagRecord]:
        found = self._source.tags(EntityKind.VALUE, [value.hash.hex() for value in values])
        return [tag for tags in found.values() for tag in tags]


def _children_first(outlines: Mapping[bytes, ValueOutline]) -> list[bytes]:
    """The values with outlines, each after those inside it."""
    done: dict[bytes, None] = {}
    for root in sorted(outlines):
        stack = [(root, False)]
        entered: set[bytes] = set()
        while stack:
            value_hash, is_open = stack.pop()
            if is_open:
                done[value_hash] = None
            elif value_hash not in done and value_hash not in entered:
                entered.add(value_hash)
                stack.append((value_hash, True))
                stack.extend((child, False) for child in outlines[value_hash].children if child in outlines)
    return list(done)


def _pages(hashes: list[bytes], outlines: Mapping[bytes, ValueOutline]) -> Iterator[tuple[list[bytes], int]]:
    """The values in parts to load together, with how many bytes each has."""
    page: list[bytes] = []
    size = 0
    for value_hash in hashes:
        if page and (size + outlines[value_hash].size > MOST_BYTES or len(page) >= VALUES):
            yield page, size
            page, size = [], 0
        page.append(value_hash)
        size += outlines[value_hash].size
    if page:
        yield page, size
