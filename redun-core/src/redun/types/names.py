"""How classes, functions and modules are named in canonical encodings: by where they can be imported from."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from redun.errors import InvalidValueError

_checked: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_sources: WeakKeyDictionary[FunctionType, str] = WeakKeyDictionary()


def qualified_name(thing: Any) -> str:
    """`module.qualname` of a class or function, without a check that it can be found there."""
    module = thing.__module__
    # Python 3.13 keeps the classes of pathlib in a private module.
    return f"{'pathlib' if module == 'pathlib._local' else module}.{thing.__qualname__}"


def importable_name(thing: type | FunctionType | BuiltinFunctionType) -> str:
    """`module:qualname` of a class or function, after a check that this is where it is.

    Raises InvalidValueError for a lambda, for what is defined inside a function, and for anything else that another
    process could not import.
    """
    try:
        return _checked[thing]
    except (KeyError, TypeError):  # unknown, or not weakly referable
        pass
    name = _check_name(thing)
    try:
        _checked[thing] = name
    except TypeError:
        return name
    return name


def _check_name(thing: Any) -> str:
    qualname = thing.__qualname__
    module_name = getattr(thing, "__module__", None) or "builtins"
    what = "class" if isinstance(thing, type) else "function"
    if "<lambda>" in qualname:
        raise InvalidValueError(
            f"a lambda (in module {module_name}) cannot be hashed or stored: use a function defined at module level"
        )
    if "<locals>" in qualname:
        raise InvalidValueError(
            f"{what} {module_name}.{qualname} is defined inside a function, so no other process can import it: "
            f"define it at module level"
        )
    if find_name(module_name, qualname) is not thing:
        if type(thing) is BuiltinFunctionType or module_name == "builtins":
            return f"{module_name}:{qualname}"  # e.g. NoneType, which lives under another name
        raise InvalidValueError(
            f"{what} {module_name}.{qualname} cannot be imported under that name, so it cannot be hashed or stored"
        )
    return f"{module_name}:{qualname}"


def find_name(module_name: str, qualname: str) -> Any:
    """What is at that place, or None."""
    module = sys.modules.get(module_name)
    if module is None:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            return None
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def module_name(module: ModuleType) -> str:
    """The name of a module that can be imported under that name."""
    name = module.__name__
    if sys.modules.get(name) is not module:
        raise InvalidValueError(f"module {name} cannot be imported under that name, so it cannot be hashed or stored")
    return name


def _code_text(code: CodeType) -> str:
    constants = [_constant_text(constant) for constant in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"


def _constant_text(constant: object) -> str:
    if isinstance(constant, CodeType):
        return _code_text(constant)
    if isinstance(constant, frozenset | tuple):
        texts = [_constant_text(each) for each in constant]
        return f"{type(constant).__name__}{sorted(texts) if isinstance(constant, frozenset) else texts}"
    return repr(constant)


def function_source(function: FunctionType) -> str:
    """The text of a function; where there is no text (a function made by `exec`), what stands for its compiled code."""
    try:
        return _sources[function]
    except KeyError:
        pass
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        source = _code_text(function.__code__)
    _sources[function] = source
    return source
