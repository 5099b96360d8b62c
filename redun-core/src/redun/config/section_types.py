"""Which model is responsible for a section."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redun.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from redun.config.config import Config
    from redun.plugins import BackendType, ExecutorType

EXECUTORS = "executors."
BACKEND = "backend"


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
        # Without the cause: whoever selects this executor is shown one message, not how it came about.
        raise ConfigError(f'{f"{place}: " if place else ""}[{section}] type = "{name}": {error}') from None


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
        given = _shown_uri(options["db_uri"]) if options and option == "db_uri" and "db_uri" in options else None
        where = config.parser.describe(BACKEND, option)
        raise ConfigError(f"{where}{f' = {given}' if given is not None else ''}: {error}") from None


def _scheme(uri: str) -> str:
    # `postgresql+psycopg://` names a driver as well.
    scheme, colon, _ = uri.partition(":")
    if not colon:
        raise PluginError("it has no scheme. Write sqlite:///<file> for a file in the configuration directory.")
    return scheme.split("+")[0].lower()


def _shown_uri(uri: str) -> str:
    """A URI as it was given, without what may be a password."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        return f'"{uri}"'
    return f"{scheme}{colon}{'//' if rest.startswith('//') else ''}..."


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
