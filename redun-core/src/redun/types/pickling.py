"""How values are stored that are not plain data: as pickles, of protocol 5."""

from __future__ import annotations

import copyreg
import importlib
import io
import pathlib
import pickle
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from redun.errors import FOREIGN_ERRORS, InvalidArgumentError, InvalidValueError
from redun.types import names
from redun.types.exceptions import Pickler
from redun.types.protocol import get_type_registry, load_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.types.protocol import ProxyValue

PROTOCOL = 5

_LOCATE_DEPTH = 100


def restore_path(name: str, text: str) -> PurePath:
    """A pathlib path, from the name of its class and its text."""
    cls = getattr(pathlib, name)
    if not (isinstance(cls, type) and issubclass(cls, PurePath)):
        raise InvalidValueError(f"{name!r} is not a class of paths")
    return cls(text)


def _reduce_path(path: PurePath) -> Any:
    # By a pickle of its own, a path from Python 3.13 cannot be loaded in earlier versions.
    return restore_path, (type(path).__name__, str(path))


def _reduce_module(module: ModuleType) -> Any:
    return importlib.import_module, (names.module_name(module),)


def restore_value(type_name: str, data: bytes) -> Any:
    """A value that stands in a pickle in the form in which its proxy stores it."""
    return load_value(type_name, data)


def use_stored_form(cls: type, proxy: type[ProxyValue]) -> None:
    """Have instances of a class pickled in the way that the method `pickled` of its proxy returns."""
    _OWN[cls] = lambda item: proxy(item)._redun_pickled()  # type: ignore[attr-defined]


_PATHS = (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
_OWN: dict[type, Callable[[Any], Any]] = {ModuleType: _reduce_module, **dict.fromkeys(_PATHS, _reduce_path)}


_table: dict[type, Callable[[Any], Any]] = {}
"""How to pickle instances of single classes: what the process has registered with `copyreg`, and our own."""


def dump(value: Any) -> bytes:
    """The pickle of a value. Raises InvalidValueError, saying where inside the value the fault is."""
    try:
        return _dump(value)
    except RecursionError as error:
        raise InvalidValueError(
            f"a {names.qualified_name(type(value))} is nested too deeply to be pickled: return a flatter value"
        ) from error
    except InvalidArgumentError:
        raise
    except FOREIGN_ERRORS as error:
        raise InvalidValueError(describe(value, error, _dump)) from error


def _dump(value: Any) -> bytes:
    if len(_table) < len(copyreg.dispatch_table) + len(_OWN):
        _table.update({**copyreg.dispatch_table, **_OWN})
    buffer = io.BytesIO()
    pickler = Pickler(buffer, PROTOCOL)
    pickler.dispatch_table = _table
    pickler.dump(value)
    return buffer.getvalue()


def load(data: bytes | memoryview) -> Any:
    """The value that was pickled. Raises whatever unpickling raises."""
    return pickle.loads(data)


def describe(value: Any, error: BaseException, probe: Callable[[Any], Any]) -> str:
    """A message that names what cannot be stored, and where it is.

    probe: raises for a value that holds the fault.
    """
    where, culprit = _locate(value, probe)
    if not where and isinstance(error, InvalidValueError):
        return str(error)  # which names the value itself
    whole = names.qualified_name(type(value))
    if not where:
        if isinstance(error, InvalidValueError):  # which says so itself
            return str(error)
        return f"a value of type {whole} cannot be stored: {error}"
    return (
        f"a value of type {whole} cannot be stored: at value{where} is a {names.qualified_name(type(culprit))}: {error}"
    )


def _locate(value: Any, probe: Callable[[Any], Any]) -> tuple[str, Any]:
    path = ""
    for _ in range(_LOCATE_DEPTH):
        for label, part in _parts(value):
            try:
                probe(part)
            except FOREIGN_ERRORS:  # whatever stops the part from being stored
                path += label
                value = part
                break
        else:
            break
    return path, value


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        keys = [(f" (key {key!r:.60})", key) for key in value]
        return [*keys, *((f"[{key!r:.60}]", part) for key, part in value.items())]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [(" (an item)", part) for part in value]
    if isinstance(value, type) or hasattr(get_type_registry().get_proxy(type(value)), "_redun_reduction"):
        return []
    return [(f".{name}", part) for name, part in getattr(value, "__dict__", {}).items()]
