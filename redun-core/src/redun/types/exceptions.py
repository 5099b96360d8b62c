"""How exceptions are pickled: by what they hold, without calling constructors again.

By itself an exception is brought back as `cls(*args)`. That fails, or says something else, for every class whose
`__init__` takes other arguments than those that it hands on to `Exception`.
"""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redun.errors import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAP_TYPE = 1 << 9
"""The flag of classes that Python code has made."""
_OS_ERROR = ("errno", "strerror", "filename", "filename2")


class Pickler(pickle.Pickler):
    """Pickles exceptions so that they can be brought back, and anything else as it is."""

    def reducer_override(self, item: Any) -> Any:
        """How to pickle an exception whose class has a constructor of its own."""
        if isinstance(item, BaseException) and _has_own_constructor(type(item)):
            return _reduced(item)
        return NotImplemented


def restore_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception with these `args`, whose class's own constructor is not called."""
    base = _builtin_base(cls)
    error: BaseException = base.__new__(cls, *args)
    with suppress(TypeError):  # from a built-in class that insists on other arguments
        base.__init__(error, *args)
    return error


def portable_error(error: BaseException, survives: Callable[[Any], bool]) -> BaseException | None:
    """The error itself, if it survives; else one of the same class with what does; None if not even that one does.

    An attribute that does not survive, such as an open file, is None in the other one, and one of `args` its `repr`.
    Of a group each error is taken for itself; one that does not survive at all is replaced by a `RuntimeError`.

    survives: whether something can be taken to where it is needed, and opened there.
    """
    if survives(error):
        return error
    try:
        _, (cls, args), state = _reduced(error)
        if isinstance(error, BaseExceptionGroup):
            args = (args[0], [portable_error(one, survives) or _stand_in(one) for one in error.exceptions])
        made = restore_exception(cls, tuple(arg if survives(arg) else _text(arg) for arg in args))
        for name, value in (state or {}).items():
            setattr(made, name, value if survives(value) else None)
    except Exception:  # a foreign class, which may do anything
        return None
    return made if survives(made) else None


def _stand_in(error: BaseException) -> RuntimeError:
    return RuntimeError(describe_error(error))


def _reduced(error: BaseException) -> tuple[Any, ...]:
    cls = type(error)
    _, args, *rest = _builtin_base(cls).__reduce__(error)
    state = dict(rest[0] or {}) if rest else {}
    names = [name for kind in cls.__mro__ for name in _slots(kind)]
    if isinstance(error, OSError):
        names += _OS_ERROR
    for name in names:
        value = getattr(error, name, None)
        if value is not None:
            state[name] = value
    return restore_exception, (cls, args), state or None


def _has_own_constructor(cls: type[BaseException]) -> bool:
    """Whether a class leaves it to `BaseException` how it is pickled, which does not know its constructor."""
    base = _builtin_base(cls)
    if cls.__reduce__ is not base.__reduce__ or cls.__reduce_ex__ is not base.__reduce_ex__:
        return False
    return cls.__init__ is not base.__init__ or cls.__new__ is not base.__new__


def _builtin_base(cls: type[BaseException]) -> Any:
    return next(kind for kind in cls.__mro__ if issubclass(kind, BaseException) and not kind.__flags__ & _HEAP_TYPE)


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(name for name in slots if not name.startswith("__"))


def _text(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # a foreign __repr__ may raise
        return f"<{type(value).__name__}>"
