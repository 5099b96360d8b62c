"""The inline executor: runs calls one after the other, in the scheduler's own thread."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redun.errors import ExecutorError
from redun.executors.base import Capabilities, Executor
from redun.executors.calls import run_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.executors.base import ExecutorContext, JobSink, TaskCall


class InlineExecutor(Executor):
    """Runs each call inside `submit`: no threads, no processes, nothing in parallel.

    For debugging (a breakpoint in a task stops in the main thread), for tests, and where nothing else is installed.
    It is the one executor whose `submit` takes as long as the calls do; `slots` is 1 so that the scheduler hands it
    few calls at a time and keeps recording in between.

    A `KeyboardInterrupt` is not an error of the task it happens to hit: it leaves `submit`, after the interrupted
    call and those behind it were reported as cancelled.
    """

    capabilities = Capabilities(in_process=True, scripts=True)
    slots = 1

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._sink: JobSink | None = None

    def start(self, context: ExecutorContext, sink: JobSink) -> None:  # noqa: ARG002
        """Remember where to report."""
        self._sink = sink

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Run these calls, in order, and report each as it ends."""
        sink = self._sink
        if sink is None:
            raise ExecutorError(
                f"Executor {self.name!r} was given calls before it was started or after it was stopped."
            )
        waiting = deque(calls)
        try:
            while waiting:
                _run_next(waiting, sink)
        except BaseException:
            for call in waiting:
                sink.cancelled(call.job_id)
            raise

    def stop(self) -> None:
        """Forget where to report. Nothing can be running."""
        self._sink = None


def _run_next(waiting: deque[TaskCall], sink: JobSink) -> None:
    """Run the first call and report it. It leaves the queue first: an interrupt must not have it reported twice."""
    call = waiting[0]
    sink.started(call.job_id)
    try:
        value = _run_script(call) if call.target.is_script else run_call(call)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        waiting.popleft()
        sink.failed(call.job_id, error)
    else:
        waiting.popleft()
        sink.done(call.job_id, value)


def _run_script(call: TaskCall) -> bytes:
    # Imported at the first use, as most workflows have no scripts.
    from redun.executors.scripts import run_script_call

    return run_script_call(call)
