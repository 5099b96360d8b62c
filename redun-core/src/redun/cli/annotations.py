"""How the annotation of a parameter says what its texts on the command line mean."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import types
import typing
from dataclasses import dataclass
from typing import Any

from redun.cli.json_argument import is_json, read_json
from redun.errors import UsageError
from redun.job_info import JobInfo
from redun.short_repr import short_repr

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MANY: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
}
_TEXT = (inspect.Parameter.empty, Any, str, object)


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter that can be given on the command line."""

    name: str
    """The parameter's name in Python."""
    annotation: Any
    """The type of the parameter, or of each of its items; how one text is read."""
    collect: Callable[[list[Any]], Any] | None
    """Makes the value from the items, for a parameter that takes one or more texts."""
    default: Any
    """`inspect.Parameter.empty` for a parameter without default."""
    positions: tuple[Any, ...] = ()
    """Of a tuple of fixed size: the type of each item."""

    @property
    def flag(self) -> str:
        """How the argument is written: `--kebab-case`."""
        return "--" + self.name.lower().replace("_", "-")

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty

    @property
    def metavar(self) -> str:
        """The word for the value in help texts."""
        if self.positions:
            return " ".join(type_name(one) for one in self.positions)
        word = type_name(self.annotation)
        return f"{word}..." if self.collect is not None else word

    def default_text(self, limit: int = 60) -> str:
        """The default as it is written in help texts: where there is a choice of words, as one of them."""
        if isinstance(self.default, enum.Enum):
            return self.default.name
        return short_repr(self.default, limit)

    def read(self, texts: Sequence[str], where: str) -> Any:
        """The value that the texts stand for.

        where: what the argument is called in messages, which begin with it.

        Raises UsageError for a text that the annotation does not take.
        """
        if self.positions:
            if len(texts) != len(self.positions):
                raise UsageError(f"{where} takes {len(self.positions)} values ({self.metavar}), not {len(texts)}")
            return tuple(_read_one(one, text, where) for one, text in zip(self.positions, texts, strict=True))
        items = [_read_one(self.annotation, text, where) for text in texts]
        return items[-1] if self.collect is None else self.collect(items)


def arguments_of(func: Callable[..., Any], signature: inspect.Signature, skip: int = 0) -> list[Argument]:
    """The arguments for a function's parameters, without the first `skip` and those that only Python can fill.

    Raises UsageError where two of them would have the same flag.
    """
    hints = _type_hints(func)
    found: list[Argument] = []
    for parameter in list(signature.parameters.values())[skip:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or isinstance(
            parameter.default, JobInfo
        ):
            continue
        found.append(_argument(parameter.name, hints.get(parameter.name, parameter.annotation), parameter.default))
    by_flag: dict[str, str] = {}
    for argument in found:
        other = by_flag.setdefault(argument.flag, argument.name)
        if other != argument.name:
            raise UsageError(
                f"{func.__name__}: the parameters {other!r} and {argument.name!r} are both {argument.flag} on the "
                "command line: rename one of them"
            )
    return found


def as_python_passes_them(
    signature: inspect.Signature, values: dict[str, Any], skip: int = 0
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments from values by name, for a function's parameters without the first `skip`."""
    parameters = list(signature.parameters.values())[skip:]
    only = [one for one in parameters if one.kind is one.POSITIONAL_ONLY]
    # Those without a value before one that has a value cannot be left out.
    count = max((index for index, one in enumerate(only, 1) if one.name in values), default=0)
    names = {one.name for one in only}
    return (
        tuple(values.get(one.name, one.default) for one in only[:count]),
        {name: value for name, value in values.items() if name not in names},
    )


def type_name(annotation: Any) -> str:
    """What to call a type in help texts and messages."""
    choices = _choices(annotation)
    if choices is not None:
        return f"[{'|'.join(choices)}]"
    if annotation in _TEXT:
        return "TEXT"
    if is_json(annotation):
        return "JSON"
    members = _members(annotation)
    if len(members) != 1 or members[0] is not annotation:
        return "|".join(dict.fromkeys(type_name(member) for member in members))
    if typing.get_origin(annotation) is collections.abc.Callable or annotation is collections.abc.Callable:
        return "MODULE.FUNCTION"
    return str(getattr(annotation, "__name__", annotation)).upper()


def _read_one(annotation: Any, text: str, where: str) -> Any:
    if annotation in _TEXT:
        return text
    if typing.get_origin(annotation) is typing.Literal:
        for choice in typing.get_args(annotation):
            if str(choice) == text:
                return choice
        raise UsageError(f"{where}: {text!r} is not one of {', '.join(map(str, typing.get_args(annotation)))}")
    members = _members(annotation)
    if members[0] is not annotation:
        return _read_first(members, text, where)
    if is_json(annotation):
        return read_json(annotation, text, where)
    if annotation in (bytes, bytearray):
        raise UsageError(f"{where}: bytes cannot be given on the command line: let the task take a text or a File")
    from redun.value import parse_arg

    try:
        return parse_arg(annotation, text)
    except Exception as error:  # the constructor of any type of the user's
        choices = _choices(annotation)
        expected = (
            f"one of {', '.join(choices)}" if choices is not None else _with_article(type_name(annotation).lower())
        )
        is_told = choices is not None or annotation in (int, float)
        if not is_told and str(error).startswith(f"{text!r} is not "):
            raise UsageError(f"{where}: {error}") from error
        reason = "" if is_told else f" ({error})"
        raise UsageError(f"{where}: {text!r} is not {expected}{reason}") from error


def _read_first(members: Sequence[Any], text: str, where: str) -> Any:
    for member in members[:-1]:
        try:
            return _read_one(member, text, where)
        except UsageError:
            continue
    return _read_one(members[-1], text, where)


def _members(annotation: Any) -> list[Any]:
    """The types that an annotation allows apart from None, with aliases and `Annotated` taken away."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [inner for one in typing.get_args(annotation) if one is not type(None) for inner in _members(one)]
        return members or [str]
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if isinstance(annotation, typing.NewType):
        return _members(annotation.__supertype__)
    if isinstance(annotation, typing.TypeVar):
        return _members(annotation.__bound__) if annotation.__bound__ is not None else [str]
    return [annotation]


def _argument(name: str, annotation: Any, default: Any) -> Argument:
    members = _members(annotation)
    plain = members[0] if len(members) == 1 else None
    origin = typing.get_origin(plain) or plain
    items = typing.get_args(plain)
    if not isinstance(origin, collections.abc.Hashable) or origin not in _MANY:
        return Argument(name, annotation, None, default)
    if origin is tuple and items and items[-1] is not Ellipsis:
        return Argument(name, annotation, tuple, default, positions=items)
    return Argument(name, items[0] if items else str, _MANY[origin], default)


def _choices(annotation: Any) -> list[str] | None:
    if typing.get_origin(annotation) is typing.Literal:
        return [str(choice) for choice in typing.get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return list(annotation.__members__)
    return ["true", "false"] if annotation is bool else None


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeio' else 'a'} {noun}"


def _type_hints(func: Callable[..., Any]) -> dict[str, Any]:
    # One annotation that cannot be resolved must not take the others with it.
    try:
        return typing.get_type_hints(func, include_extras=True)
    except Exception:
        return {name: _resolve(func, text) for name, text in getattr(func, "__annotations__", {}).items()}


def _resolve(func: Callable[..., Any], annotation: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        holder = types.SimpleNamespace(__annotations__={"one": annotation})
        return typing.get_type_hints(holder, getattr(func, "__globals__", {}), include_extras=True)["one"]
    except Exception:
        return str
