"""One line for each job that starts, is found in the cache or fails: written once for a whole batch."""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.job_info import JobInfo
from redun.log_lines import ensure_logging, printable
from redun.log_lines import logger as default_logger
from redun.short_repr import short_repr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.scheduler.events import JobEvent

_MAX_ARGUMENTS = 8
_WORDS = {
    "running": "Run    Job",
    "cached": "Cached Job",
    "failed": "Failed Job",
    "dryrun": "Dryrun Job",
    "retry": "Retry  Job",
}


class JobLines:
    """An observer that writes job lines to a log. `done` events are not shown: the status table counts them."""

    sub_run_observer = "redun.scheduler.job_lines:for_sub_run"
    """What shows the jobs of sub-schedulers, also in other processes: see `redun.scheduler.sub_runs`."""

    def __init__(self, logger: logging.Logger = default_logger) -> None:
        self._logger = logger
        self._parameter_names: dict[str, tuple[str, ...]] = {}

    def handle(self, events: Sequence[JobEvent]) -> None:
        """Write the lines of a batch."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        lines = [self.line(event) for event in events if event.kind in _WORDS]
        if lines:
            self._logger.info("%s", "\n".join(lines))

    def line(self, event: JobEvent) -> str:
        """The line for one event."""
        kind, job_name, task_name, args, kwargs, executor, detail = event
        line = f"{_WORDS[kind]} {short_job_name(job_name)}: {task_name}({self._arguments(task_name, args, kwargs)})"
        if kind == "running":
            return f"{line} on {executor}"
        return f"{line} ({printable(detail)})" if detail else line

    def _arguments(self, task_name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The arguments of a call as they could be written in Python, shortened."""
        names = self._parameter_names.get(task_name)
        if names is None:
            names = self._parameter_names[task_name] = _positional_names(task_name)
        given = zip(names, args[:_MAX_ARGUMENTS], strict=False)
        texts = [f"{name}={short_repr(value)}" for name, value in given if not isinstance(value, JobInfo)]
        texts += [short_repr(value) for value in args[len(names) : _MAX_ARGUMENTS]]
        if kwargs:
            named = islice(kwargs.items(), _MAX_ARGUMENTS)
            texts += [f"{name}={short_repr(value)}" for name, value in named if not isinstance(value, JobInfo)]
        if len(texts) > _MAX_ARGUMENTS or len(args) > _MAX_ARGUMENTS:
            texts[_MAX_ARGUMENTS:] = ["..."]
        return ", ".join(texts)


def for_sub_run(level: int) -> JobLines:
    """Job lines of a sub-scheduler, in whatever process it is. Each batch of lines is written at once.

    level: of the least important messages to show.
    """
    ensure_logging(logging.getLevelName(level))
    return JobLines()


def short_job_name(job_name: str) -> str:
    """`<first 8 characters of the execution id>.<number>`, as jobs are named everywhere for people."""
    return job_name[:8] + job_name[job_name.rindex(".") :]


def _positional_names(task_name: str) -> tuple[str, ...]:
    from redun.task import get_task_registry

    task = get_task_registry().get(task_name)
    if task is None:
        return ()
    parameters = task.signature.parameters.values()
    return tuple(one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD))
