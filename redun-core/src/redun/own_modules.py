"""Which modules are the user's own: neither of the standard library, nor of an installed package, nor of redun."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import sysconfig
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_NOT_OWN = tuple(
    {
        *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(__file__).parent),
    }
)


def is_own(value: Any) -> bool:
    """Whether a function or class was written in one of the user's own modules."""
    if isinstance(value, FunctionType):
        return _is_own_file(value.__code__.co_filename)
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    return module is not None and is_own_module(module)


def is_foreign(value: Any) -> bool:
    """Whether a function or class is somebody else's, so that nothing of it counts."""
    return (isinstance(value, (FunctionType, type)) or inspect.isbuiltin(value)) and not is_own(value)


def is_own_module(module: ModuleType) -> bool:
    """Whether a module was written by the user."""
    name = module.__name__
    if name in sys.builtin_module_names or name.partition(".")[0] == "redun":
        return False
    file = getattr(module, "__file__", None)
    if file is None:
        # A package without a file of its own, or what is typed at a prompt.
        return name == "__main__" or getattr(module, "__path__", None) is not None
    return _is_own_file(file)


@functools.lru_cache(maxsize=4096)
def _is_own_file(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return False
    parts = Path(filename).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not any(Path(filename).is_relative_to(folder) for folder in _NOT_OWN)


def is_unfinished(module: ModuleType) -> bool:
    """Whether a module is being imported at the moment."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def import_own(name: str, level: int, here: ModuleType | None) -> ModuleType | None:
    """A module that is imported somewhere, if it is the user's own. It is imported now, if it was not before."""
    if level:
        package = getattr(here, "__package__", None)
        if not package:
            return None
        try:
            name = importlib.util.resolve_name("." * level + name, package)
        except ImportError:
            return None
    module = sys.modules.get(name)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None or not _is_own_file(spec.origin):
                return None
            module = importlib.import_module(name)
        except Exception:  # a user's module may raise anything while it is imported; the task itself will show it
            return None
    return module if is_own_module(module) else None
