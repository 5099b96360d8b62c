"""How many items a result will have, as far as annotations tell."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def get_result_length(func: Callable[..., Any]) -> int | None:
    """The length that the return annotation of a function promises, or None."""
    annotation = getattr(func, "__annotations__", {}).get("return")
    if isinstance(annotation, str) and ("uple" in annotation or annotation.isidentifier()):
        annotation = _resolve_return(func)
    return get_tuple_type_length(annotation)


def get_tuple_type_length(tuple_type: Any) -> int | None:
    """The length that an annotation promises: of a fixed-size tuple or a named tuple class; None for anything else."""
    if isinstance(tuple_type, type) and issubclass(tuple_type, tuple) and hasattr(tuple_type, "_fields"):
        return len(tuple_type._fields)
    if typing.get_origin(tuple_type) is not tuple:
        return None
    items = typing.get_args(tuple_type)
    return None if Ellipsis in items else len([item for item in items if item != ()])


def _resolve_return(func: Callable[..., Any]) -> Any:
    """A return annotation given as text. One that cannot be resolved promises no length."""
    try:
        return typing.get_type_hints(func).get("return")
    except Exception:  # the annotation is any expression of the user's, and only a hint here
        return None
