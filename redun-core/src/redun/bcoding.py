"""Bencode: one text for each nested value of texts, bytes, whole numbers, lists and dicts.

The format of BitTorrent's metadata (BEP 3). Equal values have equal encodings, which is why hashes are made of it.
"""

from __future__ import annotations

import re
from typing import Any

_HEAD = re.compile(rb"i(-?[0-9]+)e|([0-9]+):|([lde])")


def bencode(data: Any) -> bytes:
    """The encoding of a nested value of `str`, `bytes`, `int`, lists, tuples and dicts with keys of `str` or `bytes`.

    A text has the encoding of its UTF-8 bytes, a tuple that of a list; the order of a dict's items does not count.

    Raises `TypeError` for anything else, such as a boolean, None or a float.
    """
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, bytes | bytearray):
        return b"%d:" % len(data) + data
    if isinstance(data, int) and not isinstance(data, bool):
        return b"i%de" % data
    if isinstance(data, list | tuple):
        return b"l" + b"".join(map(bencode, data)) + b"e"
    if isinstance(data, dict):
        items = sorted((_key(key), bencode(value)) for key, value in data.items())
        return b"d" + b"".join(bencode(key) + value for key, value in items) + b"e"
    raise TypeError(
        f"{data!r} of type {type(data).__name__} has no bencoding: there are str, bytes, int, list, tuple and dict"
    )


def _key(key: Any) -> bytes:
    if isinstance(key, str | bytes):
        return key.encode() if isinstance(key, str) else key
    raise TypeError(f"the dict key {key!r} has no bencoding: keys are str or bytes, not {type(key).__name__}")


def bdecode(data: bytes) -> Any:
    """The value that some bytes encode. Bytes that are UTF-8 come back as `str`, others as `bytes`.

    Raises `ValueError` for what is no bencoding.
    """
    value, end = _read(data, 0)
    if value is _END:
        raise ValueError("the bencoding begins with the end of a list or dict")
    if end != len(data):
        raise ValueError(f"the bencoding ends at byte {end}, and there are {len(data)}")
    return value


def _read(data: bytes, start: int) -> tuple[Any, int]:
    """The value that begins at a position, and where it ends. The end of a container is read as `_END`."""
    head = _HEAD.match(data, start)
    if head is None:
        raise ValueError(f"no bencoding begins at byte {start} of {len(data)}")
    number, length, letter = head.groups()
    if number is not None:
        return int(number), head.end()
    if length is not None:
        return _text(data, head.end(), int(length))
    if letter == b"e":
        return _END, head.end()
    items: list[Any] = []
    end = head.end()
    while True:
        item, end = _read(data, end)
        if item is _END:
            return _container(items, start, is_dict=letter == b"d"), end
        items.append(item)


def _text(data: bytes, start: int, length: int) -> tuple[str | bytes, int]:
    text = data[start : start + length]
    if len(text) < length:
        raise ValueError(f"the bencoding is cut: {length} bytes should follow byte {start}, and {len(text)} do")
    try:
        return text.decode(), start + length
    except UnicodeDecodeError:
        return text, start + length


def _container(items: list[Any], start: int, *, is_dict: bool) -> Any:
    if not is_dict:
        return items
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values) or not all(isinstance(key, str | bytes) for key in keys):
        raise ValueError(f"the dict at byte {start} is no bencoding: it takes pairs of a text and a value")
    return dict(zip(keys, values, strict=True))


_END = object()
