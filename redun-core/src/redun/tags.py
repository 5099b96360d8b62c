"""Tags as text: how a value is read from the command line and the configuration, and how it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from redun.errors import UsageError

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = {"": None, "null": None, "true": True, "false": False}

VERSION_KEY = "redun.version"
PROJECT_KEY = "project"
DOC_KEY = "doc"
USER_KEY = "user"
"""The keys of tags that every execution started by `redun run` may have."""

ANY_VALUE = object()
"""What `parse_tag_key_value` gives for a key alone: a tag with this key and whatever value."""

MAX_SHOWN = 50
"""Characters of a key or of a value that listings show."""


def parse_tag_value(text: str) -> Any:
    """Read a tag's value: JSON where it looks like JSON, a number, `true`, `false`, `null` or nothing; else a string.

    Raises ValueError for text that begins like JSON (with `[`, `{` or `"`) and is not.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in '[{"':
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"tag value {text!r} begins like JSON, but is not: {error}") from None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse_tag_key_value(text: str, value_required: bool = True) -> tuple[str, Any]:
    """Split `key=value` and read the value.

    value_required: False takes a key alone as well, with `ANY_VALUE` for its value.

    Raises ValueError without a key, and without a `=` that is required.
    """
    key, equals, value = text.partition("=")
    if key and not equals and not value_required:
        return key, ANY_VALUE
    if not equals or not key:
        raise ValueError(f"tag {text!r} should have the form key=value")
    return key, parse_tag_value(value)


def format_tag_value(value: Any) -> str:
    """The text that `parse_tag_value` reads back as this value."""
    if isinstance(value, str) and value and _is_plain(value):
        return value
    return json.dumps(value, sort_keys=True)


def format_tag_key_value(key: str, value: Any, max_length: int = MAX_SHOWN) -> str:
    """`key=value` for a listing, either side cut at `max_length` characters."""
    return f"{_cut(key, max_length)}={_cut(format_tag_value(value), max_length)}"


def _is_plain(text: str) -> bool:
    try:
        return isinstance(parse_tag_value(text), str) and text[0] != '"'
    except ValueError:
        return False


def _cut(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def check_tags(tags: Any) -> tuple[tuple[str, Any], ...]:
    """The tags that a task declares: pairs of a key and a JSON value.

    Raises `ValueError` for anything else.
    """
    if tags is None:
        return ()
    if not isinstance(tags, (list, tuple)):
        raise ValueError(f"tags must be a list of (key, value) pairs, not {tags!r}")
    for tag in tags:
        if not (isinstance(tag, (list, tuple)) and len(tag) == 2 and isinstance(tag[0], str)):
            raise ValueError(f"tags must be a list of (key, value) pairs, and {tag!r} is not such a pair")
        try:
            json.dumps(tag[1])
        except (TypeError, ValueError) as error:
            raise ValueError(f"the value of the tag {tag[0]!r} must be JSON: {error}") from None
    return tuple((key, value) for key, value in tags)


def check_many_tags(tags: Any) -> tuple[tuple[str, Any], ...]:
    """The tags for an execution, which may come one by one.

    Raises `UsageError` for anything but pairs of a key and a JSON value.
    """
    is_many = isinstance(tags, Iterable) and not isinstance(tags, (str, Mapping))
    try:
        return check_tags(list(tags) if is_many else tags)
    except ValueError as error:
        raise UsageError(str(error)) from None
