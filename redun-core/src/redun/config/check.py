"""Finding everything that is wrong with a configuration at once."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from redun.config.aliases import alias_circle, missing_target
from redun.config.build import default_executors, scheduler_settings
from redun.config.doubts import doubts
from redun.config.section_types import BACKEND, EXECUTORS, section_type
from redun.config.setup_function import missing_setup_function
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

    Unlike a run, this also complains of sections that nothing selects. Nothing is logged.
    """
    with _log_silenced():
        return list(
            dict.fromkeys(
                [
                    *_plugin_problems(),
                    *(Problem(False, message) for message in doubts(config)),
                    *_section_problems(config),
                    *_alias_problems(config),
                    *_scheduler_problems(config),
                ]
            )
        )


@contextlib.contextmanager
def _log_silenced() -> Iterator[None]:
    """Loading plugins logs what is wrong with them, which is among the problems anyway."""
    logger = logging.getLogger("redun")

    def drop(record: logging.LogRecord) -> bool:  # noqa: ARG001 - a filter is given the record
        return False

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


def _plugin_problems() -> Iterator[Problem]:
    from redun.plugins import get_plugins

    plugins = get_plugins()
    conflicts = plugins.conflicts()
    for message in plugins.problems():
        yield Problem(message in conflicts, message)


def _section_problems(config: Config) -> Iterator[Problem]:
    for section in config.section_names():
        try:
            kind = section_type(config, section)
        except ConfigError as error:
            yield Problem(True, str(error))
            if section == BACKEND:
                yield from _rest_of_backend(config)
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


def _rest_of_backend(config: Config) -> Iterator[Problem]:
    """What else is wrong with `[backend]` when its `db_uri` selects nothing: most likely a SQL database was meant."""
    from redun.plugins import get_plugins

    with contextlib.suppress(PluginError):
        kind = get_plugins().backend_for_scheme("sqlite")
        problems = check_section(config, BACKEND, kind.settings, beside=("db_uri",)).problems
        yield from (Problem(True, message) for message in problems)


def _interpolation_problems(config: Config, section: str) -> Iterator[Problem]:
    """References that lead nowhere in a section of the user's own: an error only for the code that reads it."""
    for option in config.parser.own_values(section):
        try:
            config.parser.get(section, option)
        except ConfigError as error:
            yield Problem(False, str(error))


def _alias_problems(config: Config) -> Iterator[Problem]:
    configured = [section.removeprefix(EXECUTORS) for section in config.section_names(EXECUTORS)]
    known = list(dict.fromkeys([*default_executors(), *configured]))
    scheduler = config.section("scheduler")
    # Where a function of the user's makes the scheduler, it may add executors that nothing here tells of.
    is_complete = scheduler is None or not config.parser.raw_values("scheduler").get("setup_scheduler")
    for name in configured:
        circle = alias_circle(config, name)
        if circle is not None:
            yield Problem(True, circle)
        missing = missing_target(config, name, known)
        if missing is not None:
            yield Problem(is_complete, missing if is_complete else f"{missing}, and what setup_scheduler adds")


def _scheduler_problems(config: Config) -> Iterator[Problem]:
    missing = missing_setup_function(config)
    if missing is not None:
        yield Problem(True, missing)
    try:
        scheduler_settings(config)
    except ConfigError as error:
        # Those of the section itself have been found before, and are the same lines.
        yield from (Problem(True, line) for line in str(error).splitlines())
