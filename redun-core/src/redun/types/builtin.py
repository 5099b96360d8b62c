"""Proxies of ordinary types: how texts on the command line become their instances."""

from __future__ import annotations

import datetime
import enum
import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

from redun.types import names
from redun.types.protocol import ProxyValue, get_type_registry


class Bool(ProxyValue):
    """`true` and `false`, in any case."""

    type = bool
    is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:  # noqa: ARG003
        """True or False. Raises ValueError for any other word."""
        word = arg.strip().lower()
        if word not in ("true", "false"):
            raise ValueError(f"{arg!r} is not a bool: give true or false")
        return word == "true"


class Set(ProxyValue):
    """Sets, which hash and store as plain data or by the canonical walk."""

    type = set
    is_builtin = True


class EnumType(ProxyValue):
    """Members of enums."""

    type = enum.Enum
    is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The member of that name, with or without the name of the class. Raises ValueError for any other."""
        member = raw_type.__members__.get(arg.removeprefix(f"{raw_type.__name__}."))
        if member is None:
            raise ValueError(
                f"{arg!r} is not a member of {raw_type.__name__}: give one of {', '.join(raw_type.__members__)}"
            )
        return member


class DatetimeType(ProxyValue):
    """Dates with times."""

    type = datetime.datetime
    is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The time that an ISO 8601 text says. Raises ValueError for any other text."""
        try:
            return raw_type.fromisoformat(arg.strip())
        except ValueError:
            raise ValueError(
                f"{arg!r} is not a date and time: give it like 2024-05-31 or 2024-05-31T17:30:00+02:00"
            ) from None


class Function(ProxyValue):
    """Functions, by the name under which they can be imported and their source."""

    type = FunctionType
    is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:  # noqa: ARG003
        """The callable at `module.name`. Raises ValueError if there is none."""
        return find_callable(arg)


def find_callable(text: str) -> Any:
    """The callable at `module.name`, importing the module. Raises ValueError if there is none."""
    module_name, _, name = text.strip().rpartition(".")
    if not module_name:
        raise ValueError(f"{text!r} is not a function: give it as module.name")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(f"{text!r} is not a function: module {module_name} cannot be imported: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        what = "does not exist" if found is None else f"is a {type(found).__name__}, which cannot be called"
        raise ValueError(f"{text!r} is not a function: it {what}")
    return found


def parse_arg(raw_type: Any, text: str) -> Any:
    """The value that a text on the command line stands for.

    raw_type: the annotation of the parameter: a class. `Callable`, plain or with parameters, means an importable
    function.

    Raises ValueError, saying what was given and what would be right.
    """
    origin = getattr(raw_type, "__origin__", None)
    if raw_type is Callable or origin is Callable or getattr(raw_type, "_name", None) == "Callable":
        return find_callable(text)
    raw_type = origin if isinstance(origin, type) else raw_type
    if raw_type in (str, Any, object) or not isinstance(raw_type, type):
        return text
    speaker = get_type_registry().get_type(raw_type)
    try:
        return raw_type(text) if speaker is None else speaker.parse_arg(raw_type, text)
    except ValueError as error:
        if speaker is not None and getattr(speaker, "is_builtin", False):
            raise
        raise ValueError(_complaint(raw_type, text, error)) from error
    except Exception as error:  # the constructors of users' classes may raise anything
        raise ValueError(_complaint(raw_type, text, error)) from error


def _complaint(raw_type: type, text: str, error: Exception) -> str:
    if raw_type in (int, float, complex):
        return f"{text!r} is not a number of type {raw_type.__name__}"
    return f"{text!r} is not a {names.qualified_name(raw_type)}: {error}"
