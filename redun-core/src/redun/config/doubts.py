"""What in a configuration is probably not as it was meant: sections nobody knows.

It is warned about where a configuration is put to use, once each; `redun config check` lists it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redun.config.nearest import nearest
from redun.config.section_types import section_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.config.config import Config

# What the core reads, spelled out here so that looking for misspelt names needs no plugin.
_CORE_SECTIONS = ("scheduler", "backend", "limits", "tags")
_CORE_GROUPS = ("executors", "repos", "federated_tasks")

logger = logging.getLogger("redun")


def warn_once(config: Config, message: str) -> None:
    """Log a warning, unless it has been logged for this configuration before."""
    if message not in config.warned:
        config.warned.add(message)
        logger.warning("%s", message)


def warn_of_doubts(config: Config) -> None:
    """Log a warning for each of the doubts that has not been logged yet."""
    for message in doubts(config):
        warn_once(config, message)


def doubts(config: Config) -> Iterator[str]:
    """One message for everything that is probably not as it was meant."""
    for section in config.section_names():
        meant = near_miss(section)
        if meant is None or not config.parser.own_values(section):
            continue
        # Only now are plugins looked at: one of them may well have a section of this name.
        if section_type(config, section) is None:
            where = config.parser.describe(section)
            yield f"{where}: there is no such section, it is ignored; did you mean [{meant}]?"


def near_miss(section: str) -> str | None:
    """The name that a section was probably meant to have, when it is not a known one."""
    prefix, dot, rest = section.partition(".")
    if dot:
        if prefix in _CORE_GROUPS:
            return None
        meant = nearest(prefix, _CORE_GROUPS)
        return f"{meant}.{rest}" if meant else None
    if section in _CORE_SECTIONS:
        return None
    if section in _CORE_GROUPS:
        return f"{section}.<name>"
    meant = nearest(section, (*_CORE_SECTIONS, *_CORE_GROUPS, "DEFAULT"))
    return f"{meant}.<name>" if meant in _CORE_GROUPS else meant
