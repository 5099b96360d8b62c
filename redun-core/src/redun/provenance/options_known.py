"""Options of a call, told from their hash: repositories keep no options, because there may be secrets among them."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

from redun.value import hash_value

_NO_CACHE: tuple[dict[str, Any], ...] = (
    {"cache": False},
    {"cache_scope": "NONE"},
    {"cache_scope": "CSE"},
    {"cache": False, "check_valid": "shallow"},
    {"check_valid": "shallow"},
    {},
)


def options_behind(options_hash: bytes | None, executor: str) -> dict[str, Any] | None:
    """The options with this hash, if they are among those that people often give; None for any others.

    executor: the name of the executor that the job ran on, which may be among its options.
    """
    return {} if options_hash is None else _known(executor).get(options_hash)


def switches_cache_off(options: dict[str, Any]) -> bool:
    """Whether options say that earlier executions do not count."""
    return options.get("cache") is False or options.get("cache_scope") in ("NONE", "CSE")


@cache
def _known(executor: str) -> dict[bytes, dict[str, Any]]:
    from redun.cache_options import CacheCheckValid, CacheScope

    more: tuple[dict[str, Any], ...] = ({}, {"executor": executor})
    found: dict[bytes, dict[str, Any]] = {}
    for base, extra in itertools.product(_NO_CACHE, more):
        options = {**base, **extra}
        # An enum and its text hash apart, and people write either.
        for make in (str, CacheScope):
            shown = dict(options)
            if "cache_scope" in shown:
                shown["cache_scope"] = make(shown["cache_scope"])
            if "check_valid" in shown and make is CacheScope:
                shown["check_valid"] = CacheCheckValid(shown["check_valid"])
            found[hash_value(dict(sorted(shown.items())))] = options
    return found
