"""Finding the configuration directory, and making one where there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from redun.config.config import Config
from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

REDUN_CONFIG_ENV = "REDUN_CONFIG"
REDUN_CONFIG_DIR = ".redun"
REDUN_INI_FILE = "redun.ini"

TEMPLATE = """\
# Configuration of redun. Every option has a default: this file may stay as it is.
# `redun config show` shows what is in effect, `redun config check` finds mistakes.

# [backend]
# db_uri = sqlite:///redun.db

# [executors.default]
# type = local
# max_workers = 20

# [limits]
# web_api = 5
"""


def find_config_dir(
    option: str | Path | None = None, *, cwd: Path | None = None, environ: Mapping[str, str] = os.environ
) -> str:
    """The configuration directory that is in effect. It need not exist.

    option: what `--config` says, if it was given.

    Raises `ConfigError` when it exists and cannot be read.

    In order: the option, the environment variable `REDUN_CONFIG`, the nearest folder `.redun` from the working
    directory upwards, `.redun` in the working directory. A path is made absolute; a URL is returned as it is.
    """
    here = Path.cwd() if cwd is None else cwd
    given = str(option) if option is not None else environ.get(REDUN_CONFIG_ENV, "")
    if option is not None and not given:
        raise ConfigError("--config: the path of the configuration directory is empty")
    if "://" in given:
        return given
    if given:
        return _readable(os.path.normpath(here / Path(given).expanduser()))
    for folder in (here, *here.parents):
        if (folder / REDUN_CONFIG_DIR).is_dir():
            return _readable(str(folder / REDUN_CONFIG_DIR))
    return str(here / REDUN_CONFIG_DIR)


def _readable(folder: str) -> str:
    """The folder, unless it is there and this user may not look into it."""
    effective = os.access in os.supports_effective_ids
    if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK, effective_ids=effective):  # noqa: PTH112
        raise ConfigError(f"the configuration directory {folder} cannot be read: this user may not look into it")
    return folder


def create_config_dir(config_dir: str | Path) -> Path:
    """Make the configuration directory and a `redun.ini` of comments in it, where they do not exist yet.

    Raises `ConfigError` when that is not possible.
    """
    folder = Path(config_dir)
    ini = folder / REDUN_INI_FILE
    if folder.is_file():
        raise ConfigError(
            f"{folder} is a file, but a configuration directory is needed: the folder that holds redun.ini"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # "x", so that a configuration that another process has written meanwhile is not overwritten.
        with ini.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        pass
    except OSError as error:
        if folder.is_dir():
            raise ConfigError(
                f"the configuration directory {folder} has no {REDUN_INI_FILE}, and none can be made: {error.strerror}"
            ) from error
        raise ConfigError(f"the configuration directory {folder} cannot be made: {error}") from error
    return folder


def load_config(config_dir: str | Path | None = None) -> Config:
    """Read the configuration of a directory, which is made if it does not exist.

    config_dir: the directory; None looks for it as `find_config_dir` does.

    Raises `ConfigError` when the file cannot be read or its syntax is wrong. Options are checked by those who use them,
    and all together by `redun.config.check.find_problems`.
    """
    found = find_config_dir(config_dir)
    if "://" in found:
        # A remote configuration is only read: relative paths belong to the machine that the command runs on.
        config = Config()
        config.read_path(f"{found.rstrip('/')}/{REDUN_INI_FILE}")
    else:
        folder = create_config_dir(found)
        config = Config(configdir=folder)
        config.read_path(folder / REDUN_INI_FILE)
    if config.section_names():
        from redun.config.federated import import_federated_configs

        import_federated_configs(config)
    return config
