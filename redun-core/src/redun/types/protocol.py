"""The protocol of values that hash, store and check themselves, and the registry of their type names."""

from __future__ import annotations

import pickle
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from redun.errors import FOREIGN_ERRORS, InvalidValueError, ValueTypeError
from redun.types import names
from redun.types.registry_calls import RegistryCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIME_TYPE_PICKLE = "application/python-pickle"


# What the core itself knows of other libraries' classes: where to find the proxy once one of them turns up. A proxy
# that a user or a plugin registers for the same class comes first.
_TABLES = "redun.types.tables"
_TABLE_TYPES: dict[str, type[ProxyValue] | str] = {
    "numpy.ndarray": f"{_TABLES}.numpy_types:NdarrayType",
    "numpy.generic": f"{_TABLES}.numpy_types:ScalarType",
    "pandas.DataFrame": f"{_TABLES}.pandas_types:DataFrameType",
    "pandas.Series": f"{_TABLES}.pandas_types:SeriesType",
    "pandas.Index": f"{_TABLES}.pandas_types:IndexType",
    "pandas.api.extensions.ExtensionArray": f"{_TABLES}.pandas_types:ExtensionArrayType",
    "polars.DataFrame": f"{_TABLES}.polars_types:DataFrameType",
    "polars.Series": f"{_TABLES}.polars_types:SeriesType",
    "polars.LazyFrame": f"{_TABLES}.polars_types:LazyFrameType",
    "pyarrow.Table": f"{_TABLES}.arrow_types:TableOfArrow",
    "pyarrow.RecordBatch": f"{_TABLES}.arrow_types:RecordBatchType",
    "pyarrow.Array": f"{_TABLES}.arrow_types:ArrayType",
    "pyarrow.ChunkedArray": f"{_TABLES}.arrow_types:ChunkedArrayType",
}


_on_change: list[Callable[[], None]] = []


def on_change(forget: Callable[[], None]) -> None:
    """Have a function called whenever what is registered changes, to drop what is known about single classes."""
    _on_change.append(forget)


class TypeRegistry(RegistryCalls):
    """The `Value` classes of this process by type name, and the proxies by the class that they stand for."""

    def __init__(self) -> None:
        self._by_name: dict[str, type[Value]] = {}
        self._proxies: dict[type, type[ProxyValue]] = {}
        self._named: dict[str, type[ProxyValue] | str] = dict(_TABLE_TYPES)
        self._found: dict[type, type[ProxyValue] | None] = {}
        self.hooks: set[str] = set()
        """Which of `preprocess` and `postprocess` some class overrides: most workflows need not look for either."""

    def register(self, cls: type[Value]) -> None:
        """Add a class under its `type_name`; a later class of the same name replaces an earlier one."""
        self._by_name[cls.type_name] = cls
        self.hooks.update(name for name in ("preprocess", "postprocess") if name in vars(cls) and cls.__mro__[1:-1])
        raw_type = _raw_type(cls)
        if raw_type is not None:
            self._proxies[raw_type] = cast("type[ProxyValue]", cls)
        self.forget()

    def register_named(self, qualified_name: str, proxy: type[ProxyValue] | str) -> None:
        """Add a proxy for a class that need not be imported yet: see `register_value_type`."""
        self._named[qualified_name] = proxy
        self.forget()

    def forget(self) -> None:
        """Drop what was worked out for single classes, because what is registered has changed."""
        self._found.clear()
        for forget in _on_change:
            forget()

    def get_class(self, type_name: str) -> type[Value] | None:
        """The class of that type name."""
        found = self._by_name.get(type_name)
        if found is None:
            # A proxy that is known by name is imported now. Its own type name may name the same class more exactly.
            last = type_name.rpartition(".")[2]
            for name in [name for name in self._named if name.rpartition(".")[2] == last]:
                # Our own proxies have the type names that they are known by: nothing is imported for another one.
                if name == type_name or name not in _TABLE_TYPES:
                    proxy = self._resolve(name)
                    if proxy.type_name == type_name:
                        return proxy
            found = self._by_name.get(type_name)
        return found

    def get_raw_type(self, proxy: type[ProxyValue]) -> type | None:
        """The class that a proxy speaks for, imported if need be; None if the proxy says nothing about it.

        Raises InvalidValueError if that class cannot be imported.
        """
        if proxy.type is not None or proxy in self._proxies.values():
            return cast("type | None", proxy.type)
        name = next((name for name, known in self._named.items() if known is proxy), None)
        if name is None:
            return None
        module_name, _, last = name.rpartition(".")
        try:
            return cast("type", getattr(import_module(module_name), last))
        except (ImportError, AttributeError) as error:
            raise InvalidValueError(
                f"a stored {proxy.type_name} needs {name}, which cannot be imported: {error}"
            ) from error

    def get_proxy(self, raw_type: type) -> type[ProxyValue] | None:
        """The proxy for instances of a class: its own, or that of the nearest class that it inherits from."""
        try:
            return self._found[raw_type]
        except KeyError:
            pass
        proxy = None
        for base in raw_type.__mro__:
            proxy = self._proxies.get(base) or self._find_named(base)
            if proxy is not None:
                break
        self._found[raw_type] = proxy
        return proxy

    def _find_named(self, cls: type) -> type[ProxyValue] | None:
        for name in self._named:
            module_name, _, last = name.rpartition(".")
            # By any name under which the class can be found: `pandas.DataFrame` lives in `pandas.core.frame`.
            if last == cls.__qualname__ and getattr(sys.modules.get(module_name), last, None) is cls:
                return self._resolve(name)
        return None

    def _resolve(self, name: str) -> type[ProxyValue]:
        proxy = self._named[name]
        if isinstance(proxy, str):
            module_name, _, attribute = proxy.partition(":")
            proxy = self._named[name] = cast("type[ProxyValue]", getattr(import_module(module_name), attribute))
        if not (isinstance(proxy, type) and issubclass(proxy, ProxyValue)):
            raise ValueTypeError(f"what is registered for values of type {name} is {proxy!r}: give a ProxyValue class")
        return proxy

    def get_type(self, raw_type: type) -> type[Value] | None:
        """The class that speaks for instances of a class: itself if it is a `Value`, else its proxy, else None."""
        if issubclass(raw_type, Value):
            return raw_type
        return self.get_proxy(raw_type)

    def get_type_name(self, raw_type: type) -> str:
        """The type name under which instances of a class are stored."""
        found = self.get_type(raw_type)
        if found is None or (issubclass(found, ProxyValue) and found._redun_is_builtin):
            return names.qualified_name(raw_type)
        return found.type_name

    def get_value(self, raw_value: Any) -> Value | None:
        """The value itself if it is a `Value`, else a proxy around it, or None if its class has none."""
        if isinstance(raw_value, Value):
            return raw_value
        proxy = self.get_proxy(type(raw_value))
        return None if proxy is None else proxy(raw_value)


_registry = TypeRegistry()


def get_type_registry() -> TypeRegistry:
    """The registry of value types of this process."""
    return _registry


@contextmanager
def use_type_registry(registry: TypeRegistry) -> Iterator[TypeRegistry]:
    """Have another registry in place of the process's, for tests."""
    global _registry
    previous, _registry = _registry, registry
    registry.forget()
    try:
        yield registry
    finally:
        _registry = previous
        previous.forget()


def load_value(type_name: str, data: bytes) -> Any:
    """The value that a `Value` class or a proxy with this type name made bytes of.

    Raises InvalidValueError if there is no such class, and whatever the class raises.
    """
    registry = get_type_registry()
    cls = registry.get_class(type_name)
    if cls is None:
        raise InvalidValueError(f"no class with the type name {type_name} is defined: import its module first")
    return cls.deserialize(registry.get_raw_type(cls) if issubclass(cls, ProxyValue) else cls, data)


def is_table_type(type_name: str) -> bool:
    """Whether this is the type name of an array or table, which `redun.types.tables` stores."""
    return type_name in _TABLE_TYPES


def register_value_type(qualified_name: str, proxy: type[ProxyValue] | str) -> None:
    """Say which proxy speaks for a class, without importing that class.

    qualified_name: `module.Class`, by any name under which the class can be found: `pandas.DataFrame`.
    proxy: the proxy, or `module:attribute` where it is found when the first instance, or the first stored one, is met.
    """
    get_type_registry().register_named(qualified_name, proxy)


def _raw_type(cls: type) -> type | None:
    """The class that a proxy speaks for; None for a value of any other class, whatever its `type` is."""
    # Not by issubclass: `Value` is made before ProxyValue exists.
    raw_type = getattr(cls, "type", None) if hasattr(cls, "_redun_is_builtin") else None
    return raw_type if isinstance(raw_type, type) else None


class MetaValue(type):
    """Registers every `Value` class when it is defined, unless it says `register = False` itself."""

    type_name: str

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        register: bool | None = None,
        **kwargs: Any,
    ) -> MetaValue:
        """Make the class, with its own type name."""
        made = super().__new__(cls, name, bases, namespace, **kwargs)
        if "type_name" not in namespace:
            named = (_raw_type(made) if "type" in namespace else None) or made
            made.type_name = f"{named.__module__}.{named.__qualname__}"
        if register is None:
            register = bool(namespace.get("register", True))
        if register:
            get_type_registry().register(cast("type[Value]", made))
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **_: Any) -> None:
        super().__init__(name, bases, namespace)  # without the keywords, which `__new__` has used


class Value(metaclass=MetaValue):
    """Base class of values that decide themselves how they are hashed, stored and checked.

    A subclass overrides what it wants to decide. It is stored as a pickle unless it overrides `serialize` and
    `deserialize`; what the pickle holds is up to `__getstate__` and `__setstate__`, which by default take the
    instance's attributes.
    """

    __slots__ = ()

    type_name: ClassVar[str]
    """Under which it is stored: `module.Class` unless the class sets it. Changing it forgets what was stored."""
    # What only classes of redun say has names that no class and no result of a user has.
    _redun_is_recorded: ClassVar[bool] = True
    """Whether such a value inside a container gets a record of its own."""
    _redun_has_path: ClassVar[bool] = False
    """Whether it has an attribute `path` by which it can be asked for."""

    def _redun_as_today(self) -> Value:
        """What a stored expression means by this value today: itself, unless the value stands for something by name."""
        return self

    def is_valid(self) -> bool:
        """Whether this value, brought back from the cache, may still be used. If not, the task runs again."""
        return True

    def get_hash(self, data: bytes | None = None) -> str:
        """The hash of this value: 40 hex digits by default, made of its type and its state.

        data: the serialized value, if the caller has it; then the hash is made of the type and these bytes.

        Equal values must have equal hashes in every process. What a subclass returns must tell its values apart;
        values of different types are told apart anyway.
        """
        from redun.types.canonical import hash_state

        if data is not None:
            from redun.hashing import hash_parts

            return hash_parts("value", [b"data", type(self).type_name.encode(), data]).hex()
        return hash_state(self).hex()

    def serialize(self) -> bytes:
        """The value as bytes: by default its pickle."""
        return pickle.dumps(self, 5)

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """The value that `serialize` made bytes of. May raise `InvalidValueError`, which means a cache miss."""
        try:
            return pickle.loads(data)
        except FOREIGN_ERRORS as error:
            raise InvalidValueError(f"a stored {cls.type_name} cannot be brought back: {error}") from error

    def get_serialization_format(self) -> str:
        """A MIME type for what `serialize` returns."""
        return MIME_TYPE_PICKLE

    def preprocess(self, preprocess_args: dict[str, Any]) -> Any:  # noqa: ARG002
        """What a task receives in place of this argument, just before it runs."""
        return self

    def postprocess(self, postprocess_args: dict[str, Any]) -> Any:  # noqa: ARG002
        """What a task's result becomes in place of this value, just before it is recorded."""
        return self

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The value that a text on the command line stands for: by default the class called with the text."""
        return raw_type(arg)

    def iter_subvalues(self) -> Iterator[Value]:
        """Values inside this one that get records of their own."""
        return iter(())

    def __setstate__(self, state: Any) -> None:
        attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        for name, attribute in {**(attributes or {}), **(slots or {})}.items():
            object.__setattr__(self, name, attribute)


class ProxyValue(Value):
    """Speaks for the instances of a class that is not a `Value`.

    A subclass sets `type` to that class and overrides what shall differ.
    The methods find the raw value in `self.instance`. Instances of subclasses are meant as well. Plain data (numbers,
    text, bytes and the built-in containers) always hashes and stores in its own way, whatever proxies there are.
    """

    type: ClassVar[Any] = None
    """The class of the raw values."""
    _redun_is_builtin: ClassVar[bool] = False
    """Says only how texts are parsed: hashing and storing are left to the canonical encoding."""
    register = False

    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.instance!r})"

    def get_hash(self, data: bytes | None = None) -> str:
        """The hash of the raw value."""
        from redun.types.canonical import hash_state

        if data is not None:
            return super().get_hash(data)
        return hash_state(self.instance).hex()

    def serialize(self) -> bytes:
        """The raw value as bytes: by default its pickle."""
        return pickle.dumps(self.instance, 5)

    def _redun_private_copy(self) -> Any:
        """What a task in the scheduler's own process gets in place of the raw value, and may change in place.

        By default the raw value itself: then no task must change it.
        """
        return self.instance
