"""What the canonical hash takes from an instance: what pickling would take of it, without what depends on the process.

| instance | what is hashed |
|---|---|
| `Value` | what its `get_hash` says, with its type name; by default its state |
| enum member | class, name and value |
| function | importable name and source text |
| class, module, built-in function | importable name |
| pathlib path | class and text: the module of the classes, and their pickles, changed in Python 3.13 |
| fraction, time zone | class and content: their pickles are not the same in all Python versions |
| array or table | its content, whatever the layout in memory: see `redun.types.tables` |
| subclass of set | class, items in canonical order, attributes |
| memory (bytearray, PickleBuffer, memoryview) | its bytes |
| anything else | what its `__reduce_ex__(5)` returns: the callable by name, its arguments, the state, the items |

The code of a class, and so of the methods of an instance, is no part of it. Attributes count by name, not in the
order in which they were set. An attribute that a class computes and keeps counts as well, unless its `__getstate__`
leaves it out. An object whose `__reduce_ex__` returns something unusual goes by its pickle, which may depend on
sharing and on the order of sets inside.
"""

from __future__ import annotations

import copyreg
import enum
import pickle
import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple, cast

from redun.errors import FOREIGN_ERRORS, InvalidValueError, RedunError, describe_error
from redun.hashing import hash_data, hash_parts
from redun.types import names, pickling
from redun.types.node import Piece
from redun.types.protocol import ProxyValue, Value, get_type_registry, on_change

_REFERENCE = b"\x01"
_NAME = b"\x02"
_HASH_TEXT = re.compile("[0-9a-f]{40}")


class Reduction(NamedTuple):
    """What an instance is made of: a piece that is ready, or a header and parts."""

    header: bytes = b""
    parts: Iterable[Any] = ()
    piece: bytes | None = None


_Reduce = Callable[[Any], Reduction]
_reducers: dict[type, _Reduce] = {}
on_change(_reducers.clear)


def reduce(item: Any) -> Reduction:
    """What an instance is made of, in the way of its class.

    Raises InvalidValueError for what cannot be hashed, and whatever code of its class raises that runs here.
    """
    cls = type(item)
    reducer = _reducers.get(cls)
    if reducer is None:
        reducer = _reducers[cls] = _choose(cls)
    return reducer(item)


def _choose(cls: type) -> _Reduce:
    if issubclass(cls, Value):
        has_default_hash = cls.get_hash is Value.get_hash
        return reduce_instance if has_default_hash else _reduce_value
    if issubclass(cls, type):
        return _reduce_named
    proxy = get_type_registry().get_proxy(cls)
    if proxy is not None and hasattr(proxy, "_redun_reduction"):
        if hasattr(proxy, "_redun_pickled"):
            pickling.use_stored_form(cls, proxy)
        return lambda item: _reduce_table(proxy, item)
    if proxy is not None and not proxy._redun_is_builtin:
        return lambda item: _reduce_proxied(proxy, item)
    named = _NAMED.get(names.qualified_name(cls))
    if named is not None:
        return named
    for base, reducer in _BASES:
        if issubclass(cls, base):
            return reducer
    if issubclass(cls, set | frozenset) and cls.__reduce__ in (set.__reduce__, frozenset.__reduce__):
        return _reduce_set
    return reduce_instance


# -- values and proxies -----------------------------------------------------------------------------------------------


def value_piece(item: Value) -> bytes | None:
    """The piece of a `Value` by its own hash; None if its class has not got its own."""
    cls = type(item)
    if cls.get_hash is Value.get_hash:
        return None
    return _value_piece(cls.type_name, item.get_hash)


def _reduce_value(item: Value) -> Reduction:
    return Reduction(piece=value_piece(item))


def _reduce_proxied(proxy: type[ProxyValue], item: Any) -> Reduction:
    return Reduction(piece=_value_piece(proxy.type_name, proxy(item).get_hash))


def ready(hash_: bytes) -> Reduction:
    """The reduction of something whose hash is known."""
    return Reduction(piece=_REFERENCE + hash_)


def _reduce_table(proxy: Any, item: Any) -> Reduction:
    return cast("Reduction", proxy(item)._redun_reduction())


def _value_piece(type_name: str, get_hash: Callable[[], str]) -> bytes:
    try:
        text = get_hash()
    except RedunError:
        raise
    except FOREIGN_ERRORS as error:  # users' code, which may raise anything
        raise InvalidValueError(f"the hash of a {type_name} cannot be worked out: {describe_error(error)}") from error
    if not isinstance(text, str):
        raise InvalidValueError(f"get_hash of a {type_name} must return a text, not a value of {type(text).__name__}")
    # The hashes that redun's own classes return tell their types apart already, and are what users see and ask for.
    # Those of users' classes may be anything, and equal ones of different types must not give one the other's stored
    # value.
    if type_name.startswith("redun.") and _HASH_TEXT.fullmatch(text):
        return _REFERENCE + bytes.fromhex(text)
    return _REFERENCE + hash_parts("value", [b"value", type_name.encode(), text.encode("utf-8", "surrogatepass")])


# -- what is known by name --------------------------------------------------------------------------------------------


def name_piece(name: str) -> Piece:
    """The piece of something known by name."""
    data = name.encode("utf-8", "surrogatepass")
    return Piece(_NAME + len(data).to_bytes(4, "little") + data)


def _reduce_named(item: Any) -> Reduction:
    return Reduction(piece=name_piece(names.importable_name(item)))


def _reduce_module(item: ModuleType) -> Reduction:
    return Reduction(piece=name_piece(names.module_name(item)))


def _reduce_function(item: FunctionType) -> Reduction:
    return Reduction(b"F", [names.importable_name(item), names.function_source(item)])


def _reduce_builtin_function(item: BuiltinFunctionType) -> Reduction:
    if item.__self__ is None or isinstance(item.__self__, ModuleType):
        return _reduce_named(item)
    return reduce_instance(item)


# -- classes of the standard library ----------------------------------------------------------------------------------


def _reduce_enum(item: enum.Enum) -> Reduction:
    # The name of a combination of flags is not the same in all versions; its value says it all.
    name = None if isinstance(item, enum.Flag) else item._name_
    return Reduction(b"E", [_class_piece(type(item)), name, item._value_])


def _reduce_path(item: PurePath) -> Reduction:
    cls = type(item)
    is_own = cls.__module__.partition(".")[0] == "pathlib"
    return Reduction(b"P", [name_piece(f"pathlib:{cls.__name__}") if is_own else _class_piece(cls), str(item)])


def _reduce_fraction(item: Any) -> Reduction:
    return Reduction(b"Q", [item.numerator, item.denominator])


def _reduce_buffer(item: bytearray | memoryview | pickle.PickleBuffer) -> Reduction:
    from redun.types.canonical import hash_buffer

    if isinstance(item, bytearray):
        return Reduction(piece=_REFERENCE + hash_buffer(b"b", item))
    raw = item.raw() if isinstance(item, pickle.PickleBuffer) else item.cast("B")
    return Reduction(piece=_REFERENCE + hash_buffer(b"B", raw))


def _reduce_set(item: set[Any] | frozenset[Any]) -> Reduction:
    return Reduction(b"S", [_class_piece(type(item)), frozenset(item), _named_state(getattr(item, "__dict__", None))])


def _class_piece(cls: type) -> Piece:
    return name_piece(names.importable_name(cls))


# -- anything else ----------------------------------------------------------------------------------------------------


def reduce_instance(item: Any) -> Reduction:
    """What an instance is made of by what pickling would take of it."""
    cls = type(item)
    reducer = copyreg.dispatch_table.get(cls)
    reduced = item.__reduce_ex__(5) if reducer is None else reducer(item)
    if isinstance(reduced, str):
        name = f"{getattr(item, '__module__', None) or cls.__module__}:{reduced}"
        wrapped = getattr(item, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):  # such as a function behind functools.cache
            return Reduction(b"F", [name, names.function_source(wrapped)])
        return Reduction(piece=name_piece(name))
    if not isinstance(reduced, tuple) or not 2 <= len(reduced) <= 6 or not isinstance(reduced[1], tuple):
        return Reduction(b"p", [_class_piece(cls), hash_data("value", pickle.dumps(item, 5))])
    make, args, state, items, pairs, setter = (*reduced, None, None, None, None)[:6]
    if isinstance(item, BaseException) and isinstance(state, dict) and not state:
        # An exception has a dict once somebody has looked at it, and says so although it is empty.
        state = None
    if getattr(cls, "__setstate__", None) in (None, Value.__setstate__):
        state = _named_state(state)
    parts: list[Any] = [_callable_part(make), *args, state, None if setter is None else _callable_part(setter)]
    listed = [] if items is None else list(items)
    keyed = [] if pairs is None else [part for pair in pairs for part in pair]
    counts = (len(args), len(listed), len(keyed))
    header = b"R" + b"".join(count.to_bytes(8, "little") for count in counts)
    return Reduction(header, [*parts, *listed, *keyed])


def _callable_part(thing: Any) -> Any:
    """A callable that rebuilds an instance: by name, because its source is no part of the instance's content."""
    if isinstance(thing, FunctionType | type):
        return name_piece(names.importable_name(thing))
    return thing


def _named_state(state: Any) -> Any:
    """The attributes of an instance in the order of their names."""
    if type(state) is dict:
        return _sorted_names(state)
    if type(state) is tuple and len(state) == 2:
        return tuple(_sorted_names(part) if type(part) is dict else part for part in state)
    return state


def _sorted_names(attributes: dict[Any, Any]) -> dict[Any, Any]:
    if len(attributes) < 2 or set(map(type, attributes)) != {str}:
        return attributes
    return {name: attributes[name] for name in sorted(attributes)}


def _reduce_bytearray(item: bytearray) -> Reduction:
    return _reduce_buffer(item) if type(item) is bytearray else reduce_instance(item)


def _reduce_zone(item: Any) -> Reduction:
    if item.key is None:
        return reduce_instance(item)
    return Reduction(b"Z", [_class_piece(type(item)), item.key])


_BASES: list[tuple[type, _Reduce]] = [
    (FunctionType, _reduce_function),
    (BuiltinFunctionType, _reduce_builtin_function),
    (ModuleType, _reduce_module),
    (enum.Enum, _reduce_enum),
    (PurePath, _reduce_path),
    (bytearray, _reduce_bytearray),
    (memoryview, _reduce_buffer),
    (pickle.PickleBuffer, _reduce_buffer),
]

# Matched by name and exactly, so that nothing is imported for them.
_NAMED: dict[str, _Reduce] = {
    "fractions.Fraction": _reduce_fraction,
    "zoneinfo.ZoneInfo": _reduce_zone,
}
