"""The engine: reduces expressions, finds earlier results, has the rest run by executors, and records what happened."""

from __future__ import annotations

from redun.errors import NoCurrentScheduler, SchedulerError
from redun.job_info import JobInfo
from redun.scheduler.control import catch, cond, throw
from redun.scheduler.errors import DryRunResult, ErrorValue
from redun.scheduler.events import JobEvent, JobObserver
from redun.scheduler.job import Job
from redun.scheduler.root import root_task
from redun.scheduler.scheduler import Scheduler
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
    "Traceback",
    "catch",
    "cond",
    "get_current_scheduler",
    "root_task",
    "set_current_scheduler",
    "throw",
]
