"""The engine: reduces expressions, finds earlier results, has the rest run by executors, and records what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import NoCurrentScheduler, SchedulerError
from redun.job_info import JobInfo
from redun.scheduler.control import catch, cond, throw
from redun.scheduler.errors import DryRunResult, ErrorValue
from redun.scheduler.events import JobEvent, JobObserver
from redun.scheduler.gather import catch_all
from redun.scheduler.job import Job
from redun.scheduler.merging import merge_handles
from redun.scheduler.root import needs_root_task, root_task, with_export_options
from redun.scheduler.scheduler import Scheduler
from redun.scheduler.subrun import subrun
from redun.scheduler.tagging import apply_tags
from redun.scheduler.threads import Thread, fork_thread, join_thread
from redun.session import get_current_scheduler, set_current_scheduler
from redun.traceback import Frame, Traceback

if TYPE_CHECKING:
    from redun.scheduler.from_sections import get_backend_from_config, get_limits_from_config
    from redun.scheduler.status_table import format_job_statuses
    from redun.scheduler.task_calls import format_task_call, get_arg_defaults, set_arg_defaults

__all__ = [
    "DryRunResult",
    "ErrorValue",
    "Frame",
    "Job",
    "JobEvent",
    "JobInfo",
    "JobObserver",
    "NoCurrentScheduler",
    "Scheduler",
    "SchedulerError",
    "Thread",
    "Traceback",
    "apply_tags",
    "catch",
    "catch_all",
    "cond",
    "fork_thread",
    "format_job_statuses",
    "format_task_call",
    "get_arg_defaults",
    "get_backend_from_config",
    "get_current_scheduler",
    "get_limits_from_config",
    "join_thread",
    "merge_handles",
    "needs_root_task",
    "root_task",
    "set_arg_defaults",
    "set_current_scheduler",
    "subrun",
    "throw",
    "with_export_options",
]

# No run needs these.
_HOMES = {
    "format_job_statuses": "status_table",
    "format_task_call": "task_calls",
    "get_arg_defaults": "task_calls",
    "get_backend_from_config": "from_sections",
    "get_limits_from_config": "from_sections",
    "set_arg_defaults": "task_calls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
