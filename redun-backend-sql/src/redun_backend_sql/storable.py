"""Text that a database takes: names from the system may hold bytes that are no text, as lone surrogates."""

from __future__ import annotations


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
