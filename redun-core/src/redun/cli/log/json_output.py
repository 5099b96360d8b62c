"""JSON written piece by piece: what is an iterator in the data becomes an array, without being gathered first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def json_chunks(data: Any) -> Iterator[str]:
    """The text of a document. Objects at the top may hold iterators; below them the data is ordinary."""
    yield from _value(data)
    yield "\n"


def _value(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping) and any(isinstance(item, Iterator) for item in data.values()):
        yield "{"
        for index, (key, item) in enumerate(data.items()):
            yield f"{',' if index else ''}\n{json.dumps(key)}: "
            yield from _value(item)
        yield "\n}"
    elif isinstance(data, Iterator):
        yield "["
        for index, item in enumerate(data):
            yield f"{',' if index else ''}\n"
            yield from _value(item)
        yield "\n]"
    else:
        yield json.dumps(data)
