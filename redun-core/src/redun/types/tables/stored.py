"""How arrays and tables are stored: a heading of plain data, and a body in a format of their library.

The heading says what is needed to read the body, and what is worth showing: this needs nothing but the standard
library. The body is compressed where a sample says that this pays.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from redun.errors import InvalidValueError

_VERSION = b"\x01"
_LENGTH_SIZE = 4
_SAMPLE = 1 << 15
_LEAST = 1 << 10
"""Bytes below which compressing is not worth the time."""
_PAYS = 0.6
"""To which part of its size a sample must shrink, so that less to write makes up for the time it takes."""
_SHOWN_NAMES = 20


def pack(heading: dict[str, Any], body: Any) -> bytes:
    """A heading and a body, which may be anything with a contiguous buffer, as bytes."""
    view = memoryview(body).cast("B")
    if _compression_pays(view):
        heading = heading | {"zlib": True}
        view = memoryview(zlib.compress(view, 1))
    head = json.dumps(heading).encode()
    return b"".join((_VERSION, len(head).to_bytes(_LENGTH_SIZE, "little"), head, view))


def unpack(data: bytes | memoryview) -> tuple[dict[str, Any], bytes | memoryview]:
    """The heading and the body again. Raises InvalidValueError for bytes that `pack` did not make."""
    heading, start = _heading(data)
    body = memoryview(data)[start:]
    return heading, zlib.decompress(body) if heading.get("zlib") else body


def summary(data: bytes) -> str:
    """What the heading says about the value, for people: `float64, 3 x 4`."""
    heading, _ = _heading(data)
    return str(heading.get("shows", ""))


def names_shown(names: Any) -> str:
    """The names of columns, as far as there is room for them."""
    names = [str(name) for name in names]
    return ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")


def _heading(data: bytes | memoryview) -> tuple[dict[str, Any], int]:
    view = memoryview(data)
    start = 1 + _LENGTH_SIZE
    end = start + int.from_bytes(view[1:start], "little")
    if bytes(view[:1]) != _VERSION or end > len(view):
        raise InvalidValueError("the stored bytes of an array or table are damaged, or of a later version of redun")
    heading: dict[str, Any] = json.loads(bytes(view[start:end]))
    return heading, end


def _compression_pays(view: memoryview) -> bool:
    size = len(view)
    if size < _LEAST:
        return False
    middle = size // 2
    sample = view if size <= 2 * _SAMPLE else bytes(view[:_SAMPLE]) + bytes(view[middle : middle + _SAMPLE])
    return len(zlib.compress(sample, 1)) < _PAYS * len(sample)
