"""The engine: reduces expressions, finds earlier results, has the rest run by executors, and records what happened."""

from __future__ import annotations

from redun.errors import NoCurrentScheduler, SchedulerError
from redun.job_info import JobInfo
from redun.scheduler.control import catch, cond, throw
from redun.scheduler.errors import DryRunResult, ErrorValue
from redun.scheduler.events import JobEvent, JobObserver
from redun.scheduler.gather import catch_all
from redun.scheduler.job import Job
from redun.scheduler.merging import merge_handles
from redun.scheduler.root import root_task, with_export_options
from redun.scheduler.scheduler import Scheduler
from redun.scheduler.subrun import subrun
from redun.scheduler.tagging import apply_tags
from redun.scheduler.threads import Thread, fork_thread, join_thread
from redun.session import get_current_scheduler, set_current_scheduler
from redun.traceback import Frame, Traceback

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
    "get_current_scheduler",
    "join_thread",
    "merge_handles",
    "root_task",
    "set_current_scheduler",
    "subrun",
    "throw",
    "with_export_options",
]
