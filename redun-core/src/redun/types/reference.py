"""The canonical encoding of plain data, written out: what `marshal` version 2 writes, in Python, without recursion.

It says what the format is, independently of `marshal`, and it serves where `marshal` cannot: data nested deeper than
2,000 levels, sets inside sets (which `marshal` encodes twice a level), sets with several complex NaNs.

The format, with all numbers little endian and every length four bytes:

| value | bytes |
|---|---|
| None, False, True | `N`, `F`, `T` |
| int of 32 bits | `i`, four bytes |
| any other int | `l`, the signed number of 15-bit digits, two bytes a digit |
| float, complex | `g` and eight bytes, `y` and sixteen |
| str | `u`, length, UTF-8 in which lone surrogates pass |
| bytes | `s`, length, the bytes |
| tuple, list | `(` or `[`, length, the items |
| dict | `{`, keys and values in turn, `0` |
| set, frozenset | `<` or `>`, length, the encodings of the items in ascending order |
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = struct.Struct("<I")
_HEADERS: dict[type, bytes] = {tuple: b"(", list: b"[", set: b"<", frozenset: b">"}


def encode_plain(value: Any) -> bytes:
    """The canonical encoding of plain data, of any depth.

    Raises TypeError where it meets anything but None and exact bool, int, float, complex, str, bytes, tuple, list,
    dict, set and frozenset. Data that contains itself never ends: the caller excludes it.
    """
    out: list[bytes] = []
    # One frame for each open container: what is left of it and, for a set, the encodings of its items and the output
    # around it.
    frames: list[tuple[Iterator[Any], list[bytes] | None, list[bytes]]] = [(iter((value,)), None, out)]
    while frames:
        items, set_items, outer = frames[-1]
        if set_items is not None and out:  # an item of this set is complete
            set_items.append(b"".join(out))
            out.clear()
        try:
            item = next(items)
        except StopIteration:
            frames.pop()
            if set_items is not None:
                out = outer
                out.extend(sorted(set_items))
            continue
        kind = type(item)
        if kind is dict:
            out.append(b"{")
            frames.append((chain(chain.from_iterable(item.items()), (_DICT_END,)), None, out))
        elif kind is list or kind is tuple:
            out.append(_HEADERS[kind] + _LENGTH.pack(len(item)))
            frames.append((iter(item), None, out))
        elif kind is set or kind is frozenset:
            out.append(_HEADERS[kind] + _LENGTH.pack(len(item)))
            frames.append((iter(item), [], out))
            out = []
        else:
            out.append(_encode_atom(item))
    return b"".join(out)


class _DictEnd:
    pass


_DICT_END = _DictEnd()


def _encode_atom(item: Any) -> bytes:
    kind = type(item)
    if kind is int:
        return _encode_int(item)
    if kind is str:
        data: bytes = item.encode("utf-8", "surrogatepass")
        return b"u" + _LENGTH.pack(len(data)) + data
    if item is None:
        return b"N"
    if kind is bool:
        return b"T" if item else b"F"
    if kind is float:
        return b"g" + struct.pack("<d", item)
    if kind is bytes:
        return b"".join((b"s", _LENGTH.pack(len(item)), item))
    if kind is complex:
        return b"y" + struct.pack("<dd", item.real, item.imag)
    if item is _DICT_END:
        return b"0"
    raise TypeError(f"{kind.__qualname__} is not plain data")


def _encode_int(number: int) -> bytes:
    if -0x80000000 <= number <= 0x7FFFFFFF:
        return b"i" + struct.pack("<i", number)
    magnitude = abs(number)
    count = -(-magnitude.bit_length() // 15)
    # Through a binary text: shifting 15 bits at a time would be quadratic.
    bits = f"{magnitude:0{count * 15}b}"
    digits = [int(bits[start : start + 15], 2) for start in range((count - 1) * 15, -1, -15)]
    return b"l" + struct.pack(f"<i{count}H", -count if number < 0 else count, *digits)


class _Reader:
    """Takes bytes off the front, and never reads past the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise ValueError("the data ends too early")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def length(self) -> int:
        count: int = _LENGTH.unpack(self.take(4))[0]
        return count


_END = object()


def decode_plain(data: bytes) -> Any:
    """The value that `encode_plain` encoded. Raises ValueError for anything that is not such an encoding."""
    reader = _Reader(data)
    # One frame for each open container: its code, how many items it still takes (-1: until the end mark), and its
    # items.
    frames: list[tuple[bytes, int, list[Any]]] = []
    while True:
        code = reader.take(1)
        if code == b"{":
            frames.append((code, -1, []))
            continue
        if code in (b"(", b"[", b"<", b">"):
            frames.append((code, reader.length(), []))
            item = _END
        else:
            item = _END if code == b"0" else _decode_atom(code, reader)
            if item is not _END:
                if not frames:
                    return _finished(item, reader)
                frames[-1][2].append(item)
            elif not frames or frames[-1][0] != b"{":
                raise ValueError("the end of a dict outside of a dict")
        while frames and (len(frames[-1][2]) == frames[-1][1] or (code == b"0" and frames[-1][0] == b"{")):
            kind, _, items = frames.pop()
            made = _make(kind, items)
            if not frames:
                return _finished(made, reader)
            frames[-1][2].append(made)
            code = b""


def _finished(value: Any, reader: _Reader) -> Any:
    if reader.position != len(reader.data):
        raise ValueError("more data than one value")
    return value


def _make(kind: bytes, items: list[Any]) -> Any:
    if kind == b"[":
        return items
    if kind == b"(":
        return tuple(items)
    if kind == b"{":
        if len(items) % 2:
            raise ValueError("a dict with a key without a value")
        return dict(zip(items[::2], items[1::2], strict=True))
    return set(items) if kind == b"<" else frozenset(items)


_ATOMS = {b"N": None, b"F": False, b"T": True}


def _decode_atom(code: bytes, reader: _Reader) -> Any:
    if code == b"i":
        return struct.unpack("<i", reader.take(4))[0]
    if code == b"u":
        return reader.take(reader.length()).decode("utf-8", "surrogatepass")
    if code in _ATOMS:
        return _ATOMS[code]
    if code == b"g":
        return struct.unpack("<d", reader.take(8))[0]
    if code == b"s":
        return reader.take(reader.length())
    if code == b"y":
        return complex(*struct.unpack("<dd", reader.take(16)))
    if code == b"l":
        count = struct.unpack("<i", reader.take(4))[0]
        digits = struct.unpack(f"<{abs(count)}H", reader.take(2 * abs(count)))
        bits = "".join(f"{digit:015b}" for digit in reversed(digits))
        magnitude = int(bits or "0", 2)
        return -magnitude if count < 0 else magnitude
    raise ValueError(f"unknown code {code!r}")
