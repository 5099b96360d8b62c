"""The interface of executors: where the bodies of tasks run.

An executor never sees the scheduler. It receives batches of `TaskCall` and reports through a `JobSink`, from any
thread.

Rules, checked by `redun.testing.ExecutorSuite`:

- `submit` returns quickly, and never raises for one bad call: it reports that call as failed, and runs the others;
- every call ends in exactly one of done, failed or cancelled, in any order; whatever a body raises, be it
  `KeyboardInterrupt`, is an end of that call and of nothing else (the inline executor, which runs in the user's own
  thread, lets a `KeyboardInterrupt` pass);
- a call may still end as done or failed after `cancel`: the scheduler ignores the report;
- what an executor does not declare in `Capabilities` it need not do, but the call ends all the same: an async task or
  a script where these are not declared fails with an `ExecutorError` that says so;
- `stop` ends what waits as cancelled, and waits for what runs or abandons it, as `Capabilities.abandons_running`
  declares. Once it has returned, nothing more is reported.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from redun.errors import ExecutorError as ExecutorError
    from redun.executors.from_config import get_executor_class as get_executor_class
    from redun.executors.from_config import get_executor_from_config as get_executor_from_config
    from redun.executors.from_config import get_executors_from_config as get_executors_from_config
    from redun.executors.from_config import load_task_module as load_task_module
    from redun.executors.registering import register_executor as register_executor


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an executor can do. Declared, not discovered."""

    in_process: bool = False
    """Runs tasks in the scheduler's process, so that arguments need not be pickled."""
    scripts: bool = False
    """Runs script tasks (`TaskTarget.is_script`): the body returns the text of a script, or a list of the words of a
    command. The executor runs that (`redun.executors.scripts` does, on the machine where it is called) and is done with
    what it writes to stdout, as `bytes`; if it does not exit with 0, the call fails with a `ScriptError`. Whoever
    declares this ends the processes of a script at `cancel` and `stop`, whatever `cancel` says of Python code."""
    async_tasks: bool = False
    """Runs `async def` tasks (`TaskTarget.is_async`), on an event loop, any number of them at once, and answers an
    `await` of an expression by `JobSink.evaluate` (`redun.executors.async_calls` does both)."""
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

    def evaluate(self, job_id: int, expression: Any, answer: Callable[[Any, BaseException | None], None]) -> None:
        """Evaluate an expression as a child of the job: what `await` in an async task asks for. Returns at once.

        answer: called exactly once with `(value, None)` or `(None, error)`, from any thread, possibly before this
        returns. It must be quick and must not raise. A call that has ended, or whose run is over, gets an error for an
        answer.

        Any number of expressions may be asked for at a time. A call that waits for an answer takes up no slot.
        """

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """Attach a tag to the job: a JSON value. Any time before the run ends."""

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
    task_options: str | None = None
    """Names the pydantic model of the options that a task may give this executor: as `ExecutorType.task_options` says,
    for an executor that the configuration describes. None: they are not checked."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Get ready to receive calls and remember where to report. Make heavy resources at the first call."""

    @abstractmethod
    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Begin, or queue, these calls. Several threads may do so at once.

        Raises `ExecutorError` before `start` and after `stop`, and never because of a call.
        """

    def cancel(self, job_ids: Sequence[int]) -> None:  # noqa: B027 - optional
        """Stop these calls where that is possible.

        Calls that are unknown or have ended are no error. Returns quickly: the ends are reported when they come.
        """

    @abstractmethod
    def stop(self) -> None:
        """End the run: release threads, processes and connections. Stopping twice is fine."""

    def launch(self, context: ExecutorContext, call: TaskCall) -> str | None:  # noqa: ARG002 - for who can
        """Begin a script that goes on when this process has ended, and for whose result nobody waits.

        The executor need not have been started. Returns an id by which people find it; None if it cannot do that.

        Raises `ExecutorError` if the script cannot be begun.
        """
        return None

    def runs_in_process(self, target: TaskTarget, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 - for who needs it
        """Whether such a call runs in the scheduler's process, so that the scheduler gives it arguments of its own.

        As `Capabilities.in_process` says, unless an executor decides it for each call.
        """
        return self.capabilities.in_process


# What workflows import from here, and no executor needs.
_HOMES = {
    "ExecutorError": "redun.errors",
    "get_executor_class": "redun.executors.from_config",
    "get_executor_from_config": "redun.executors.from_config",
    "get_executors_from_config": "redun.executors.from_config",
    "load_task_module": "redun.executors.from_config",
    "register_executor": "redun.executors.registering",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
