"""Text that a database takes: names from the system may hold bytes that are no text, as lone surrogates."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

LONGEST_PATH = 2000
"""Bytes of a path in its table: PostgreSQL refuses index entries above 2,700 bytes."""


def is_storable(text: str) -> bool:
    """Whether a database takes this text as it is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable_path(path: str) -> str:
    """A path as it stands in the table.

    Bytes that are no text, and NUL, which PostgreSQL takes for the end, become backslash escapes. The end of a path
    that is too long for an index becomes a hash.
    """
    if not path.isascii():
        path = path.encode("utf-8", "backslashreplace").decode()
    path = path.replace("\0", "\\x00")
    if len(path) <= LONGEST_PATH // 4:
        return path
    encoded = path.encode()
    if len(encoded) <= LONGEST_PATH:
        return path
    return f"{encoded[: LONGEST_PATH - 50].decode(errors='ignore')}...{blake2b(encoded, digest_size=20).hexdigest()}"


def storable_json(value: Any) -> str:
    """A value of a tag, or a list of words, as it stands in a table: one text for equal values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if is_storable(text):
        return text
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
