"""Values as short texts: never longer than asked for, and never by building the long text first."""

from __future__ import annotations

import dataclasses
import enum
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 12
_LARGE = 100
_SMALL_INT = 1 << 512
_BRACKETS: dict[Any, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def short_repr(value: Any, limit: int = 50, depth: int = 0) -> str:
    """About `repr(value)`, in at most `limit` characters or a few more.

    Costs little whatever the size of the value: containers are read only as far as their text is shown, and large
    objects of other types are named, not written out. A class may have a say with `short_repr_parts(self)`, which
    yields the arguments to show as pairs of a name, or None, and a value.
    """
    kind = type(value)
    if kind is int:
        # Writing out an int takes quadratic time.
        return repr(value) if -_SMALL_INT < value < _SMALL_INT else f"<int of {value.bit_length()} bits>"
    if kind is str or kind is bytes:
        return repr(value) if len(value) <= limit else repr(value[: max(limit - 3, 1)]) + "..."
    if kind is float or kind is bool or value is None:
        return repr(value)
    if kind is dict or kind in _BRACKETS:
        return _container_repr(value, limit, depth)
    return _object_repr(value, limit, depth)


def _container_repr(value: Any, limit: int, depth: int) -> str:
    if isinstance(value, dict):
        opening, closing = "{", "}"
    else:
        opening, closing = _BRACKETS[type(value)]
    if not value:
        return repr(value)
    if depth >= _MAX_DEPTH or limit < 8:
        return f"{opening}...{closing}"
    texts = _item_texts(value, limit - 2, depth + 1)
    if type(value) is tuple and len(value) == 1:
        return f"({next(texts)},)"
    return opening + ", ".join(texts) + closing


def _item_texts(value: Any, limit: int, depth: int) -> Iterator[str]:
    is_dict = isinstance(value, dict)
    for item in value.items() if is_dict else value:
        if limit < 4:
            yield "..."
            return
        if is_dict:
            key = short_repr(item[0], limit, depth)
            text = f"{key}: {short_repr(item[1], max(limit - len(key), 1), depth)}"
        else:
            text = short_repr(item, limit, depth)
        limit -= len(text) + 2
        yield text


def _object_repr(value: Any, limit: int, depth: int) -> str:
    kind = type(value)
    if isinstance(value, enum.Enum):
        return f"{kind.__name__}.{value.name}"
    parts = getattr(kind, "short_repr_parts", None)
    if parts is not None:
        return _fields_repr(kind, parts(value), limit, depth)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    try:
        return _cut(_structured_repr(value, kind, limit, depth), limit)
    except Exception as error:
        return f"<{kind.__name__}: its repr raised {type(error).__name__}>"


def _structured_repr(value: Any, kind: type, limit: int, depth: int) -> str:
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return _fields_repr(kind, zip(kind._fields, value, strict=False), limit, depth)
    if dataclasses.is_dataclass(kind) and getattr(kind.__repr__, "__wrapped__", None) is not None:
        shown = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(kind) if field.repr)
        return _fields_repr(kind, shown, limit, depth)
    own_repr: Any = kind.__repr__
    if isinstance(value, BaseException) and own_repr is BaseException.__repr__:
        return _fields_repr(kind, ((None, item) for item in value.args), limit, depth)
    if own_repr is object.__repr__:
        return f"<{kind.__qualname__}>"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and kind.__module__.partition(".")[0] != "redun":
        return f"<{kind.__name__} of shape {shape}>"
    size = _length(value)
    return repr(value) if size <= _LARGE else f"<{kind.__name__} of {size} items>"


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:  # no length, or as with a lazy expression none yet
        return 0


def _fields_repr(kind: type, fields: Iterator[tuple[str | None, Any]], limit: int, depth: int) -> str:
    kind_name = getattr(kind, "short_repr_name", kind.__name__)
    if depth >= _MAX_DEPTH:
        return f"{kind_name}(...)"
    texts: list[str] = []
    limit -= len(kind_name) + 2
    for name, item in fields:
        if limit < 4:
            texts.append("...")
            break
        label = f"{name}=" if name is not None else ""
        texts.append(label + short_repr(item, max(limit - len(label), 1), depth + 1))
        limit -= len(texts[-1]) + 2
    return f"{kind_name}({', '.join(texts)})"


def _cut(text: str, limit: int) -> str:
    text = " ".join(text.splitlines()) if "\n" in text else text
    return text if len(text) <= limit + 3 else text[: max(limit - 3, 1)] + "..."
