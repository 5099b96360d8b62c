"""Finding everything that is wrong with a configuration at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.config.build import scheduler_settings
from redun.config.section_types import EXECUTORS, near_misses, section_type
from redun.config.validation import check_section
from redun.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.config.config import Config


class Problem(NamedTuple):
    """Something that is wrong with a configuration, or that may be."""

    is_error: bool
    """False for a warning: redun works, but perhaps not as meant."""
    message: str
    """What is wrong, with its place."""


def find_problems(config: Config) -> list[Problem]:
    """Everything that is wrong with a configuration and with the plugins that it may use.

    Unlike a run, this also complains of sections that nothing selects.
    """
    return list(dict.fromkeys([*_plugin_problems(), *_section_problems(config), *_context_problems(config)]))


def _plugin_problems() -> Iterator[Problem]:
    from redun.plugins import get_plugins

    plugins = get_plugins()
    conflicts = plugins.conflicts()
    for message in plugins.problems():
        yield Problem(message in conflicts, message)


def _section_problems(config: Config) -> Iterator[Problem]:
    for _, message in near_misses(config):
        yield Problem(False, message)
    for section in config.section_names():
        try:
            kind = section_type(config, section)
        except ConfigError as error:
            yield Problem(True, str(error))
            continue
        if kind is None:
            yield from _interpolation_problems(config, section)
            continue
        beside = ("type",) if section.startswith(EXECUTORS) else ()
        try:
            problems = check_section(config, section, kind.settings, beside=beside).problems
        except PluginError as error:  # the settings model itself cannot be imported
            problems = [f"{config.parser.describe(section)}: {error}"]
        yield from (Problem(True, message) for message in problems)


def _interpolation_problems(config: Config, section: str) -> Iterator[Problem]:
    """References that lead nowhere in a section of the user's own: an error only for the code that reads it."""
    for option in config.parser.own_values(section):
        try:
            config.parser.get(section, option)
        except ConfigError as error:
            yield Problem(False, str(error))


def _context_problems(config: Config) -> Iterator[Problem]:
    try:
        scheduler_settings(config)
    except ConfigError as error:
        # Those of the section itself have been found before, and are the same lines.
        yield from (Problem(True, line) for line in str(error).splitlines())
