"""What an executor of jobs elsewhere is told, and what it answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.executors.base import TaskCall


class JobState(enum.Enum):
    """How far a job is."""

    WAITING = "waiting"
    """It was accepted, and has not begun."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """It has ended with exit code 0."""
    FAILED = "failed"
    """It has ended in any other way, or could not be started. There may be an output all the same."""
    UNKNOWN = "unknown"
    """The service knows no such job, or not yet."""


class JobReport(NamedTuple):
    """What the service says of a job."""

    state: JobState
    reason: str = ""
    """Why it failed, in the words of the service."""
    exit_code: int | None = None
    timed_out: bool = False
    """The service has ended the job because it ran too long."""
    tags: tuple[tuple[str, Any], ...] = ()
    """Tags for the redun jobs, such as the address of a log. JSON values."""


class InFlightJob(NamedTuple):
    """A job, or an array of jobs, that waits or runs, or has ended a moment ago."""

    name: str
    """As `Submission.name` gave it."""
    remote_id: str
    """As `submit_job` returned it."""


class ErrorKind(enum.Enum):
    """What an error of the service's interface means."""

    THROTTLED = "throttled"
    """It is asked too often. The same request is made again, later each time."""
    TRANSIENT = "transient"
    """The request had no effect, and may succeed when it is made again."""
    REFUSED = "refused"
    """It will never accept this request. Others may be fine."""
    BROKEN = "broken"
    """Nothing can be asked of the service any more: it is gone, or the credentials are no longer good."""


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What the interface of the service allows."""

    ids_per_describe: int = 100
    """Jobs that one call of `describe_jobs` may ask for."""
    ids_per_cancel: int = 100
    """Jobs that one call of `cancel_jobs` may name."""
    max_array_size: int = 10_000
    """Jobs in one array. 0 where there are no arrays."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A job to submit, or an array of jobs."""

    name: str
    """Begins with the option `job_name_prefix`. Letters, digits, `-` and `_`."""
    command: tuple[str, ...]
    """The words of the command to run. Nothing secret is in them."""
    size: int
    """How many jobs the array has; 0: no array, but a single job. Each job of an array needs its index, from 0, in an
    environment variable that `redun.remote.worker.INDEX_VARIABLES` names."""
    calls: tuple[TaskCall, ...]
    """The calls that are run: at least one for each job, several where they are bundled. All are of one task and have
    the same options."""
    options: Mapping[str, Any]
    """The options of the task, merged and checked; not to be changed."""
    is_script: bool = False
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What tells people which job this is: `redun_task_name`, `redun_execution_id`, `redun_project`, and for a single
    call `redun_job_id`."""

    @property
    def is_array(self) -> bool:
        """Whether an array of jobs is to be submitted."""
        return self.size > 0
