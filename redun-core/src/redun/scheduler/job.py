"""Jobs: evaluations of task calls within one execution, while they are alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redun.backends.records import Status
from redun.scheduler.context import NO_CONTEXT

if TYPE_CHECKING:
    from redun.backends.records import Argument
    from redun.handle import Handle
    from redun.scheduler.cells import Cell
    from redun.scheduler.options import CallOptions, Exports
    from redun.scheduler.prepared import PreparedTask, TaskSet
    from redun.scheduler.run import Run
    from redun.task import Task
    from redun.value import EncodedValue

ATTEMPT_SHIFT = 32


def number_of(ticket: int) -> int:
    """The number of the job that a ticket is for: see `Job.ticket`."""
    return ticket & (1 << ATTEMPT_SHIFT) - 1


PENDING, RUNNING, FAILED, CACHED, DONE = range(5)
"""Columns of the status table."""


class JobExecution(NamedTuple):
    """The execution that a job belongs to."""

    id: str


class Job:
    """One evaluation of a task call. It lives from when its arguments are known until its result is final.

    Most attributes have defaults in the class, because most jobs never need them and there are many jobs.
    """

    status = Status.RUNNING
    column = PENDING
    start_time = 0.0
    end_time = 0.0
    raw_hash: bytes | None = None
    """The hash of what the body returned."""
    hit_call_hash: bytes | None = None
    """The call that the repository remembers for this evaluation."""
    is_cached = False
    attempt = 1
    executor_name = ""
    is_finished = False
    is_written = False
    """Whether the repository has a row that says that this job runs."""
    holds_limits = False
    awaited = 0
    """How many expressions the body of an async task waits for at the moment."""
    followers: list[Job] | None = None
    """Jobs elsewhere in the execution that make the same call and wait for this one."""
    same_expressions: dict[str, Cell] | None = None
    """By the expression's hash: cells of calls that nobody but equal expressions under this job may share."""
    children: list[tuple[int, bytes]]
    """Numbers and call hashes of the finished calls made by this one."""
    child_task_sets: dict[TaskSet, None]
    info: PreparedTask
    options: CallOptions
    args_hash = b""
    eval_hash = b""
    arguments: tuple[Any, ...] = ()
    """One value a parameter."""
    misfit: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    """The arguments as they were given, by position and by name, where the task does not take them."""
    recorded_arguments: tuple[Argument, ...] = ()
    changeable: list[tuple[int, EncodedValue]] | tuple[()] = ()
    """The positions of arguments that a task could change in place."""
    handles: tuple[tuple[Handle, Handle], ...] = ()
    """The handles among the arguments, and the forks of them that the call is given."""
    runs_in_process = False
    context = NO_CONTEXT
    open_calls = 0
    """How many calls made by this one have not ended."""
    is_cut_short = False
    """Whether an error came up before everything had been evaluated: what is below the call is not all known."""
    call_order = 0
    """How many calls this job has made so far."""
    key = b""
    """What equal calls of an execution have in common: the evaluation hash, and that of the context if there is one."""
    new_values: list[EncodedValue] | tuple[()] = ()
    """Arguments as bytes, to be recorded with the call."""

    def __init__(self, run: Run, number: int, parent: Job | None, cell: Cell) -> None:
        self.run = run
        self.number = number
        self.parent = parent
        self.cell = cell
        self.memo: dict[int, Cell] = {}
        """The cells of the expressions evaluated under this job, by the identity of the expression."""
        self.children = []
        self.child_task_sets = {}

    @property
    def ticket(self) -> int:
        """What an executor's report names: the number, and above it the attempt, to tell late reports apart."""
        return self.number + ((self.attempt - 1) << ATTEMPT_SHIFT)

    @property
    def name(self) -> str:
        """The job's id for the world outside: `<execution id>.<number>`."""
        return f"{self.run.execution_id}.{self.number + self.run.extension.start}"

    @property
    def short_name(self) -> str:
        """The id as logs and tracebacks show it."""
        return f"{self.run.execution_id[:8]}.{self.number + self.run.extension.start}"

    @property
    def exports(self) -> Exports:
        """The options that hold for the calls made by this job."""
        return self.options.exports if self.number else self.run.exports

    # -- what scheduler tasks may ask of the job that encloses them ---------------------------------------------------

    @property
    def id(self) -> str:
        """The job's id, as `JobInfo.job_id`: `<execution id>.<number>`."""
        return self.name

    @property
    def execution(self) -> JobExecution:
        """The execution that the job belongs to."""
        return JobExecution(self.run.execution_id)

    @property
    def parent_job(self) -> Job | None:
        """The job that made this call; None for that of the root."""
        return self.parent if self.parent is not None and self.parent.number else None

    @property
    def task(self) -> Task[..., Any] | None:
        """The task that is called; None where options of the root's own call are evaluated, which has no job yet."""
        return self.info.task if self.number else None

    @property
    def args(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The evaluated arguments, by position and by name."""
        return self.info.binder.call_arguments(self.arguments) if self.arguments else self.misfit

    def get_options(self) -> dict[str, Any]:
        """The task options of the call: those of the decorator, of callers above that export some, and its own."""
        options = self.options.values if self.number else self.run.exports
        return {name: value for name, value in options.items() if not name.startswith("_")}

    def get_option(self, name: str, default: Any = None) -> Any:
        """One task option of the call."""
        return self.get_options().get(name, default)

    def get_context(self) -> dict[str, Any]:
        """The context that the job was called in."""
        return dict(self.context.value)

    # -- what the engine does with it ---------------------------------------------------------------------------------

    def move_to(self, column: int) -> None:
        """Count this job in another column of the status table."""
        counts = self.info.counts
        counts[self.column] -= 1
        counts[column] += 1
        self.column = column
