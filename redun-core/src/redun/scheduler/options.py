"""Task options, resolved for one call: decorator, what callers exported, the call itself, the scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from redun.errors import InvalidValueError, SchedulerError
from redun.option_checks import BOOLEANS, check_boolean
from redun.scheduler.option_names import warn_about_call_options
from redun.scheduler.retries import read_retries, read_timeout
from redun.tags import check_tags
from redun.task import CacheCheckValid, CacheResult, CacheScope, Task
from redun.value import hash_value

Exports = Mapping[str, Any]
"""Options that hold for everything below a call."""

NO_EXPORTS: Exports = {}


class CallOptions:
    """The options of one call, in the form that the scheduler asks for."""

    __slots__ = (
        "allows_cse",
        "allows_single",
        "allows_ultimate",
        "context_changes",
        "executor",
        "exports",
        "hash",
        "is_recorded",
        "is_shallow",
        "limits",
        "retries",
        "scope",
        "tags",
        "timeout",
        "values",
    )

    def __init__(self, task: Task[..., Any], values: dict[str, Any], exports: Exports, use_cache: bool) -> None:
        _check_booleans(task, values)
        self.values = values
        self.exports = exports
        self.executor = _executor(task, values.get("executor"))
        self.is_recorded = bool(values.get("prov", True))
        self.limits = _limits(task, values.get("limits"))
        self.tags = _tags(task, values.get("tags"))
        self.hash = _hash(values)
        self.context_changes: Any = values.get("_context_override")
        try:
            self.retries = read_retries(values)
            self.timeout = read_timeout(values)
        except ValueError as error:
            raise SchedulerError(f"task {task.fullname!r}: {error}") from None
        scope = _scope(task, values)
        if not use_cache and scope is CacheScope.BACKEND:
            scope = CacheScope.CSE
        if not self.is_recorded:
            scope = CacheScope.NONE
        self.scope = scope.value
        self.is_shallow = _choice(task, "check_valid", CacheCheckValid, values.get("check_valid", "full")) == "shallow"
        allowed = values.get("allowed_cache_results")
        if allowed is not None and not isinstance(allowed, (set, frozenset)):
            raise SchedulerError(
                f"task {task.fullname!r}: allowed_cache_results must be a set of CacheResult, not {allowed!r}"
            )
        self.allows_cse = scope is not CacheScope.NONE and _allows(allowed, CacheResult.CSE)
        in_backend = scope is CacheScope.BACKEND
        # What an async task returns depends on what it awaited, so it alone is no result to go on with.
        self.allows_single = in_backend and not task.is_async() and _allows(allowed, CacheResult.SINGLE)
        self.allows_ultimate = in_backend and self.is_shallow and _allows(allowed, CacheResult.ULTIMATE)


def resolve_options(
    task: Task[..., Any],
    declared: Mapping[str, Any],
    exports: Exports,
    call: Mapping[str, Any],
    export_names: tuple[str, ...],
    use_cache: bool,
) -> CallOptions:
    """Merge the options of a call.

    declared: those of the decorator, evaluated.
    exports: what the calls above have exported.
    call: options given for this call; export_names: which of the options hold below it as well.

    Raises `SchedulerError` for an option whose value makes no sense.
    """
    values = dict(declared)
    _override(values, exports)
    _override(values, call)
    if call:
        warn_about_call_options(task.fullname, call)
    names = [*export_names, *(name for name in task.export_names if name not in export_names)]
    own = {name: values[name] for name in names if name in values}
    if not values.get("prov", True):
        own["prov"] = False
    below = exports
    if own:
        below = dict(exports)
        _override(below, own)
    return CallOptions(task, values, below, use_cache)


def _override(values: dict[str, Any], newer: Mapping[str, Any]) -> None:
    """Lay newer options over older ones. `cache` and `cache_scope` say the same thing: the newer one wins over both."""
    if "cache" in newer and "cache_scope" not in newer:
        values.pop("cache_scope", None)
    elif "cache_scope" in newer:
        values.pop("cache", None)
    values.update(newer)


def _scope(task: Task[..., Any], values: Mapping[str, Any]) -> CacheScope:
    declared = values.get("cache_scope")
    if declared is not None:
        return CacheScope(_choice(task, "cache_scope", CacheScope, declared))
    return CacheScope.BACKEND if values.get("cache", True) else CacheScope.CSE


def _choice(task: Task[..., Any], name: str, kind: type[CacheScope] | type[CacheCheckValid], value: Any) -> str:
    try:
        return str(kind(value).value)
    except ValueError:
        known = ", ".join(repr(item.value) for item in kind)
        raise SchedulerError(f"task {task.fullname!r}: {name} is {value!r}, but must be one of {known}") from None


def _tags(task: Task[..., Any], tags: Any) -> tuple[tuple[str, Any], ...]:
    try:
        return check_tags(tags)
    except ValueError as error:
        raise SchedulerError(f"task {task.fullname!r}: {error}") from None


def _hash(values: dict[str, Any]) -> bytes | None:
    """The hash of options, to tell later whether they differed. None where one of them cannot be stored."""
    if not values:
        return None
    try:
        return hash_value(dict(sorted(values.items())))
    except InvalidValueError:
        return None


def _check_booleans(task: Task[..., Any], values: Mapping[str, Any]) -> None:
    """Those that were expressions have not been looked at before."""
    for name in BOOLEANS:
        if name in values:
            try:
                check_boolean(f"task {task.fullname!r}", name, values[name])
            except TypeError as error:
                raise SchedulerError(str(error)) from None


def _executor(task: Task[..., Any], name: Any) -> str:
    if name is not None and not isinstance(name, str):
        raise SchedulerError(f"task {task.fullname!r}: executor must be the name of an executor, not {name!r}")
    return name or "default"


def _allows(allowed: Any, result: CacheResult) -> bool:
    return allowed is None or result in allowed


def _limits(task: Task[..., Any], limits: Any) -> tuple[tuple[str, int], ...]:
    if not limits:
        return ()
    items: list[tuple[Any, Any]] = [(None, 1)]
    if isinstance(limits, Mapping):
        items = list(limits.items())
    elif isinstance(limits, Iterable) and not isinstance(limits, str):
        items = [(name, 1) for name in limits]
    for name, count in items:
        if not isinstance(name, str) or not isinstance(count, int) or count < 0:
            raise SchedulerError(
                f"task {task.fullname!r}: limits must be a list of names or a dict of name to count, not {limits!r}"
            )
    return tuple(items)
