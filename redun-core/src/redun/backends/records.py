"""The records that a scheduler hands to a backend, and the rows that a backend hands back.

Records are named tuples: one run makes millions of them, and a named tuple costs less than half of a frozen dataclass.
Hashes are 20 raw bytes (see `redun.hashing`), times are seconds since the Unix epoch in UTC.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Status(enum.IntEnum):
    """How far a job or an execution has come. The numbers are stored: never renumber them."""

    RUNNING = 1
    DONE = 2
    CACHED = 3
    FAILED = 4
    CANCELLED = 5


class EntityKind(enum.IntEnum):
    """The kinds of thing that have an id of their own. The numbers are stored: never renumber them."""

    EXECUTION = 1
    JOB = 2
    CALL = 3
    TASK = 4
    VALUE = 5


class ExecutionRecord(NamedTuple):
    """One run of a workflow. Written when it starts, again while it runs, and when it ends."""

    id: str
    """A UUID, as text."""
    args: tuple[str, ...]
    """The command line, or what stands for it."""
    status: Status
    start_time: float
    updated_time: float
    """The heartbeat: when the scheduler last said that it is alive."""
    end_time: float | None
    scheduler_id: str
    """`host:pid:random`, the lease holder."""


class TaskRecord(NamedTuple):
    """One version of a task."""

    hash: bytes
    name: str
    namespace: str
    version: str | None
    source: str


class ValueRecord(NamedTuple):
    """A value as bytes."""

    hash: bytes
    type_name: str
    codec: str
    data: bytes
    children: tuple[bytes, ...] = ()
    """Hashes of the files, tasks and handles inside, which have records of their own."""
    path: str | None = None
    """Of a file or directory: where it is."""


class TaskSetRecord(NamedTuple):
    """The hashes of every task used by a call and below it, content-addressed."""

    hash: bytes
    task_hashes: tuple[bytes, ...]
    """Sorted."""


class Argument(NamedTuple):
    """One argument of a call, bound to the name of its parameter."""

    name: str
    value_hash: bytes
    upstream: tuple[bytes, ...] = ()
    """Hashes of the calls whose results this argument was derived from."""


class CallRecord(NamedTuple):
    """A completed call: content-addressed, shared by every job that makes the same call with the same outcome.

    It carries the call's evaluation: `raw_hash` is what the task's body returned, perhaps an expression, and
    `value_hash` is what that was reduced to in the end.
    """

    call_hash: bytes
    eval_hash: bytes
    task_hash: bytes
    args_hash: bytes
    context_hash: bytes
    """Empty when there was no context."""
    arguments: tuple[Argument, ...]
    raw_hash: bytes | None
    """None when the body raised, so that there is nothing to reuse."""
    value_hash: bytes
    is_error: bool
    children: tuple[bytes, ...]
    """Call hashes of the calls made by this one, in the order in which they were made."""
    task_set_hash: bytes
    time: float


class EvaluationRecord(NamedTuple):
    """What a task's body returned, written while the calls that it returned are still being made."""

    eval_hash: bytes
    task_hash: bytes
    args_hash: bytes
    raw_hash: bytes
    time: float


class JobRecord(NamedTuple):
    """One evaluation of a task call within an execution. Written again when it ends, if it was seen running."""

    execution_id: str
    number: int
    """Counts from 1 within the execution; number 1 is the root job."""
    parent: int | None
    task_hash: bytes
    eval_hash: bytes
    call_hash: bytes | None
    """None while the job runs."""
    status: Status
    start_time: float
    end_time: float | None
    executor: str
    attempt: int
    options_hash: bytes | None = None
    """Of the options given at the call, where there were any."""


class TagRecord(NamedTuple):
    """A key and a JSON value, attached to something."""

    entity_kind: EntityKind
    entity_id: str
    """An execution's id, `<execution id>.<job number>`, or a hash in hex."""
    key: str
    value: Any
    edits: int | None = None
    """None for a tag that is added now, or is there. In a copy: how many times it has been added and removed, so that
    an odd number says that it is there, an even one that it was removed, and of two numbers the higher one counts."""


MOST_EDITS = 65_535
"""Up to which number changes of one tag are counted."""


class HandleStep(enum.IntEnum):
    """How one state of a handle led to another. The numbers are stored: never renumber them."""

    CALL = 1
    """A call returned it."""
    FORK = 2
    """The workflow asked for a fork."""
    ARGUMENT = 3
    """The fork that a call was given."""
    MERGE = 4


class HandleRecord(NamedTuple):
    """A state of a handle. Written again when it holds again, or no longer: then only `is_valid` counts."""

    hash: bytes
    fullname: str
    key: str
    """Of a fork: which one."""
    is_valid: bool


class HandleEdge(NamedTuple):
    """That one state of a handle came out of another."""

    parent: bytes
    child: bytes
    step: HandleStep


@dataclass(slots=True)
class RecordBatch:
    """What one group commit writes, in one transaction. Order within a list is the order in which things happened."""

    executions: list[ExecutionRecord] = field(default_factory=list)
    tasks: list[TaskRecord] = field(default_factory=list)
    values: list[ValueRecord] = field(default_factory=list)
    task_sets: list[TaskSetRecord] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)
    tags: list[TagRecord] = field(default_factory=list)
    handles: list[HandleRecord] = field(default_factory=list)
    """Of several records of one state, the last counts."""
    handle_edges: list[HandleEdge] = field(default_factory=list)


class StoredValue(NamedTuple):
    """A value as a backend gives it back."""

    hash: bytes
    type_name: str
    codec: str
    data: bytes


class EvaluationHit(NamedTuple):
    """The newest known outcome of a task's body for one evaluation hash."""

    raw_hash: bytes
    value: StoredValue | None
    """The raw result where the backend has it at hand; otherwise ask `load_values`."""
    call_hash: bytes | None
    """The newest completed call with this evaluation, if there is one."""


class CallHit(NamedTuple):
    """The newest completed, successful call for one evaluation hash and context."""

    call_hash: bytes
    value_hash: bytes
    value: StoredValue | None
    raw_hash: bytes
    task_set_hash: bytes


MOST_CHILDREN_COUNTED = 10_000
"""How many children of a job are counted: each of them costs time, and any job may have a million."""


class JobRow(NamedTuple):
    """A job as `redun log` shows it."""

    execution_id: str
    number: int
    parent: int | None
    task_name: str
    """Full name: `namespace.name`."""
    task_hash: bytes
    eval_hash: bytes
    call_hash: bytes | None
    status: Status
    start_time: float
    end_time: float | None
    executor: str
    attempt: int
    child_count: int
    """How many jobs it made; `MOST_CHILDREN_COUNTED` stands for as many or more."""


class EntityRef(NamedTuple):
    """What an id prefix turned out to name."""

    kind: EntityKind
    id: str


class TaskCount(NamedTuple):
    """How many jobs of one task ended in one state, within one execution."""

    task_name: str
    status: Status
    count: int  # type: ignore[assignment]  # hides a method of tuples


class FileRow(NamedTuple):
    """A recorded state of a file or directory."""

    path: str
    value_hash: bytes
    type_name: str
