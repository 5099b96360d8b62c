"""Which model is responsible for a section, and what a section that nobody knows may have been meant to be."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from redun.config.nearest import nearest
from redun.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from redun.config.config import Config
    from redun.plugins import BackendType, ExecutorType

EXECUTORS = "executors."
BACKEND = "backend"
# What the core reads, spelled out here so that looking for misspelt names needs no plugin.
_CORE_SECTIONS = ("scheduler", "backend", "limits", "tags")
_CORE_GROUPS = ("executors", "repos", "federated_tasks")

logger = logging.getLogger("redun")


class SectionType(NamedTuple):
    """How the options of a section are checked."""

    settings: str | None
    """Names the settings model; None when the section takes no options."""
    summary: str = ""


def executor_type(config: Config, section: str) -> ExecutorType:
    """The executor type that an `[executors.*]` section selects.

    Raises `ConfigError` when it selects none, or one that no installed plugin provides.
    """
    from redun.plugins import get_plugins

    options = config.section(section)
    if options is None or "type" not in options:
        known = ", ".join(get_plugins().executor_types())
        raise ConfigError(f"{config.parser.describe(section)}: the option 'type' is missing. Installed: {known}.")
    name = options["type"]
    try:
        return get_plugins().executor_type(name)
    except PluginError as error:
        place = config.parser.place(section, "type")
        raise ConfigError(f'{f"{place}: " if place else ""}[{section}] type = "{name}": {error}') from error


def backend_type(config: Config) -> BackendType:
    """The backend type that the configuration selects.

    `db_uri` selects it by its scheme. Without one it is the SQL backend where that is installed, else memory.

    Raises `ConfigError` when no installed plugin serves the scheme, and when a database is asked for by other options
    and no SQL backend is installed.
    """
    from redun.plugins import get_plugins

    plugins = get_plugins()
    options = config.section(BACKEND)
    try:
        if options is not None and "db_uri" in options and not options.get("db_aws_secret_name"):
            return plugins.backend_for_scheme(_scheme(options["db_uri"]))
        if "sqlite" in plugins.backend_schemes() or (options is not None and len(options)):
            return plugins.backend_for_scheme("sqlite")
        return plugins.backend_types()["memory"]
    except PluginError as error:
        option = "db_aws_secret_name" if options and options.get("db_aws_secret_name") else "db_uri"
        given = _scheme(options["db_uri"]) + "://..." if options and option == "db_uri" and "db_uri" in options else ""
        where = config.parser.describe(BACKEND, option)
        raise ConfigError(f"{where}{f' = {given}' if given else ''}: {error}") from error


def _scheme(uri: str) -> str:
    # `postgresql+psycopg://` names a driver as well.
    scheme, separator, _ = uri.partition(":")
    return scheme.split("+")[0].lower() if separator else uri


def section_type(config: Config, section: str) -> SectionType | None:
    """How the options of a section are checked; None for a section that is the user's own business.

    Raises `ConfigError` for an executor or backend that nobody provides.
    """
    from redun.plugins import get_plugins

    if section.startswith(EXECUTORS):
        executor = executor_type(config, section)
        return SectionType(executor.settings, executor.summary)
    if section == BACKEND:
        backend = backend_type(config)
        return SectionType(backend.settings, backend.summary)
    known = get_plugins().config_sections()
    prefix, dot, _ = section.partition(".")
    for name in (section, f"{prefix}.*") if dot else (section,):
        if name in known:
            found = known[name]
            return SectionType(found.settings, found.summary)
    return None


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


def near_misses(config: Config) -> list[tuple[str, str]]:
    """The sections that nobody knows and whose name is close to a known one, each with a message."""
    found = []
    for section in config.section_names():
        meant = near_miss(section)
        if meant is None or not config.parser.own_values(section):
            continue
        # Only now are plugins looked at: one of them may well have a section of this name.
        if section_type(config, section) is None:
            where = config.parser.describe(section)
            found.append((section, f"{where}: there is no such section, it is ignored; did you mean [{meant}]?"))
    return found


def warn_about_near_misses(config: Config) -> None:
    """Log a warning for each section that looks like a misspelt one."""
    for _, message in near_misses(config):
        logger.warning("%s", message)
