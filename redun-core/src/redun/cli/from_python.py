"""Parts of the command line as functions, for programs and tests that put them together themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.tags import USER_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from redun.backends.base import Backend
    from redun.config import Config
    from redun.scheduler import Scheduler


def setup_scheduler(
    config_dir: str | None = None,
    setup_args: Sequence[str] | None = None,
    repo: str = "default",
    migrate: bool | None = None,
    migrate_if_local: bool = False,  # noqa: ARG001 - the backend's own setting says what is safe
) -> Scheduler:
    """The scheduler that `redun --config CONFIG_DIR --repo REPO --setup KEY=VALUE run` would use, its repository open.

    setup_args: the `key=value` arguments for the function that `setup_scheduler` names in the configuration.
    migrate: whether an older repository is brought up to date; None leaves that to the configuration.

    Raises what the command would report: `ConfigError`, `UsageError` or `BackendError`.
    """
    from redun.cli.setup import make_scheduler

    scheduler = make_scheduler(setup_config(config_dir, repo=repo), tuple(setup_args or ()))
    scheduler.load(migrate=migrate)
    return scheduler


def setup_config(
    config_dir: str | None = None, db_uri: str | None = None, repo: str = "default", initialize: bool = True
) -> Config:
    """The configuration, as `redun --config CONFIG_DIR --repo REPO` reads it.

    db_uri: of the repository, instead of what the configuration says.
    initialize: whether the folder is made where there is none; otherwise that is a `UsageError`.
    """
    from redun.cli.app import App

    app = App(config_option=config_dir, repo=repo)
    config = app.load_config() if initialize else app.load_existing_config()
    if db_uri is not None:
        config.read_dict({"backend": {"db_uri": db_uri.replace("$", "$$")}})
    return config


def setup_backend_db(config_dir: str | None = None, repo: str = "default") -> Backend:
    """The repository of the configuration, not loaded yet. Raises `ConfigError`."""
    from redun.config.build import make_backend

    return make_backend(setup_config(config_dir, repo=repo))


def get_config_dir(config_dir: str | None = None) -> str:
    """The configuration directory that is in effect, absolute. It need not exist.

    In order: the argument, the environment variable `REDUN_CONFIG`, the nearest folder `.redun` from the working
    directory upwards, `.redun` in the working directory.
    """
    from redun.config import discovery

    return discovery.find_config_dir(config_dir)


def find_config_dir(cwd: str | None = None) -> str | None:
    """The nearest folder `.redun` from a folder upwards; the working directory, if none is given. None without one."""
    from redun.config import discovery

    here = Path.cwd() if cwd is None else Path(cwd).absolute()
    found = discovery.find_config_dir(cwd=here, environ={})
    return found if Path(found).is_dir() else None


def import_script(filename_or_module: str, add_cwd: bool = True) -> ModuleType:
    """Import a script as `redun run` does: a `.py` file, else a dotted module.

    add_cwd: the folder of a file, or for a module the working directory, is put in front of `sys.path`; False takes it
    away again after the import.

    Raises `UsageError` when there is no such script, and what stands in the way of its import.
    """
    import sys

    from redun.cli import workflow_script

    before = sys.path[:]
    try:
        return workflow_script.import_script(filename_or_module)
    finally:
        if not add_cwd:
            sys.path[:] = before


def check_version(version: str, version_spec: str) -> bool:
    """Whether a version fulfils conditions such as `>=1.2,<2`. Raises `UsageError` for what cannot be read as such."""
    from redun.cli import version_condition

    return version_condition.fulfils(version, version_spec)


def arg_name2cli_name(arg_name: str) -> str:
    """How a parameter of a task is written on the command line: `--max-size` for `max_size`."""
    return "--" + arg_name.lower().replace("_", "-")


def get_username() -> str:
    """Who runs this: the environment variable `REDUN_USER`, or else who is logged in; empty where that has no name."""
    from redun.cli.execution_tags import user_name

    return user_name() or ""


def get_default_execution_tags(
    user: str | None = None, project: str | None = None, doc: str | None = None, exclude_users: Sequence[str] = ()
) -> list[tuple[str, Any]]:
    """The tags of an execution that are known without a configuration: version, git, user, project and description.

    exclude_users: those who get no tag with their name.
    """
    from redun.cli.execution_tags import known_tags

    tags = known_tags(user, project, doc)
    return [(key, value) for key, value in tags if key != USER_KEY or value not in exclude_users]
