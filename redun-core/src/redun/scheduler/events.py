"""What observers of a run are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class JobEvent(NamedTuple):
    """Something happened to a job."""

    kind: str
    """`running`, `cached`, `done`, `failed`, `retry` or `dryrun`."""
    job_name: str
    """`<execution id>.<job number>`."""
    task_name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    executor: str
    detail: str = ""


class JobObserver(Protocol):
    """Receives events in batches."""

    def handle(self, events: Sequence[JobEvent]) -> None:
        """Take note of what happened since the last call. Called in the thread of the run: be quick."""
