"""What a running task may know about its own job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class JobInfo:
    """Facts about the current job.

    A task asks for them with a parameter whose default is `JobInfo()`; the scheduler fills it in. It is never part of
    the cache key.
    """

    execution_id: str = field(default="", repr=False)
    job_id: str = ""
    """`<execution id>.<number>`."""
    eval_hash: str = field(default="", repr=False)
    args_hash: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
