"""Values: how anything that a task takes or returns is hashed, stored and brought back.

`encode` gives the canonical hash of a value and its bytes, `decode` the value again. What "canonical" promises is
written in `redun.types.canonical`.
"""

from __future__ import annotations

import importlib
import marshal
from typing import TYPE_CHECKING, Any, NamedTuple

from redun import nested
from redun.errors import FOREIGN_ERRORS, InvalidArgumentError, InvalidValueError, describe_error
from redun.errors import ValueTypeError as TypeError  # noqa: A004 - the name that workflows catch
from redun.hashing import new_hasher
from redun.types import graph, pickling, plain, reductions, reference
from redun.types.builtin import Bool, DatetimeType, EnumType, Function, Set, is_unknown_function, parse_arg
from redun.types.canonical import Walk, digest, hash_buffer, hash_long
from redun.types.contents import iter_speakers
from redun.types.plain import ATOMS, CONTAINERS, FLAT_LIMIT, PLAIN
from redun.types.protocol import (
    MIME_TYPE_PICKLE,
    MetaValue,
    ProxyValue,
    TypeRegistry,
    Value,
    get_type_registry,
    load_value,
    use_type_registry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from redun.file.file_cache import FileCache

__all__ = [
    "MIME_TYPE_PICKLE",
    "Bool",
    "DatetimeType",
    "EncodedValue",
    "EnumType",
    "FileCache",
    "Function",
    "InvalidValueError",
    "MetaValue",
    "ProxyValue",
    "Set",
    "TypeError",
    "TypeRegistry",
    "Value",
    "decode",
    "each_inside",
    "encode",
    "get_type_registry",
    "hash_value",
    "is_unknown_function",
    "is_valid",
    "parse_arg",
    "register_codec",
    "use_type_registry",
]


class EncodedValue(NamedTuple):
    """A value as bytes, with its hash."""

    hash: bytes
    type_name: str
    codec: str
    """How the bytes are to be read: see `decode`."""
    data: bytes
    children: tuple[EncodedValue, ...] = ()
    """The files, tasks and other `Value` instances inside that have records of their own, and those inside them."""
    path: str | None = None
    """Of a file or directory: where it is."""


_hasher = new_hasher("value")
_type_names = {cls: f"{cls.__module__}.{cls.__qualname__}" for cls in PLAIN}
_QUICK = frozenset({type(None), bool, int, float, complex})
_LONG_TEXT = 1 << 16
_MARSHAL_TEXT = 1 << 29
"""Texts from here on may have more bytes than marshal takes."""
_STORE_LIMIT = 1 << 28


def encode(value: Any) -> EncodedValue:
    """The canonical hash of a value, and the value as bytes.

    Raises InvalidValueError for what cannot be hashed or stored, naming its type and where inside the value it is.
    """
    cls = type(value)
    if cls in _QUICK or (cls is str and len(value) < _LONG_TEXT):
        data = marshal.dumps(value, 2)
        hasher = _hasher.copy()
        hasher.update(data)
        return EncodedValue(hasher.digest(), _type_names[cls], "plain", data)
    if cls in CONTAINERS:
        flat = plain.flatten(value)
        if flat is not None and len(flat) <= FLAT_LIMIT:
            hasher = _hasher.copy()
            hasher.update(flat)
            return EncodedValue(hasher.digest(), _type_names[cls], "plain", flat)
        return _encode_container(value)
    if cls is bytes:
        return EncodedValue(hash_long(value)[1], "builtins.bytes", "bytes", value)
    if cls is bytearray:
        return EncodedValue(hash_buffer(b"b", value), "builtins.bytearray", "bytes", bytes(value))
    if cls is str:
        return _encode_text(value)
    return _encode_instance(value)


def hash_value(value: Any) -> bytes:
    """The canonical hash of a value, as `encode` gives it, without the work of storing it.

    Raises InvalidValueError for what cannot be hashed. What can be hashed may still turn out not to be storable.
    """
    cls = type(value)
    if cls in CONTAINERS:
        flat = plain.flatten(value)
    elif cls in _QUICK or (cls is str and len(value) < _LONG_TEXT):
        flat = marshal.dumps(value, 2)
    else:
        return _walk(value)[1]
    if flat is None or len(flat) > FLAT_LIMIT:
        return _walk(value)[1]
    hasher = _hasher.copy()
    hasher.update(flat)
    return hasher.digest()


def _walk(value: Any) -> tuple[Walk, bytes]:
    walk = Walk()
    try:
        return walk, walk.hash(value)
    except InvalidArgumentError:
        raise
    except InvalidValueError as error:
        raise InvalidValueError(pickling.describe(value, error, lambda part: Walk().hash(part))) from error


def _encode_text(value: str) -> EncodedValue:
    if len(value) >= _MARSHAL_TEXT:
        return EncodedValue(hash_long(value)[1], "builtins.str", "pickle", pickling.dump(value))
    data = marshal.dumps(value, 2)
    return EncodedValue(digest(data), "builtins.str", "plain", data)


def _encode_container(value: Any) -> EncodedValue:
    walk, hash_ = _walk(value)
    type_name = _type_names[type(value)]
    if walk.flat_size >= 0:
        codec, data = _store_plain(value, walk)
        return EncodedValue(hash_, type_name, codec, data)
    return EncodedValue(hash_, type_name, "pickle", pickling.dump(value), _encode_all(walk.found.values()))


def _store_plain(value: Any, walk: Walk) -> tuple[str, bytes]:
    if walk.flat_size <= min(2 * walk.distinct_size + FLAT_LIMIT, _STORE_LIMIT):
        flat = plain.flatten(value, _STORE_LIMIT)
        return "plain", reference.encode_plain(value) if flat is None else flat
    return "graph", graph.dump_graph(value)


def _encode_instance(value: Any) -> EncodedValue:
    if isinstance(value, Value):
        return _encode_all((value,))[0]
    walk, hash_ = _walk(value)
    children = _encode_all(walk.found.values())
    registry = get_type_registry()
    type_name = registry.get_type_name(type(value))
    proxy = registry.get_proxy(type(value))
    if proxy is None or not has_own_format(proxy):
        return EncodedValue(hash_, type_name, "pickle", pickling.dump(value), children)
    return EncodedValue(hash_, type_name, "value", _serialize(proxy(value)), children)


def _encode_one(value: Any) -> tuple[EncodedValue, list[Any]]:
    """A value without its children, and what these are."""
    cls = type(value)
    if not isinstance(value, Value):
        return encode(value), []
    inside = _inside(value)
    piece = reductions.value_piece(value)
    if piece is None:
        walk, hash_ = _walk(value)
        inside = [*(found for found in walk.found.values() if found is not value), *inside]
    else:
        hash_ = piece[1:]
    path = str(value.path) if cls._redun_has_path else None  # type: ignore[attr-defined]
    codec, data = ("value", _serialize(value)) if has_own_format(cls) else ("pickle", pickling.dump(value))
    return EncodedValue(hash_, cls.type_name, codec, data, (), path), inside


def _inside(value: Value) -> list[Any]:
    try:
        return list(value.iter_subvalues())
    except InvalidValueError:
        raise
    except FOREIGN_ERRORS as error:  # users' code, which may raise anything
        reason = describe_error(error)
        raise InvalidValueError(f"the values inside a {type(value).type_name} cannot be told: {reason}") from error


def _serialize(value: Value) -> bytes:
    try:
        return bytes(value.serialize())
    except InvalidValueError:
        raise
    except FOREIGN_ERRORS as error:  # users' code, which may raise anything
        reason = describe_error(error)
        raise InvalidValueError(f"a {type(value).type_name} cannot be serialized: {reason}") from error


def has_own_format(cls: type[Value]) -> bool:
    """Whether a class says itself how its values become bytes."""
    if cls.serialize not in (Value.serialize, ProxyValue.serialize):
        return True
    return cls.deserialize.__func__ is not Value.deserialize.__func__  # type: ignore[attr-defined]


def _encode_all(values: Iterable[Value]) -> tuple[EncodedValue, ...]:
    """The encoded values with those inside them, each hash once.

    A value is encoded once, however many others hold it. Where it is held by something inside of it, it is left out.
    """
    roots = list(values)
    begun: dict[int, tuple[EncodedValue, list[Any]]] = {}
    done: dict[int, EncodedValue] = {}
    stack = roots[::-1]
    while stack:
        value = stack[-1]
        key = id(value)
        if key not in begun:
            begun[key] = _encode_one(value)
            stack.extend(part for part in reversed(begun[key][1]) if id(part) not in begun)
            continue
        stack.pop()
        if key not in done:
            encoded, parts = begun[key]
            children = {done[id(part)].hash: done[id(part)] for part in parts if id(part) in done}
            done[key] = encoded._replace(children=tuple(children.values())) if parts else encoded
    return tuple({done[id(root)].hash: done[id(root)] for root in roots}.values())


def each_inside(encoded: EncodedValue) -> Iterator[EncodedValue]:
    """An encoded value and those inside it, each once, and after those inside it."""
    seen: set[int] = set()
    stack = [(encoded, False)]
    while stack:
        value, is_open = stack.pop()
        if is_open:
            yield value
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            stack.extend((child, False) for child in reversed(value.children))


# -- and back ---------------------------------------------------------------------------------------------------------


def _decode_bytes(data: bytes, type_name: str) -> Any:
    return bytearray(data) if type_name == "builtins.bytearray" else bytes(data)


_codecs: dict[str, Callable[[bytes, str], Any]] = {
    "plain": lambda data, _: plain.load(data),
    "bytes": _decode_bytes,
    "graph": lambda data, _: graph.load_graph(data),
    "pickle": lambda data, _: pickling.load(data),
    "value": lambda data, type_name: load_value(type_name, data),
}


def register_codec(name: str, decode_function: Callable[[bytes], Any]) -> None:
    """Say how `decode` reads the bytes of a codec that another module writes."""
    _codecs[name] = lambda data, _: decode_function(data)


def decode(codec: str, data: bytes, type_name: str) -> Any:
    """The value that `encode` made bytes of.

    Raises InvalidValueError for an unknown codec, and whatever the reason why the bytes cannot be read: a class or
    module that is gone, damaged data, a class that refuses its state.
    """
    read = _codecs.get(codec)
    if read is None:
        raise InvalidValueError(
            f"a stored {type_name} has the codec {codec!r}, which is unknown here; known: {', '.join(_codecs)}"
        )
    try:
        return read(data, type_name)
    except InvalidValueError:
        raise
    except FOREIGN_ERRORS as error:  # classes run their own code here and may raise anything
        reason = describe_error(error)
        raise InvalidValueError(f"a stored {type_name} (codec {codec}) cannot be brought back: {reason}") from error


def apply_hook(name: str, value: Any, arguments: dict[str, Any]) -> Any:
    """A nested value after its `Value` leaves have had their say.

    name: `preprocess`, for an argument before its task is called, or `postprocess`, for a result before it is recorded.
    arguments: what the method is given.
    """
    registry = get_type_registry()
    cls = type(value)
    if name not in registry.hooks or cls in ATOMS or (cls in CONTAINERS and plain.is_plain(value)):
        return value
    unchanged = getattr(Value, name)

    def speaks(leaf: Any) -> bool:
        speaker = None if type(leaf) in ATOMS else registry.get_type(type(leaf))
        return speaker is not None and getattr(speaker, name) is not unchanged

    def change(leaf: Any) -> Any:
        return getattr(registry.get_value(leaf), name)(arguments) if speaks(leaf) else leaf

    return nested.map_leaves(change, value) if any(map(speaks, nested.iter_leaves(value))) else value


def is_valid(value: Any) -> bool:
    """Whether a value from the cache may still be used: every `Value` inside says so. Plain data always may."""
    cls = type(value)
    if cls in ATOMS or (cls in CONTAINERS and plain.is_plain(value)):
        return True
    return all(speaker.is_valid() for speaker in iter_speakers(value))


def __getattr__(name: str) -> Any:
    if name == "FileCache":  # has its name here for workflows, and its home with the files, on a floor above
        return importlib.import_module("redun.file.file_cache").FileCache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
