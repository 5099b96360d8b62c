"""Stored values made readable without running any code that they bring along.

A pickle is a program: loading one may import modules and call what it names. For display only a short list of harmless
types is brought to life; every other class or function that a pickle names is replaced by a stub that remembers how it
was called and what state it was given.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

from redun.short_repr import short_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redun.backends.records import StoredValue

MAX_DECODED = 1_000_000
"""Bytes of a stored value that are still decoded for display; larger ones are described by their size."""

_STUB_LENGTH = 200


def preview(value: StoredValue | None, limit: int = 80) -> str:
    """One line that shows a stored value, in about `limit` characters.

    Never raises and never unpickles anything outside the list of harmless types.
    """
    if value is None:
        return "<not in the repository>"
    if len(value.data) > MAX_DECODED and value.codec != "bytes":
        return f"<{value.type_name}, {format_size(len(value.data))}>"
    try:
        return short_repr(safe_decode(value), limit)
    except Exception as error:
        return f"<{value.type_name}, {format_size(len(value.data))}, unreadable: {type(error).__name__}>"


def safe_decode(value: StoredValue) -> Any:
    """The value itself for plain data and bytes; for a pickle, with stubs in the place of unknown classes.

    Raises whatever decoding raises for damaged data, and ValueError for a codec that cannot be shown.
    """
    if value.codec == "bytes":
        return value.data
    if value.codec in ("plain", "graph"):
        from redun.value import decode

        return decode(value.codec, value.data, value.type_name)
    if value.codec == "pickle":
        return _SafeUnpickler(io.BytesIO(value.data)).load()
    return _restored(value.type_name, value.data) if value.codec == "value" else _stub(value)


def _stub(value: StoredValue) -> Any:
    return Stub.of(f"{value.type_name}[{value.codec}]")()


def _restored(type_name: str, data: bytes) -> Any:
    """A stub for what its own class has stored; for an array or a table with what the heading of its bytes says."""
    from redun.types.protocol import is_table_type

    if type_name == "builtins.function":
        return Stub.of("function")(Words(data.decode()))
    if not is_table_type(type_name):
        return Stub.of(f"{type_name}[value]")()
    from redun.types.tables.stored import summary

    return Stub.of(type_name)(Words(summary(data)))


def _array(_buffer: Any, dtype: Any = "", shape: Any = (), *_order: Any) -> Any:
    """What shows for an array in the pickle of a container: NumPy's own names for it are of no use to people."""
    kind = next((part for _, part in dtype.short_repr_parts()), "") if isinstance(dtype, Stub) else dtype
    return Stub.of("numpy.ndarray")(Words(f"{kind}, {' x '.join(map(str, shape))}"))


def _handle(kind: Any, info: Any, *_more: Any) -> Any:
    """What shows for a handle. Nothing is opened."""
    if not isinstance(info, Stub) or not (isinstance(kind, type) and issubclass(kind, Stub)):
        raise pickle.UnpicklingError(f"{kind} is not shown")
    state = dict(info.short_repr_parts())
    fullname = ".".join(str(part) for part in (state.get("namespace"), state.get("name")) if part)
    stub = kind(fullname=Words(fullname), hash=Words(str(state.get("hash"))[:8]))
    stub.handle_state = {**{str(name): part for name, part in state.items()}, "fullname": fullname}
    return stub


def _exception(kind: Any, args: Any) -> Any:
    """What shows for an exception: its class, and the arguments that it holds."""
    if isinstance(kind, type) and issubclass(kind, (Stub, Exception)):
        return kind(*args)
    raise pickle.UnpicklingError(f"{kind} is not shown")


class Words:
    """A text that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def format_size(size: int) -> str:
    """A number of bytes for people."""
    if size < 1000:
        return f"{size} bytes"
    scaled = float(size)
    for unit in ("kB", "MB", "GB"):
        scaled /= 1000
        if scaled < 1000:
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1000:.1f} TB"


class Stub:
    """Stands for an object whose class is not on the safe list. Keeps how it was made and what it was filled with."""

    short_repr_name = "?"
    handle_state: dict[str, Any] | None = None
    """Of a handle: what it has stored about itself."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Stub:  # noqa: D102
        stub = super().__new__(cls)
        stub.__dict__["_stub_parts"] = [*((None, arg) for arg in args), *kwargs.items()]
        return stub

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @classmethod
    def of(cls, name: str) -> Any:
        """A stub class for a class or function of this name."""
        return type(name.rpartition(".")[2], (cls,), {"short_repr_name": name})

    def __setstate__(self, state: Any) -> None:
        parts = state.items() if isinstance(state, dict) else [(None, state)]
        self.__dict__["_stub_parts"] += parts

    # A pickle of a list or dict subclass feeds its items through these.
    def append(self, item: Any) -> None:
        """Take an item of a list."""
        self.__dict__["_stub_parts"].append((None, item))

    def extend(self, items: Any) -> None:
        """Take items of a list."""
        for item in items:
            self.append(item)

    def __setitem__(self, key: Any, item: Any) -> None:
        self.append((key, item))

    def short_repr_parts(self) -> Iterator[tuple[str | None, Any]]:
        """What to show between the parentheses."""
        for name, item in self.__dict__["_stub_parts"]:
            yield (name if isinstance(name, str) else None), item

    def __repr__(self) -> str:
        return short_repr(self, _STUB_LENGTH)


class FileStub(Stub):
    """Stands for a file: a real one would be free to look at its filesystem while it is shown."""

    def short_repr_parts(self) -> Iterator[tuple[str | None, Any]]:
        """Path and hash as a file itself shows them."""
        for name, item in super().short_repr_parts():
            yield name, item[:8] if name == "hash" and isinstance(item, str) else item


class ErrorStub(Stub):
    """Stands for the recorded outcome of a call that failed."""

    error: Any = None
    traceback: Any = None

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.error, self.traceback = state.get("error"), state.get("traceback")

    def short_repr_parts(self) -> Iterator[tuple[str | None, Any]]:
        """The error alone."""
        yield None, self.error


class _SafeUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        safe = _SAFE.get((module_name, global_name))
        if safe is not None:
            return safe()
        if module_name == "builtins":
            found = _BUILTIN_ERRORS.get(global_name)
            if found is not None:
                return found
        if module_name == "redun.file" or module_name.startswith("redun.file."):
            return FileStub.of(global_name)
        return Stub.of(f"{module_name}.{global_name}")


def _of_sequence(kind: Callable[[Any], Any]) -> Callable[[], Any]:
    # `list(range(10**12))` would be a pickle of thirty bytes that eats all memory: only real sequences are taken.
    def build(items: Any = (), *_options: Any) -> Any:
        if type(items) not in (list, tuple, bytes, str):
            raise pickle.UnpicklingError(f"a container of {type(items).__name__} is not shown")
        return kind(items)

    return lambda: build


def _import(module_name: str, name: str) -> Callable[[], Any]:
    def load() -> Any:
        import importlib

        return getattr(importlib.import_module(module_name), name)

    return load


def _reconstruct(kind: Any, _base: Any, state: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, Stub):
        return kind() if state is None else kind(state)
    raise pickle.UnpicklingError(f"{kind} is not shown")


def _encode_text(text: str, encoding: str = "latin1") -> bytes:
    return str.encode(text, "latin1") if encoding == "latin1" else str.encode(text, "utf-8")


_BUILTIN_ERRORS = {
    name: kind
    for name, kind in vars(__import__("builtins")).items()
    if isinstance(kind, type) and issubclass(kind, Exception)
}

_SAFE: dict[tuple[str, str], Callable[[], Any]] = {
    ("builtins", "complex"): lambda: complex,
    ("builtins", "range"): lambda: range,
    ("builtins", "slice"): lambda: slice,
    ("builtins", "list"): _of_sequence(list),
    ("builtins", "tuple"): _of_sequence(tuple),
    ("builtins", "set"): _of_sequence(set),
    ("builtins", "frozenset"): _of_sequence(frozenset),
    ("builtins", "bytearray"): _of_sequence(bytes),
    ("collections", "OrderedDict"): _of_sequence(dict),
    ("collections", "deque"): _of_sequence(list),
    ("copyreg", "_reconstructor"): lambda: _reconstruct,
    ("_codecs", "encode"): lambda: _encode_text,
    ("redun.handle", "_reopen"): lambda: _handle,
    ("redun.scheduler.errors", "ErrorValue"): lambda: ErrorStub.of("ErrorValue"),
    ("redun.traceback", "Traceback"): _import("redun.traceback", "Traceback"),
    ("redun.traceback", "Frame"): _import("redun.traceback", "Frame"),
    **{("datetime", name): _import("datetime", name) for name in ("date", "datetime", "time", "timedelta", "timezone")},
    **{
        (module, name): _import("pathlib", name)
        for module in ("pathlib", "pathlib._local")
        for name in ("PurePath", "PurePosixPath", "PureWindowsPath", "PosixPath", "Path")
    },
    ("redun.types.exceptions", "restore_exception"): lambda: _exception,
    ("redun.types.pickling", "restore_path"): _import("redun.types.pickling", "restore_path"),
    ("numpy.core.numeric", "_frombuffer"): lambda: _array,
    ("numpy._core.numeric", "_frombuffer"): lambda: _array,
    ("redun.types.pickling", "restore_value"): lambda: _restored,
    ("decimal", "Decimal"): _import("decimal", "Decimal"),
    ("fractions", "Fraction"): _import("fractions", "Fraction"),
    ("uuid", "UUID"): _import("uuid", "UUID"),
}
