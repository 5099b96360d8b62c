"""Following the executors that are other names for executors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.config.section_types import EXECUTORS
from redun.errors import ConfigError

if TYPE_CHECKING:
    from redun.config.config import Config

_SELECTABLE = "inline"
"""An executor that tasks may always select, configured or not."""


def alias_target(config: Config, name: str) -> str | None:
    """The name that a configured executor stands for; None when it is no alias, or its target cannot be told."""
    section = f"{EXECUTORS}{name}"
    options = config.section(section)
    if options is None or config.parser.raw_values(section).get("type") != "alias":
        return None
    try:
        return options.get("target") or None
    except ConfigError:  # a reference that leads nowhere, which checking the options finds
        return None


def alias_circle(config: Config, name: str) -> str | None:
    """What is wrong when the aliases that begin at this executor go in a circle; else None."""
    names = [name]
    while (target := alias_target(config, names[-1])) is not None:
        names.append(target)
        if target in names[:-1]:
            where = config.parser.describe(f"{EXECUTORS}{name}", "target")
            return f"{where}: executors are aliases of each other: {' -> '.join(names)}"
    return None


def missing_target(config: Config, name: str, known: list[str]) -> str | None:
    """What is wrong when an executor is an alias of one that does not exist; else None."""
    from redun.config.nearest import did_you_mean

    target = alias_target(config, name)
    if target is None or target in known or target == _SELECTABLE:
        return None
    where = config.parser.describe(f"{EXECUTORS}{name}", "target")
    meant = did_you_mean(target, known) or "."
    return f'{where} = "{target}": there is no such executor{meant} Known: {", ".join(known)}'
