"""The tags that every execution gets: who ran which version of what."""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.config.secrets import masked_view
from redun.errors import ConfigError
from redun.plugins import get_plugins
from redun.tags import DOC_KEY, PROJECT_KEY, USER_KEY, VERSION_KEY, parse_tag_value
from redun.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.cli.run_options import RunOptions
    from redun.config import Config
    from redun.task import Task


_CREDENTIALS = re.compile(r"(?<=://)[^/]*@")
"""User name and password in a URL. `urllib.parse` would say the same, and take 5 ms to import."""


def execution_tags(config: Config, options: RunOptions, task: Task[..., Any]) -> list[tuple[str, Any]]:
    """The tags of an execution: those of `[tags]`, then what is known by itself, of plugins, and last those of `--tag`.

    Raises ConfigError for an option of `[tags]` that is no tag value.
    """
    # Without secrets: whoever may read the repository sees tags.
    options_seen = masked_view(config)
    tags = [_configured_tag(key, text) for key, text in options_seen.get("tags", {}).items()]
    tags += known_tags(options.user, options.project or task.namespace, options.doc)
    plugged = get_plugins().execution_tags(options_seen).items()
    tags += [(key, value) for key, value in plugged if not _names_user_of(key, options.exclude_user)]
    return [*tags, *options.tag]


def _names_user_of(key: str, clouds: Sequence[str]) -> bool:
    """Whether a tag, such as `user_aws` or `user_aws_arn`, says who somebody is to one of these clouds."""
    return any(f"{key}_".startswith(f"{USER_KEY}_{cloud}_") for cloud in clouds)


def known_tags(user: str | None, project: str | None, doc: str | None) -> list[tuple[str, Any]]:
    """The tags that are known without a configuration: version, git commit and origin, user, project and description.

    user: None takes the environment variable `REDUN_USER`, or else who is logged in. What is unknown has no tag.
    """
    found = {
        VERSION_KEY: __version__,
        **git_tags(Path.cwd()),
        USER_KEY: user or user_name(),
        PROJECT_KEY: project,
        DOC_KEY: doc,
    }
    return [(key, value) for key, value in found.items() if value]


def user_name() -> str | None:
    """Who runs this: the environment variable `REDUN_USER`, or else who is logged in. None where that has no name."""
    return os.environ.get("REDUN_USER") or _login_name()


def _configured_tag(key: str, text: str) -> tuple[str, Any]:
    try:
        return key, parse_tag_value(text)
    except ValueError as error:
        raise ConfigError(f"[tags] {key}: {error}") from None


def git_tags(folder: Path) -> dict[str, str | None]:
    """Commit and origin of the git repository that holds a folder.

    Read from git's own files, which takes under a millisecond and cannot hang as a process can. Passwords in the
    origin's URL are left out.
    """
    commit = os.environ.get("REDUN_GIT_COMMIT")
    origin = os.environ.get("REDUN_GIT_ORIGIN_URL")
    git_dir = _find_git_dir(folder) if commit is None or origin is None else None
    if git_dir is not None:
        try:
            commit = commit or _read_commit(git_dir)
            origin = origin or _read_origin(git_dir)
        except (OSError, UnicodeDecodeError, configparser.Error):  # a tag is never worth a failure
            pass
    return {"git_commit": commit, "git_origin_url": without_password(origin) if origin else None}


def without_password(url: str) -> str:
    """A URL without the user name and password that it may hold."""
    return _CREDENTIALS.sub("", url, count=1)


def _find_git_dir(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        candidate = parent / ".git"
        if candidate.is_dir():
            return candidate
        if candidate.is_file():  # a worktree or submodule: the file says where its folder is
            return (parent / candidate.read_text().removeprefix("gitdir:").strip()).resolve()
    return None


def _common_dir(git_dir: Path) -> Path:
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir


def _read_commit(git_dir: Path) -> str | None:
    head = (git_dir / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    for place in (git_dir, _common_dir(git_dir)):
        if (place / name).is_file():
            return (place / name).read_text().strip()
    packed = _common_dir(git_dir) / "packed-refs"
    if packed.is_file():
        for line in packed.read_text().splitlines():
            if line.endswith(f" {name}"):
                return line.split()[0]
    return None


def _read_origin(git_dir: Path) -> str | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string((_common_dir(git_dir) / "config").read_text())
    return parser.get('remote "origin"', "url", fallback=None)


def _login_name() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name for this user id, as in some containers
        return None
