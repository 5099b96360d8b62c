"""The interface of executors: where the bodies of tasks run.

An executor never sees the scheduler. It receives batches of `TaskCall` and reports through a `JobSink`, from any
thread.

Rules, checked by `redun.testing.ExecutorSuite`:

- `submit` returns quickly, and never raises for one bad call: it reports that call as failed;
- every call ends in exactly one of done, failed or cancelled, in any order;
- a report after `cancel` is ignored;
- `stop` waits for what runs or abandons it, as `Capabilities.abandons_running` declares.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an executor can do. Declared, not discovered."""

    in_process: bool = False
    """Runs tasks in the scheduler's process, so that arguments need not be pickled."""
    scripts: bool = False
    """Runs script tasks."""
    async_tasks: bool = False
    """Runs `async def` tasks."""
    cancel: bool = False
    """Can stop a call that has started."""
    abandons_running: bool = False
    """`stop` does not wait for calls that have started."""
    retries: bool = False
    """Has its own mechanism for retries, and gets them handed over."""
    reports_started: bool = False
    """Calls `JobSink.started` when a body begins to run, so that a `job_timeout` counts from there."""
    timeouts: bool = False
    """Has its own mechanism for time-outs, and gets them handed over."""


@dataclass(frozen=True, slots=True)
class TaskTarget:
    """Which code a call runs: shared by all calls of one task."""

    full_name: str
    hash: bytes
    load_module: str
    """The module whose import registers the task."""
    import_paths: tuple[str, ...]
    """Folders to put on `sys.path` before that import."""
    is_async: bool = False
    is_script: bool = False


class TaskCall(NamedTuple):
    """One call to run. Immutable."""

    job_id: int
    """Unique among the calls that one sink ever sees. The public id of the job is `job_name`."""
    target: TaskTarget
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: Mapping[str, Any]
    """Task options, merged and validated; shared, not to be changed."""
    eval_hash: bytes
    job_name: str
    """`<execution id>.<job number>`."""
    cache_scope: str
    """`NONE`, `CSE` or `BACKEND`: whether finished remote output may be reused."""
    attempt: int = 1


class JobSink(Protocol):
    """Where an executor reports. Every method may be called from any thread."""

    def started(self, job_id: int) -> None:
        """The body of the task has begun to run. Optional, unless `Capabilities.reports_started` is declared."""

    def done(self, job_id: int, value: Any) -> None:
        """The body returned this value."""

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:
        """The body raised, or the call could not be run.

        traceback: the formatted traceback where the error comes from another process; otherwise that of the error is
        used.
        """

    def cancelled(self, job_id: int) -> None:
        """The call was stopped, or never begun, because of `Executor.cancel`."""

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """Attach a tag to the job: a JSON value."""

    def log(self, job_id: int, text: str) -> None:
        """Show a line about this job to the user."""

    def broken(self, error: BaseException) -> None:
        """The executor itself cannot go on: the run ends with this error."""


@dataclass(frozen=True, slots=True)
class ExecutorContext:
    """What an executor may know about its surroundings."""

    config_dir: Path
    """Relative paths in the configuration are relative to this folder."""
    execution_id: str
    project: str
    scratch_root: Path
    """A private local folder for temporary files, made when first used."""
    logger: logging.Logger


class Executor(ABC):
    """Runs the bodies of tasks.

    `start` and `stop` frame a run and may be called again for the next one. `slots` is how many calls can run at once;
    the scheduler keeps a few times as many in flight and holds the rest back. None means that there is no such number.
    """

    capabilities: Capabilities = Capabilities()
    slots: int | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Get ready to receive calls and remember where to report. Make heavy resources at the first call."""

    @abstractmethod
    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Begin, or queue, these calls."""

    def cancel(self, job_ids: Sequence[int]) -> None:  # noqa: B027 - optional
        """Stop these calls where that is possible."""

    @abstractmethod
    def stop(self) -> None:
        """End the run: release threads, processes and connections. Stopping twice is fine."""
