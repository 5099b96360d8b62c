"""Making what the configuration describes: executors, the backend, limits, settings.

Only what is asked for is looked up: the plugins are loaded when an executor or the backend is made, and pydantic is
imported when a section with options is used.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.config.aliases import alias_circle
from redun.config.doubts import warn_of_doubts, warn_once
from redun.config.nearest import did_you_mean
from redun.config.scheduler_settings import SchedulerSettings
from redun.config.section_types import BACKEND, EXECUTORS, backend_type, executor_type
from redun.config.validation import check_options, check_section, section_options
from redun.errors import ConfigError, PluginError, RedunError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.backends.base import Backend
    from redun.config.config import Config
    from redun.executors.base import Executor
    from redun.plugins import BackendType, ExecutorType

logger = logging.getLogger("redun")

_SECTIONS = "redun.config.sections"


# -- executors --------------------------------------------------------------------------------------------------------


def executor_names(config: Config) -> list[str]:
    """The names of the executors that tasks can select, those that exist without configuration first.

    Checks the options of every executor section, so that a mistake is known before work begins. A section whose type no
    installed plugin provides is warned about; selecting it is an error (`make_executor`).

    Raises `ConfigError` with all wrong options.
    """
    warn_of_doubts(config)
    problems = []
    configured = config.section_names(EXECUTORS)
    for section in configured:
        try:
            kind = executor_type(config, section)
            problems += check_section(config, section, kind.settings, beside=("type",)).problems
        except RedunError as error:
            warn_once(config, str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    names = list(default_executors()) + [section.removeprefix(EXECUTORS) for section in configured]
    return list(dict.fromkeys(names))


def make_executor(config: Config, name: str) -> Executor:
    """The executor of this name, not started.

    Raises `ConfigError` when there is no such executor, when no installed plugin provides its type, when its options
    are wrong, or when it is an alias in a circle of aliases.
    """
    section = f"{EXECUTORS}{name}"
    if config.section(section) is not None:
        kind = executor_type(config, section)
        circle = alias_circle(config, name)
        if circle is not None:
            raise ConfigError(circle)
        options = section_options(config, section, kind.settings, beside=("type",))
        return _executor(config.parser.describe(section), kind, name, options)
    defaults = default_executors()
    if name in defaults:
        return _default_executor(name, **defaults[name])
    known = [*defaults, *(one.removeprefix(EXECUTORS) for one in config.section_names(EXECUTORS))]
    raise ConfigError(
        f'there is no executor "{name}"{did_you_mean(name, known)} Known: {", ".join(dict.fromkeys(known))}. '
        f"Executors are configured in sections [executors.<name>] of redun.ini."
    )


def make_executor_of_type(type_name: str, name: str, config: Mapping[str, Any], options: Mapping[str, Any]) -> Executor:
    """An executor, not started, that no section of the configuration describes.

    type_name: what a section would set as its `type`.
    config: options as the texts of a section, checked as those of a section are.
    options: further ones, which win, as texts or as values of the types that they are declared with.

    Raises `PluginError` when no installed plugin provides the type, and `ConfigError` when options are wrong.
    """
    from redun.plugins import get_plugins

    kind = get_plugins().executor_type(type_name)
    where = f'the executor "{name}" of type "{type_name}"'
    checked = check_options(where, kind.settings, config, options)
    return _executor(where, kind, name, checked)


def default_executors() -> dict[str, dict[str, Any]]:
    """The executors that exist without configuration, as the options of the sections that would describe them."""
    from redun.plugins import get_plugins

    if "local" not in get_plugins().executor_types():
        return {"default": {"type": "inline"}}
    return {"default": {"type": "local"}, "process": {"type": "local", "mode": "process"}}


def _default_executor(name: str, type: str, **options: Any) -> Executor:  # noqa: A002 - the name of the option
    from redun.plugins import get_plugins

    where = f'the default executor "{name}"'
    try:
        kind = get_plugins().executor_type(type)
    except PluginError as error:
        raise ConfigError(f"{where}: {error}") from None
    return _executor(where, kind, name, options)


def _executor(where: str, kind: ExecutorType, name: str, options: dict[str, Any]) -> Executor:
    from redun.plugins import resolve

    try:
        executor: Executor = resolve(kind.factory)(name, **options)
        if kind.task_options is not None:
            executor.task_options = kind.task_options
    except RedunError:
        raise
    except Exception as error:
        raise ConfigError(
            f'{where}: an executor of type "{kind.name}" cannot be made: {type(error).__name__}: {error}'
        ) from error
    return executor


# -- backend ----------------------------------------------------------------------------------------------------------


def make_backend(config: Config) -> Backend:
    """The backend of the configuration, not loaded.

    Without a `db_uri` it is `sqlite:///redun.db` in the configuration directory when the SQL backend is installed; else
    results are kept in memory, which is logged with what to install.

    Raises `ConfigError` when no installed plugin serves the `db_uri`, or when options are wrong.
    """
    from redun.plugins import get_plugins, resolve
    from redun.plugins.hints import BACKEND_PACKAGES

    warn_of_doubts(config)
    kind = backend_type(config)
    options = section_options(config, BACKEND, kind.settings)
    if kind.name == "memory" and "db_uri" not in options:
        how = get_plugins().how_to_get(BACKEND_PACKAGES["sqlite"])
        logger.warning("Results are not kept after this run: no SQL backend is loaded.%s", how)
    try:
        backend: Backend = resolve(kind.factory)(Path(config.configdir), **options)
    except RedunError:
        raise
    except Exception as error:
        raise _backend_failed(config, kind, error) from error
    return backend


def _backend_failed(config: Config, kind: BackendType, error: Exception) -> ConfigError:
    from redun.config.secrets import SecretMask

    reason = SecretMask(config).text(f"{type(error).__name__}: {error}")
    return ConfigError(f'{config.parser.describe(BACKEND)}: the backend "{kind.name}" cannot be made: {reason}')


# -- the rest ---------------------------------------------------------------------------------------------------------


def limits(config: Config) -> dict[str, int]:
    """How much of each resource there is, by name. Raises `ConfigError` for what is not a whole number from 0."""
    return section_options(config, "limits", f"{_SECTIONS}:LimitsSection")


def configured_tags(config: Config) -> dict[str, str]:
    """The tags that the configuration gives to every execution."""
    return section_options(config, "tags", f"{_SECTIONS}:TagsSection")


def scheduler_settings(config: Config) -> SchedulerSettings:
    """What `[scheduler]` says, with defaults for what it does not say.

    Raises `ConfigError` when an option is wrong or the context file cannot be read.
    """
    options = section_options(config, "scheduler", f"{_SECTIONS}:SchedulerSection")
    if not options:
        return SchedulerSettings()
    options.pop("federated_configs", None)  # their sections were added when the configuration was loaded
    path = options.pop("context_file", None)
    if path is not None:
        options["context"] = _context_from(config, path)
    if "ignore_warnings" in options:
        options["ignore_warnings"] = frozenset(options["ignore_warnings"])
    return SchedulerSettings(**{name: value for name, value in options.items() if value is not None})


def _context_from(config: Config, path: str) -> dict[str, Any]:
    where = config.parser.describe("scheduler", "context_file")
    file = Path(config.configdir) / Path(path).expanduser()
    try:
        context = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{where}: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{where}: {file} is not valid JSON: {error}") from error
    if not isinstance(context, dict):
        raise ConfigError(f"{where}: {file} holds {type(context).__name__}, but a JSON object is needed")
    return context
