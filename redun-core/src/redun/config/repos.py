"""Other repositories, by the names that `[repos.NAME]` sections give them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from redun.config.discovery import REDUN_CONFIG_DIR, REDUN_INI_FILE, load_config
from redun.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from redun.config.config import Config

REPOS = "repos."
DEFAULT = "default"
"""The name of the repository of the configuration itself."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[(?P<name>.+)\]")


def repo_dirs(config: Config) -> dict[str, str]:
    """The configuration directories of all repositories that a configuration knows, by name, its own first."""
    found = {DEFAULT: str(config.configdir)}
    for section in config.section_names(REPOS):
        options = config.section(section)
        if options is not None and "config_dir" in options:
            found[section.removeprefix(REPOS)] = _resolved(config, options["config_dir"])
    return found


def load_repo(config: Config, name: str) -> Config:
    """The configuration of a repository that this configuration knows.

    Raises `UsageError` for an unknown name, and `ConfigError` when its configuration is missing or wrong.
    """
    if name == DEFAULT:
        return config
    known = repo_dirs(config)
    if name not in known:
        raise UsageError(
            f"there is no repository {name!r}: no section [{REPOS}{name}] with config_dir. Known: {', '.join(known)}."
            " `redun repo add` adds one."
        )
    _require_config(known[name])
    return load_config(known[name])


def add_repo(config: Config, name: str, config_dir: str) -> str:
    """Add a section for a repository to `redun.ini`. The directory as it is written there: absolute, or a URL.

    config_dir: its configuration directory, relative to the working directory.

    Raises `UsageError` for a name that is taken or cannot be one, and `ConfigError` when there is no configuration in
    the directory, or `redun.ini` cannot be changed.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a repository: letters, digits, - and _ are for names")
    if name in repo_dirs(config):
        raise UsageError(f"there is a repository {name!r} already, with config_dir = {repo_dirs(config)[name]}")
    found = config_dir if "://" in config_dir else os.path.normpath(Path.cwd() / Path(config_dir).expanduser())
    _require_config(found)
    ini = _own_ini(config)
    text = ini.read_text(encoding="utf-8")
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    _rewrite(ini, f"{text}{gap}[{REPOS}{name}]\nconfig_dir = {found.replace('$', '$$')}\n")
    return found


def remove_repo(config: Config, name: str) -> None:
    """Remove the section of a repository from `redun.ini`. The repository itself stays as it is.

    Raises `UsageError` where there is no such section in that file.
    """
    ini = _own_ini(config)
    lines = ini.read_text(encoding="utf-8").splitlines(keepends=True)
    kept: list[str] = []
    is_inside, is_found = False, False
    for line in lines:
        header = _HEADER.match(line)
        if header:
            is_inside = header["name"] == f"{REPOS}{name}"
            is_found |= is_inside
        if not is_inside or line.lstrip().startswith(("#", ";")):
            kept.append(line)
    if not is_found:
        known = ", ".join(each for each in repo_dirs(config) if each != DEFAULT) or "none"
        raise UsageError(f"{ini} has no section [{REPOS}{name}]. Repositories beside the default one: {known}")
    _rewrite(ini, "".join(kept).rstrip("\n") + "\n")


def _resolved(config: Config, config_dir: str) -> str:
    if "://" in config_dir:
        return config_dir
    return os.path.normpath(Path(config.configdir or ".") / Path(config_dir).expanduser())


def _require_config(config_dir: str) -> None:
    """Raise where a local configuration directory is not there: nobody wants another repository made by a slip."""
    if "://" in config_dir or (Path(config_dir) / REDUN_INI_FILE).is_file():
        return
    below = Path(config_dir) / REDUN_CONFIG_DIR
    hint = f" Did you mean {below}?" if (below / REDUN_INI_FILE).is_file() else " `redun init` makes one."
    raise ConfigError(f"there is no configuration {config_dir}/{REDUN_INI_FILE}.{hint}")


def _own_ini(config: Config) -> Path:
    ini = Path(config.configdir) / REDUN_INI_FILE
    if not ini.is_file():
        raise ConfigError(f"there is no file {ini} that could be changed")
    return ini


def _rewrite(ini: Path, text: str) -> None:
    """Replace the file as a whole, so that no other process sees half of it."""
    path = ini.resolve()
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.chmod(path.stat().st_mode)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"{ini} cannot be changed: {error.strerror}") from error
