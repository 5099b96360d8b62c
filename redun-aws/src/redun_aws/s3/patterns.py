"""Patterns of file names, matched against keys."""

from __future__ import annotations

import fnmatch
import re
from typing import NamedTuple

_MAGIC = re.compile(r"[*?\[]")
_HIDDEN = re.compile(r"(?:^|/)\.")


class KeyPattern(NamedTuple):
    """A pattern such as `data/*/[ab].csv` for keys, with the rules of `redun.file.FileSystem.glob`."""

    prefix: str
    """What every key that matches begins with."""
    in_one_folder: bool
    """Whether all that matches is in the folder of `prefix`, and not in those below it."""
    matches: re.Pattern[str]
    """Matches the whole of a key."""


def key_pattern(pattern: str) -> KeyPattern | None:
    """A pattern ready for use; None for one that has nothing to match: it is the key of one file."""
    magic = _MAGIC.search(pattern)
    if magic is None:
        return None
    parts = pattern.split("/")
    in_one_folder = "/" not in pattern[magic.start() :] and "**" not in parts
    return KeyPattern(pattern[: magic.start()], in_one_folder, re.compile(_expression(parts)))


def is_hidden(rest: str) -> bool:
    """Whether a key, from below some folder on, is that of a hidden file, or of one in a hidden folder."""
    return _HIDDEN.search(rest) is not None


def _expression(parts: list[str]) -> str:
    text = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            text += r"(?:(?!\.)[^/]*/)*" + (r"(?!\.)[^/]+" if is_last else "")
        else:
            text += _name(part) + ("" if is_last else "/")
    return f"(?s:{text})\\Z"


def _name(part: str) -> str:
    """The expression for one name in a path."""
    text = "" if part.startswith(".") or not _MAGIC.search(part) else r"(?!\.)"
    position = 0
    while position < len(part):
        character = part[position]
        position += 1
        end = part.find("]", position + 2 if part[position : position + 1] == "!" else position + 1)
        if character == "*":
            text += "[^/]*"
        elif character == "?":
            text += "[^/]"
        elif character == "[" and end >= 0:
            text += _class(part[position - 1 : end + 1])
            position = end + 1
        else:
            text += re.escape(character)
    return text


def _class(text: str) -> str:
    """The expression for one character out of `[...]`, which Python's own patterns know in all its odd forms."""
    # Without the end of the text, which is what the last two characters stand for.
    return f"(?!/){fnmatch.translate(text)[:-2]}"
