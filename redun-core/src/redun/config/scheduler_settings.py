"""What the `[scheduler]` section says, with defaults for what it does not say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

JOB_STATUS_INTERVAL = 20
KINDS_OF_WARNINGS = ("namespace",)
"""What `ignore_warnings` may name."""


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """The settings of the scheduler."""

    ignore_warnings: frozenset[str] = frozenset()
    """Kinds of warnings that are not shown."""
    setup_scheduler: str | None = None
    """`file_or_module::function` of the user's function that makes the scheduler."""
    job_status_interval: int = JOB_STATUS_INTERVAL
    """Seconds between displays of the job status table; none are shown when it is not positive."""
    hash_helpers: bool = False
    """Whether the plain functions that tasks call count in their hashes, unless a task says so itself."""
    context: dict[str, Any] = field(default_factory=dict)
    """The context that every execution begins with, from `context` or `context_file`."""
    boto_config: dict[str, Any] = field(default_factory=dict)
    """Options for the clients of AWS services."""
