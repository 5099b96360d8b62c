"""What the commands share: the global options, and the objects that are made from them when a command needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import BackendError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.config import Config
    from redun.scheduler import Scheduler

LOG_LEVELS = ("ERROR", "WARN", "WARNING", "INFO", "DEBUG")


@dataclass
class App:
    """The object that every command finds as click's `obj`."""

    arguments: tuple[str, ...] = ()
    """The command line, without the program's name."""
    config_option: str | None = None
    """`--config`: the configuration directory."""
    repo: str = "default"
    """`--repo`: whose configuration to use."""
    setup: tuple[str, ...] = ()
    """`--setup`: `key=value` arguments for the function that `setup_scheduler` names."""
    debug: bool = False
    """`--debug`: show Python tracebacks of errors."""
    log_level: str = "INFO"
    """`--log-level`: the least important messages to show."""

    result: Any = None
    """What the workflow returned, once `redun run` has ended."""

    def start_logging(self) -> None:
        """Send the messages of the logger "redun" to stderr."""
        from redun.log_lines import start_logging

        start_logging(self.log_level)

    def load_config(self) -> Config:
        """The configuration, from the directory that was asked for or found, which is created where none exists.

        Raises ConfigError for a configuration that is wrong or missing.
        """
        from redun.config.discovery import load_config

        return self._of_repo(load_config(self.config_option))

    def load_existing_config(self) -> Config:
        """The configuration, for a command that only looks: where there is none, none is created.

        Raises UsageError when there is no configuration directory.
        """
        return self._of_repo(self._load_existing_default())

    def _load_existing_default(self) -> Config:
        from redun.config.discovery import REDUN_INI_FILE, find_config_dir, load_config

        config_dir = find_config_dir(self.config_option)
        if "://" not in config_dir and not (Path(config_dir) / REDUN_INI_FILE).is_file():
            raise UsageError(
                f"no repository: there is no {config_dir}/{REDUN_INI_FILE}. `redun run` and `redun init` create one, "
                "--config names another place"
            )
        return load_config(self.config_option)

    def make_scheduler(self, observers: Sequence[Any] = ()) -> Scheduler:
        """A scheduler as configured, by the user's `setup_scheduler` function if there is one. It is not loaded yet."""
        from redun.cli.setup import make_scheduler

        return make_scheduler(self.load_config(), self.setup, observers)

    def open_backend(self) -> Backend:
        """The configured repository, opened to look at it.

        Raises UsageError when there is none.
        """
        return open_to_look(self.load_existing_config())

    def load_repo(self, name: str) -> Config:
        """The configuration of a repository by its name, which the configuration of `--config` knows.

        Raises UsageError when there is no such repository.
        """
        from redun.config.repos import load_repo

        return load_repo(self._load_existing_default(), name)

    def _of_repo(self, config: Config) -> Config:
        if self.repo == "default":
            return config
        from redun.config.repos import load_repo

        return load_repo(config, self.repo)


def open_to_look(config: Config) -> Backend:
    """The repository of a configuration, opened for questions.

    Raises UsageError when it cannot be opened, or keeps nothing.
    """
    backend = _durable_backend(config)
    try:
        backend.load_for_questions()
    except BackendError as error:
        raise UsageError(str(error)) from error
    return backend


def open_to_write(config: Config) -> Backend:
    """The repository of a configuration, opened to add records to it.

    Raises UsageError when it cannot be opened, or keeps nothing.
    """
    backend = _durable_backend(config)
    open_repository(backend)
    return backend


def _durable_backend(config: Config) -> Backend:
    from redun.config.build import make_backend

    backend = make_backend(config)
    if not backend.is_durable:
        raise UsageError(f"the repository of {config.configdir} keeps nothing after a run, so there is nothing to show")
    return backend


def open_repository(repository: Backend | Scheduler, migrate: bool | None = None) -> None:
    """Open a repository, or that of a scheduler.

    Raises UsageError when it cannot be opened: nothing has been started yet, so this is the fault of what was asked
    for, as with a wrong configuration.
    """
    try:
        repository.load(migrate=migrate)
    except BackendError as error:
        raise UsageError(str(error)) from error
