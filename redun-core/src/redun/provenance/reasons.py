"""What an explanation is made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redun.backends.records import CallRecord, JobRow
    from redun.provenance.changes import CodeChange, ValueChange


class ReasonKind(enum.StrEnum):
    """The kinds of reason why a job ran, or did not have to."""

    FIRST_CALL = "first call"
    """No call of the task is recorded before it."""
    ARGUMENT = "argument"
    """An argument differs from the nearest earlier call."""
    CODE = "code"
    """The task was edited since the nearest earlier call."""
    CODE_BELOW = "code below"
    """A task that is called below was edited."""
    NO_CACHE_RUN = "run without cache"
    """The execution was started with `--no-cache`, or from Python with `cache=False`."""
    NO_CACHE_TASK = "task without cache"
    """The options of the call say not to use the cache."""
    OPTIONS = "options"
    """The options differ from those of the earlier call."""
    CONTEXT = "context"
    """The context differs from that of the earlier call."""
    FAILED_BEFORE = "failed before"
    """The same call was made before, and failed: failures are not cached."""
    RESULT_CHANGED = "result changed"
    """The earlier result holds a file that was no longer in the recorded state."""
    HANDLE_ROLLED_BACK = "handle rolled back"
    """The earlier result holds a state of a handle from which another call had gone back since."""
    RESULT_LOST = "result lost"
    """The repository does not have the earlier result any more."""
    RETRIED = "retried"
    """An attempt failed, and another was made."""
    NOT_MADE = "not made"
    """The call could not even be made: its body never ran."""
    FAILED_BELOW = "failed below"
    """A call below it failed."""
    CACHED = "cached"
    """The result of an earlier execution was used."""
    SHARED = "shared"
    """The same call had been made in this execution."""
    NOT_ENDED = "not ended"
    """The job runs, was cancelled or lost with its process: what it was called with is recorded at its end."""
    UNKNOWN = "unknown"
    """The stored facts cannot tell."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A step on the way to the root of a change: the job that an argument came from, and why that ran."""

    job: JobRow
    summary: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, in a sentence, with what shows it."""

    kind: ReasonKind
    text: str
    lines: tuple[str, ...] = ()
    """What shows it: lines of a diff, states of files."""
    value: ValueChange | None = None
    """Of an argument or a context: what it was and what it is."""
    code: CodeChange | None = None
    causes: tuple[Cause, ...] = ()
    """Where a changed argument came from, the nearest job first."""
    more_causes: int = 0
    """From how many more calls it came that are not among the causes."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job ran, or why it did not have to."""

    job: JobRow
    call: CallRecord | None
    """What it did; None if that is not recorded (yet)."""
    summary: str
    """One sentence."""
    reasons: tuple[Reason, ...]
    earlier: JobRow | None = None
    """The earlier job that it is compared with, or whose result was used."""
    notes: tuple[str, ...] = field(default=())
    """What else is worth knowing."""


def named(job: JobRow) -> str:
    """A job for people: its id and the name of its task."""
    return f"{job.execution_id[:8]}.{job.number} {job.task_name}"
