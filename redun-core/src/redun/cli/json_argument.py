"""Arguments that are given as JSON: dictionaries, and lists inside of lists."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from typing import Any

from redun.errors import UsageError

_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_ARRAYS: dict[Any, Any] = {list: list, tuple: tuple, set: set, frozenset: frozenset, collections.abc.Sequence: list}
_SCALARS = (str, int, float, bool)


def is_json(annotation: Any) -> bool:
    """Whether one text on the command line has to be JSON to make a value of this type."""
    origin = typing.get_origin(annotation) or annotation
    if _is_dataclass(origin):
        from redun.value import get_type_registry

        return get_type_registry().get_type(origin) is None  # which may read texts of its own
    # An annotation may be anything at all, so it is not hashed.
    return any(origin is one for one in (*_OBJECTS, *_ARRAYS)) or typing.is_typeddict(annotation)


def read_json(annotation: Any, text: str, where: str) -> Any:
    """The value that the text stands for, with keys and items of the types that the annotation names.

    Raises UsageError, which begins with `where`, for what is not JSON, or JSON of another shape.
    """
    import json

    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where}: {text!r} is not JSON such as {_example(annotation)} ({error})") from None
    return _converted(annotation, data, where)


def _is_dataclass(origin: Any) -> bool:
    return isinstance(origin, type) and dataclasses.is_dataclass(origin)


def _example(annotation: Any) -> str:
    if _is_dataclass(annotation):
        return "'{" + ", ".join(f'"{field.name}": ...' for field in dataclasses.fields(annotation) if field.init) + "}'"
    return "[1, 2]" if (typing.get_origin(annotation) or annotation) in _ARRAYS else """'{"key": 1}'"""


def _converted(annotation: Any, data: Any, where: str) -> Any:
    origin = typing.get_origin(annotation) or annotation
    items = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _first_that_fits(items, data, where)
    if origin in _OBJECTS or typing.is_typeddict(origin):
        _check(isinstance(data, dict), data, "an object", where)
        key_type, item_type = items if len(items) == 2 else (str, Any)
        return {_key(key_type, key, where): _converted(item_type, item, where) for key, item in data.items()}
    if _is_dataclass(origin) and is_json(origin):
        _check(isinstance(data, dict), data, "an object", where)
        return _made(origin, data, where)
    if origin in _ARRAYS:
        _check(isinstance(data, list), data, "an array", where)
        return _ARRAYS[origin](_converted(one, item, where) for one, item in _pairs(origin, items, data, where))
    if origin in _SCALARS:
        fits = type(data) is origin or (origin is float and type(data) is int)
        _check(fits, data, f"of type {origin.__name__}", where)
        return origin(data)
    if origin is type(None):
        _check(data is None, data, "null", where)
    if isinstance(data, str) and isinstance(origin, type) and origin is not object:
        return _from_text(annotation, data, where)
    return data


def _made(cls: Any, data: dict[str, Any], where: str) -> Any:
    """An instance of a dataclass from its fields."""
    hints = typing.get_type_hints(cls)
    names = {field.name for field in dataclasses.fields(cls) if field.init}
    for name in data:
        if name not in names:
            raise UsageError(f"{where}: {cls.__name__} has no field {name!r}, only {', '.join(sorted(names))}")
    values = {name: _converted(hints.get(name, Any), item, where) for name, item in data.items()}
    try:
        return cls(**values)
    except Exception as error:  # a missing field, or what the class itself says to the values
        raise UsageError(f"{where}: {cls.__name__} cannot be made: {error}") from error


def _pairs(origin: Any, items: tuple[Any, ...], data: list[Any], where: str) -> list[tuple[Any, Any]]:
    if origin is tuple and items and items[-1] is not Ellipsis:
        _check(len(data) == len(items), data, f"an array of {len(items)}", where)
        return list(zip(items, data, strict=True))
    return [(items[0] if items else Any, item) for item in data]


def _first_that_fits(members: tuple[Any, ...], data: Any, where: str) -> Any:
    for member in members[:-1]:
        try:
            return _converted(member, data, where)
        except UsageError:
            continue
    return _converted(members[-1], data, where)


def _key(key_type: Any, key: str, where: str) -> Any:
    # Keys of JSON objects are always texts.
    return key if key_type in (str, Any) else _from_text(key_type, key, where)


def _from_text(annotation: Any, text: str, where: str) -> Any:
    from redun.value import parse_arg

    try:
        return parse_arg(annotation, text)
    except Exception as error:  # the constructor of any type of the user's
        raise UsageError(f"{where}: {text!r} inside of the JSON: {error}") from error


def _check(is_right: bool, data: Any, expected: str, where: str) -> None:
    if not is_right:
        import json

        raise UsageError(f"{where}: {json.dumps(data)} should be {expected}")
