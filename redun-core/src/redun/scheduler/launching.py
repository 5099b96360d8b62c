"""Giving an executor one script to run, for which nobody waits."""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError
from redun.executors.base import ExecutorContext, TaskCall, TaskTarget
from redun.hashing import hash_data
from redun.scheduler.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redun.config import Config
    from redun.executors.base import Executor
    from redun.task import Task

logger = logging.getLogger("redun")


def launch(
    config: Config,
    executor_name: str,
    task: Task[..., Any],
    words: str | list[str],
    options: Mapping[str, Any],
    execution_id: str,
) -> str | None:
    """Have an executor of a configuration run a command. Returns as soon as the executor has it.

    On an executor that runs it elsewhere it goes on by itself, and the result is the id by which it is known there.
    Otherwise this process does not end before the command has, and the result is None.

    task: a script task that returns the command that it is given: a text, or words.
    execution_id: what the command is known by in the log.

    Raises `ConfigError` for an executor that does not run scripts, and `SchedulerError` when there is none.
    """
    executor = Scheduler(config=config).find_executor(executor_name)
    if not executor.capabilities.scripts:
        raise ConfigError(f"the executor {executor_name!r} runs no scripts, so nothing can be launched on it")
    scratch = Path(tempfile.gettempdir()) / f"redun-{execution_id}"
    context = ExecutorContext(Path(config.configdir), execution_id, "", scratch, logger)
    target = TaskTarget(task.fullname, task.hash_bytes, task.load_module, (), is_script=True)
    key = hash_data("eval", execution_id.encode())
    call = TaskCall(1, target, (words,), {}, options, key, f"{execution_id}.0", "NONE")
    remote_id = executor.launch(context, call)
    if remote_id is not None:
        logger.info("Execution %s was launched on %s: %s", execution_id, executor_name, remote_id)
        return remote_id
    launched = _Launched(executor, execution_id)
    executor.start(context, launched)
    executor.submit([call])
    # No daemon: with this process the executor would end, and what it runs.
    threading.Thread(target=launched.stop_at_the_end, name="redun-launched").start()
    return None


class _Launched:
    """Hears of the end of what was launched, says so in the log, and lets the executor go."""

    def __init__(self, executor: Executor, execution_id: str) -> None:
        self._executor = executor
        self._execution_id = execution_id
        self._has_ended = threading.Event()

    def stop_at_the_end(self) -> None:
        """Stop the executor when what was launched has ended."""
        # The thread that hears of the end must not do it: stopping waits for that thread.
        self._has_ended.wait()
        self._executor.stop()

    def _end(self, outcome: str, level: int = logging.INFO) -> None:
        logger.log(level, "Execution %s, launched on %s, %s", self._execution_id, self._executor.name, outcome)
        self._has_ended.set()

    def started(self, job_id: int) -> None:
        """Nothing waits for that."""

    def done(self, job_id: int, value: Any) -> None:  # noqa: ARG002 - the form of the protocol
        """The command has ended with exit code 0."""
        self._end("has ended")

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:  # noqa: ARG002
        """The command has failed, or could not be started."""
        self._end(f"has failed: {error}", logging.ERROR)

    def cancelled(self, job_id: int) -> None:  # noqa: ARG002
        """The command was stopped."""
        self._end("was stopped", logging.ERROR)

    def evaluate(self, job_id: int, expression: Any, answer: Callable[[Any, BaseException | None], None]) -> None:  # noqa: ARG002
        """A script awaits nothing."""
        answer(None, ConfigError("nothing is evaluated for a launched script"))

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """There is no job to attach it to."""

    def log(self, job_id: int, text: str) -> None:  # noqa: ARG002
        """Show a line."""
        logger.info("Execution %s: %s", self._execution_id, text)

    def broken(self, error: BaseException) -> None:
        """The executor cannot go on."""
        self._end(f"has failed: {error}", logging.ERROR)
