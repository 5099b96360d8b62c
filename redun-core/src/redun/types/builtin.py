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
    _redun_is_builtin = True

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
    _redun_is_builtin = True


class EnumType(ProxyValue):
    """Members of enums."""

    type = enum.Enum
    _redun_is_builtin = True

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
    _redun_is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The time that a text says: an ISO 8601 one; where `dateutil` is installed, also one that this understands.

        Raises ValueError for any other text.
        """
        try:
            return raw_type.fromisoformat(arg.strip())
        except ValueError:
            return _parse_loosely(raw_type, arg)


def _parse_loosely(raw_type: Any, text: str) -> Any:
    try:
        parse = importlib.import_module("dateutil.parser").parse
        moment = parse(text)
        parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)
        return raw_type(*parts, tzinfo=moment.tzinfo)
    except (ImportError, ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a date and time: give it like 2024-05-31 or 2024-05-31T17:30:00+02:00"
        ) from None


class DateType(ProxyValue):
    """Dates."""

    type = datetime.date
    _redun_is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The date that an ISO 8601 text says. Raises ValueError for any other text."""
        try:
            return raw_type.fromisoformat(arg.strip())
        except ValueError:
            raise ValueError(f"{arg!r} is not a date: give it like 2024-05-31") from None


class TimeType(ProxyValue):
    """Times of day."""

    type = datetime.time
    _redun_is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The time that an ISO 8601 text says. Raises ValueError for any other text."""
        try:
            return raw_type.fromisoformat(arg.strip())
        except ValueError:
            raise ValueError(f"{arg!r} is not a time of day: give it like 17:30 or 17:30:00+02:00") from None


class DurationType(ProxyValue):
    """Spans of time."""

    type = datetime.timedelta
    _redun_is_builtin = True

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:
        """The span that a text says: like 1h30m, a number of seconds, or ISO 8601. Raises ValueError for others."""
        if raw_type is not datetime.timedelta:  # such as that of pandas, which reads more
            return raw_type(arg)
        from redun.types.durations import read_duration

        return read_duration(arg)


class Function(ProxyValue):
    """Functions, by the name under which they can be imported and their source.

    One that is gone when a stored value is brought back is replaced by one that raises ValueError, and is not valid.
    """

    type = FunctionType
    _redun_is_builtin = True

    def serialize(self) -> bytes:
        """Where the function can be imported from. Raises InvalidValueError for lambdas and nested functions."""
        return names.importable_name(self.instance).encode()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """What can be imported from there, or a function that stands for one that is gone."""
        name = data.decode()
        module_name, _, qualname = name.partition(":")
        found = names.find_name(module_name, qualname)
        return found if callable(found) else unknown_function(name.replace(":", "."))

    def is_valid(self) -> bool:
        """Whether there still is such a function."""
        return not is_unknown_function(self.instance)

    @classmethod
    def parse_arg(cls, raw_type: Any, arg: str) -> Any:  # noqa: ARG003
        """The callable at `module.name`. Raises ValueError if there is none."""
        return find_callable(arg)


def unknown_function(name: str) -> Any:
    """A function that stands for one that is gone."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise ValueError(f"the function {name} was stored, and cannot be found any more")

    unknown.__dict__["unknown_name"] = name
    return unknown


def is_unknown_function(function: Any) -> bool:
    """Whether this stands for a function that was stored and cannot be found any more."""
    return isinstance(function, FunctionType) and "unknown_name" in function.__dict__


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
        if speaker is not None and getattr(speaker, "_redun_is_builtin", False):
            raise
        raise ValueError(_complaint(raw_type, text, error)) from error
    except Exception as error:  # the constructors of users' classes may raise anything
        raise ValueError(_complaint(raw_type, text, error)) from error


def _complaint(raw_type: type, text: str, error: Exception) -> str:
    if raw_type in (int, float, complex):
        return f"{text!r} is not a number of type {raw_type.__name__}"
    kind = names.qualified_name(raw_type).removeprefix("builtins.")
    # The reasons of decimals are about the insides of their module.
    reason = "" if isinstance(error, ArithmeticError) else f": {error}"
    return f"{text!r} is not {'an' if kind[0] in 'aeio' else 'a'} {kind}{reason}"
