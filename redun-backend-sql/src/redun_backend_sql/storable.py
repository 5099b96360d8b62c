"""Text that a database takes: names from the system may hold bytes that are no text, as lone surrogates."""

from __future__ import annotations

import json
from typing import Any


def is_storable(text: str) -> bool:
    """Whether a database takes this text as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_path(path: str) -> str:
    """A path as it stands in the table, with backslash escapes for bytes that are no text."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode()


def storable_json(value: Any) -> str:
    """A value of a tag, or a list of words, as it stands in a table: one text for equal values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if is_storable(text):
        return text
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
