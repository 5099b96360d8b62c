"""The options of calls, merged as the documentation says: decorator, what callers have exported, the call itself.

Options are pairs of a name and a value. Two names are not those of options: `context` (how the call changes the
context) and `export` (options for the call and everything below it).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from truth_runtime import CLASSES

Options = tuple[tuple[str, Any], ...]
Exports = dict[str, Any]
RETRY_AT_ONCE = ("retry_delay", 0)


class Settings(NamedTuple):
    """What the options of one call come to. exports: what holds below it."""

    scope: str
    is_shallow: bool
    is_recorded: bool
    max_retries: int
    retry_on: tuple[type[BaseException], ...]
    exports: Exports
    context_changes: dict[str, Any]


def overrides(options: Options) -> dict[str, Any]:
    """Options given for a call, as the engine holds them."""
    given = {name: _value(name, value) for name, value in options if name not in ("context", "export")}
    for name, value in options:
        if name == "context":
            given["_context_override"] = as_dict(value)
        elif name == "export":
            given.update((inner, _value(inner, each)) for inner, each in value)
    return given


def export_names(options: Options) -> tuple[str, ...]:
    """The names of those that hold below the call as well."""
    names = {inner for name, value in options if name == "export" for inner, _ in value}
    return tuple(sorted(names | ({"cache_scope"} if "cache" in names else set())))


def resolve(declared: Options, exports: Exports, given: Options) -> Settings:
    """Merge the options of a call; the later ones win."""
    values = overrides(declared)
    _override(values, exports)
    _override(values, overrides(given))
    own = {name: values[name] for name in (*export_names(given), *_declared_exports(declared)) if name in values}
    is_recorded = values.get("prov", True) is not False
    if not is_recorded:
        own["prov"] = False
    below = dict(exports)
    _override(below, own)
    scope = values.get("cache_scope") or ("BACKEND" if values.get("cache", True) else "CSE")
    retry_on = values.get("retry_on", Exception)
    return Settings(
        scope if is_recorded else "NONE",
        values.get("check_valid") == "shallow",
        is_recorded,
        values.get("max_retries", 0),
        (retry_on,),
        below,
        values.get("_context_override", {}),
    )


def as_dict(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A context, from pairs that are nested where it is."""
    return {name: as_dict(value) if isinstance(value, tuple) else value for name, value in pairs}


def merge(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """A context with changes."""
    merged = dict(older)
    for name, value in newer.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = merge(merged[name], value) if both else value
    return merged


def _declared_exports(declared: Options) -> tuple[str, ...]:
    return tuple(inner for name, value in declared if name == "export" for inner, _ in value)


def _override(values: dict[str, Any], newer: dict[str, Any]) -> None:
    """`cache` and `cache_scope` say the same thing: the newer one wins over both."""
    if "cache" in newer or "cache_scope" in newer:
        values.pop("cache", None)
        values.pop("cache_scope", None)
    values.update(newer)


def _value(name: str, value: Any) -> Any:
    return CLASSES[value] if name == "retry_on" else value
