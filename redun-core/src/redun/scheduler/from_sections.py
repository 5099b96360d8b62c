"""What single sections of a configuration describe, for programs that hold nothing but the section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.backends.base import Backend


def get_backend_from_config(backend_config: Mapping[str, Any] | None = None) -> Backend:
    """The backend that the options of a section `[backend]` describe, not loaded. Without any, one in memory.

    A relative path in `db_uri` is relative to the working directory.

    Raises `ConfigError` when no installed plugin serves the `db_uri`, or when options are wrong.
    """
    from redun.config import make_backend

    return make_backend(_config("backend", backend_config or {"db_uri": "memory://"}))


def get_limits_from_config(limits_config: Mapping[str, Any] | None = None) -> dict[str, int]:
    """The limits that the options of a section `[limits]` set.

    Raises `ConfigError` for what is not a whole number from 0.
    """
    from redun.config import limits

    return limits(_config("limits", limits_config or {}))


def _config(section: str, options: Mapping[str, Any]) -> Any:
    from redun.config import Config

    # They were interpolated when they were read, and are not to be so once more.
    return Config({section: {name: str(value).replace("$", "$$") for name, value in options.items()}})
