"""Where configuration and repository are, for programs that work out these places themselves."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from redun.config.discovery import REDUN_CONFIG_DIR, REDUN_CONFIG_ENV, REDUN_INI_FILE

if TYPE_CHECKING:
    from redun.config.config import Config

__all__ = [
    "DEFAULT_DB_URI",
    "DEFAULT_REPO_NAME",
    "REDUN_CONFIG_DIR",
    "REDUN_CONFIG_ENV",
    "REDUN_INI_FILE",
    "REDUN_USER_ENV",
    "get_abs_config_dir",
    "get_abs_db_uri",
    "get_abs_url",
    "postprocess_config",
]

REDUN_USER_ENV = "REDUN_USER"
DEFAULT_REPO_NAME = "default"
DEFAULT_DB_URI = "sqlite:///redun.db"

_SQLITE = "sqlite:///"
_IN_MEMORY = ":memory:"


def get_abs_config_dir(config_dir: str, cwd: str | None = None) -> str:
    """A configuration directory as an absolute path, from the working directory or `cwd`. A URL stays as it is."""
    return get_abs_url(config_dir, cwd or str(Path.cwd()))


def get_abs_db_uri(db_uri: str, config_dir: str, cwd: str | None = None) -> str:
    """A `db_uri` with an absolute path: that of SQLite is relative to the configuration directory. Others stay."""
    path = db_uri.removeprefix(_SQLITE)
    if not db_uri.startswith(_SQLITE) or path.startswith("/") or path == _IN_MEMORY:
        return db_uri
    return f"{_SQLITE}{get_abs_url(path, get_abs_config_dir(config_dir, cwd))}"


def get_abs_url(uri: str, base: str) -> str:
    """A path as an absolute one, from a base, which may be a URL. A URL stays as it is."""
    if "://" in uri:
        return uri
    scheme, separator, folder = base.rpartition("://")
    if separator and not uri.startswith("/"):
        return f"{scheme}{separator}{posixpath.normpath(f'{folder}/{uri}')}"
    return os.path.normpath(Path.cwd() / base / uri)


def postprocess_config(config: Config, config_dir: str) -> Config:
    """Have relative paths of a configuration mean paths in a configuration directory, and say where that is.

    Sets `configdir`, `[backend] db_uri` with an absolute path, and `[repos.default]`. Returns the same configuration.
    """
    folder = get_abs_config_dir(config_dir)
    backend = config.section("backend")
    db_uri = backend.get("db_uri", DEFAULT_DB_URI) if backend is not None else DEFAULT_DB_URI
    config.configdir = folder
    config.read_dict(
        {
            "backend": {"db_uri": get_abs_db_uri(db_uri, folder).replace("$", "$$")},
            f"repos.{DEFAULT_REPO_NAME}": {"config_dir": folder.replace("$", "$$")},
        }
    )
    return config
