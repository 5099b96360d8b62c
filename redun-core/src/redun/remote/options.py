"""The options that all executors of jobs elsewhere have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from redun.errors import ConfigError

MOST_BUNDLED = 1000
"""Calls in one bundle, where only the time that a bundle should take is given."""


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """What `PollingExecutor` is made with, beside its name and its scratch folder. Times are in seconds.

    The settings models of executors inherit descriptions of these from `redun.remote.settings.RemoteSettings`.

    Raises `ConfigError` for values that contradict each other.
    """

    job_name_prefix: str = "redun-job"
    job_monitor_interval: float = 5.0
    min_array_size: int = 5
    max_array_size: int = 1000
    job_stale_time: float = 3.0
    bundle_size: int = 1
    bundle_seconds: float | None = None
    code_package: bool | str = True
    code_includes: str | tuple[str, ...] = ("**/*.py",)
    code_excludes: str | tuple[str, ...] = ()
    on_cancel: Literal["terminate", "leave"] = "terminate"
    transfers: int = 16

    def __post_init__(self) -> None:
        if self.min_array_size and self.max_array_size < self.min_array_size:
            raise ConfigError(
                f"max_array_size = {self.max_array_size} is less than min_array_size = {self.min_array_size}. Raise "
                "the one or lower the other, or switch job arrays off with min_array_size = 0."
            )
        for name, least in (("min_array_size", 0), ("bundle_size", 1), ("transfers", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} = {getattr(self, name)} must be {least} or more")
        if self.job_monitor_interval <= 0 or self.job_stale_time < 0:
            raise ConfigError("job_monitor_interval must be more than 0 seconds, and job_stale_time not less than 0")
        if self.on_cancel not in ("terminate", "leave"):
            raise ConfigError(f"on_cancel = {self.on_cancel!r} must be terminate or leave")

    @property
    def uses_arrays(self) -> bool:
        """Whether calls are submitted as arrays at all."""
        return self.min_array_size > 0
