"""The alias executor: another name for an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import ExecutorError
from redun.executors.base import Executor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redun.executors.base import ExecutorContext, JobSink, TaskCall


class AliasExecutor(Executor):
    """Stands for another executor, so that a workflow names what it wants (`gpu`) and a configuration says who does it.

    The scheduler follows `target` when it submits a call: the alias itself runs nothing, and starting or stopping it
    does nothing to its target.

    target: the name of an executor of the same scheduler, or the executor itself.
    config: options as a section of `redun.ini` would set them: only `target`. scheduler: accepted for workflows that
    pass it on; `Scheduler.add_executor` is what counts.

    Raises `ExecutorError` without a target, or with one of another kind.
    """

    def __init__(
        self,
        name: str,
        scheduler: object = None,  # noqa: ARG002 - see above
        config: Mapping[str, Any] | None = None,
        target: str | Executor | None = None,
    ) -> None:
        super().__init__(name)
        if target is None and config is not None:
            target = config.get("target")
        if not isinstance(target, str | Executor) or not target:
            raise ExecutorError(
                f"Executor {name!r} is an alias of {target!r}; the target must be an executor or the name of one."
            )
        if target is self or target == name:
            raise ExecutorError(f"Executor {name!r} is an alias of itself; its target must be another executor.")
        self.target = target
        self._sink: JobSink | None = None

    def start(self, context: ExecutorContext, sink: JobSink) -> None:  # noqa: ARG002
        """Do nothing: the target is started by the scheduler that has it."""
        self._sink = sink

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Fail these calls: a scheduler that follows `target` never hands any to the alias."""
        if self._sink is None:
            raise ExecutorError(
                f"Executor {self.name!r} was given calls before it was started or after it was stopped."
            )
        target = self.target if isinstance(self.target, str) else self.target.name
        for call in calls:
            error = ExecutorError(f"Executor {self.name!r} is an alias of {target!r} and cannot run calls itself.")
            self._sink.failed(call.job_id, error)

    def stop(self) -> None:
        """Do nothing: see `start`."""
        self._sink = None
