"""Whether what is recorded as running still does: a process that was killed could not write its end."""

from __future__ import annotations

import math
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from redun.backends.records import Status

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord, JobRow

LOST = "LOST"
"""What to show in the place of RUNNING."""
SILENCE = 60.0
"""Seconds without a sign of life after which an execution elsewhere is lost. One is written every ten."""

_START_TIME_ERROR = 5.0


def execution_status(execution: ExecutionRecord) -> str:
    """The name of an execution's status; LOST where it says that it runs, but its process cannot."""
    return LOST if _is_lost(execution) else execution.status.name


class JobStatuses:
    """The statuses of jobs, by name. Looks each execution up once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._of_executions: dict[str, str] = {}

    def of_execution(self, job: JobRow) -> str:
        """The name of the status of a job's execution."""
        if job.execution_id not in self._of_executions:
            execution = self._backend.execution(job.execution_id)
            self._of_executions[job.execution_id] = "" if execution is None else execution_status(execution)
        return self._of_executions[job.execution_id]

    def of(self, job: JobRow) -> str:
        """The name of a job's status; LOST for a running job of a lost execution."""
        is_lost = job.status is Status.RUNNING and self.of_execution(job) == LOST
        return LOST if is_lost else job.status.name


def _is_lost(execution: ExecutionRecord) -> bool:
    if execution.status is not Status.RUNNING:
        return False
    is_silent = time.time() - execution.updated_time > SILENCE
    host, _, rest = execution.scheduler_id.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return is_silent
    if not _exists(int(pid)):
        return True
    started = _start_time(int(pid))
    if started is None:
        return is_silent
    # It may be silent because a task runs in its main thread. Or it has ended, and another process got its number.
    return started > execution.start_time + _START_TIME_ERROR


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's; no number of a process at all
        return True
    return True


def _start_time(pid: int) -> float | None:
    """When a process began, where the system says so in `/proc`, see proc(5); infinity for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot_time = next(
            float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")
        )
        # A zombie: its parent has not asked yet how it ended.
        return math.inf if fields[0] == "Z" else boot_time + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None
