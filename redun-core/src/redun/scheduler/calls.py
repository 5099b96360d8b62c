"""The life of a task call: from its bound arguments, through cache and executor, to an answer.

What becomes of the answer is told in `redun.scheduler.outcomes`.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import RedunError, SchedulerError
from redun.executors.base import TaskCall
from redun.expression import has_expressions
from redun.hashing import hash_data, new_hasher
from redun.job_info import JobInfo
from redun.scheduler import job as columns
from redun.scheduler.arguments import Arguments, to_show
from redun.scheduler.cache import Finished, Hit, Unopened
from redun.scheduler.cells import Cell, Join, find_expressions, substitute
from redun.scheduler.context import NO_CONTEXT, Context
from redun.scheduler.job import Job
from redun.scheduler.options import CallOptions, resolve_options
from redun.scheduler.private import private_copy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.expression import TaskExpression
    from redun.scheduler.prepared import PreparedTask
    from redun.scheduler.run import Run

_EVAL = new_hasher("eval")


class Later(NamedTuple):
    """A call whose earlier result is large, and is opened only when the work before it is done."""

    job: Job
    hit: Unopened
    depth: int
    """How many joins were waiting to be expanded when it was found."""


class Calls:
    """Carries the task calls of one run from their arguments to an answer."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next_number = 1
        self._most_bytes = run.recorder.max_value_size
        self._equal = run.equal_calls
        self.look_ups: list[Job] = []
        """Calls whose result may be in the repository."""
        self._later: list[Later] = []
        self.blocked_by_dry_run = 0

    # -- making a call ------------------------------------------------------------------------------------------------

    def start(
        self, parent: Job, cell: Cell, expr: TaskExpression[Any], info: PreparedTask, bound: tuple[Any, ...]
    ) -> None:
        """Make a call whose arguments are bound and evaluated, but for lazy defaults."""
        lazy = info.lazy_options
        if lazy:
            overridden = {*parent.exports, *expr._redun_options}
            lazy = {name: value for name, value in lazy.items() if name not in overridden}
        if lazy or (expr._redun_options and has_expressions(expr._redun_options)):
            given = (lazy, expr._redun_options)
            target = (cell, expr, info, bound)
            exprs = find_expressions(given)
            self._run.reducer.wait_for(parent, given, exprs, target, self._options_ready, self._pass_error)
            return
        self._start(parent, cell, expr, info, bound, expr._redun_options)

    def _options_ready(self, join: Join) -> None:
        cell, expr, info, bound = join.target
        try:
            declared, options = join.evaluated()
        except Exception as error:
            self._run.reducer.reject(cell, error)
            return
        self._start(join.job, cell, expr, info, bound, options, declared)

    def _pass_error(self, join: Join, error: BaseException) -> None:
        self._run.reducer.reject(join.target[0], error)

    def _start(
        self,
        parent: Job,
        cell: Cell,
        expr: TaskExpression[Any],
        info: PreparedTask,
        bound: tuple[Any, ...],
        call_options: dict[str, Any],
        declared: dict[str, Any] | None = None,
    ) -> None:
        """Make a call whose options are evaluated as well.

        declared: those options of the decorator that were expressions.
        """
        try:
            options = self._options(parent, expr, info, call_options, declared)
            context = parent.context
            if options.context_changes:
                context = context.updated(options.context_changes)
        except SchedulerError as error:
            self.reject(parent, cell, expr, info, error, bound)
            return
        try:
            if options.scope == "NONE" and self._equal.share_expression(parent, cell, expr):
                return
        except RedunError as error:
            self.reject(parent, cell, expr, info, error, bound)
            return
        if info.lazy_defaults and any(id(value) in info.lazy_defaults for value in bound):
            job = self._new_job(parent, cell, info, options, context)
            if options.is_recorded:
                # The calls of its defaults, which are its children, may be recorded before it has all its arguments.
                job.start_time = time.time()
                job.args_hash = job.eval_hash = _expression_hash(expr)
                self._run.recorder.started(job)
            exprs = find_expressions(value for value in bound if id(value) in info.lazy_defaults)
            failed = self._run.outcomes.part_failed
            self._run.reducer.wait_for(job, (expr, bound), exprs, job, self._defaults_ready, failed)
            return
        self._arrive(parent, cell, expr, info, options, context, bound, None)

    def _defaults_ready(self, join: Join) -> None:
        job: Job = join.target
        expr, bound = join.value
        assert job.parent is not None
        self._arrive(job.parent, job.cell, expr, job.info, job.options, job.context, bound, job)

    def _options(
        self,
        parent: Job,
        expr: TaskExpression[Any],
        info: PreparedTask,
        call_options: dict[str, Any],
        declared: dict[str, Any] | None,
    ) -> CallOptions:
        exports, task, use_cache = parent.exports, info.task, self._run.use_cache
        if declared:
            own = {**info.declared_options, **declared}
            return resolve_options(task, own, exports, call_options, expr._redun_exports, use_cache)
        if call_options or expr._redun_exports:
            return resolve_options(task, info.declared_options, exports, call_options, expr._redun_exports, use_cache)
        known = info.plain_options.get(id(exports))
        if known is None:
            known = resolve_options(task, info.declared_options, exports, call_options, (), use_cache)
            info.plain_options[id(exports)] = known
            self._run.kept.append(exports)  # so that its identity stays its own
        return known

    def _new_job(self, parent: Job, cell: Cell, info: PreparedTask, options: CallOptions, context: Context) -> Job:
        job = Job(self._run, self._next_number, parent, cell)
        self._next_number += 1
        job.info = info
        job.options = options
        if context is not NO_CONTEXT:
            job.context = context
        parent.open_calls += 1
        info.counts[columns.PENDING] += 1
        return job

    def _arrive(
        self,
        parent: Job,
        cell: Cell,
        expr: TaskExpression[Any],
        info: PreparedTask,
        options: CallOptions,
        context: Context,
        bound: tuple[Any, ...],
        job: Job | None,
    ) -> None:
        """All arguments are known: hash them, and see whether an equal call is there already.

        job: exists by now only if the call has lazy defaults, which were evaluated under it.
        """
        memo = parent.memo if job is None else {**parent.memo, **job.memo}
        parent.call_order += 1
        try:
            arguments = Arguments(info, bound, memo, self._most_bytes, parent.call_order)
        except Exception as error:  # an argument cannot be stored, or not even be made: a set that is given a list
            self._refuse(parent, cell, expr, info, job, error, bound)
            return
        args_hash = arguments.hash()
        hasher = _EVAL.copy()
        hasher.update(info.hash + args_hash)
        eval_hash = hasher.digest()
        key = eval_hash + context.hash
        equal: Job | Finished | None = None
        if options.allows_cse:
            equal = self._equal.find(key)
            if equal is not None and job is None and self._equal.share(equal, parent, cell):
                return
        if job is None:
            job = self._new_job(parent, cell, info, options, context)
        job.args_hash, job.eval_hash, job.key = args_hash, eval_hash, key
        job.arguments = arguments.values
        job.recorded_arguments = arguments.records()
        job.new_values = arguments.encoded
        job.changeable = arguments.changeable
        if arguments.handles:
            job.handles = arguments.handles
            self._run.handles.arrived(arguments.handles)
        if equal is not None and self._follow(job, equal):
            return
        if options.allows_cse:
            self._equal.remember(key, job)
        if options.allows_single or options.allows_ultimate:
            self.look_ups.append(job)
        else:
            self.execute(job)

    def _refuse(
        self,
        parent: Job,
        cell: Cell,
        expr: TaskExpression[Any],
        info: PreparedTask,
        job: Job | None,
        error: BaseException,
        bound: tuple[Any, ...],
    ) -> None:
        if job is None:
            self.reject(parent, cell, expr, info, error, bound)
        else:
            job.arguments = _as_far_as_known(bound, {**parent.memo, **job.memo})
            self._run.outcomes.fail(job, error)

    def _follow(self, job: Job, equal: Job | Finished) -> bool:
        """Let a job take over the outcome of an equal call elsewhere in the execution."""
        if isinstance(equal, Job):
            self._equal.follow(job, equal)
            return True
        finished = self._equal.with_value(equal)
        if finished is None:
            return False
        self._run.outcomes.take_over(job, finished)
        return True

    # -- cache and executor -------------------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Look up in the repository everything that has gathered, and run what is not there."""
        jobs, self.look_ups = self.look_ups, []
        depth = len(self._run.reducer.unexpanded)
        later = []
        for job, hit in zip(jobs, self._run.cache.find(jobs), strict=True):
            if hit is None:
                self.execute(job)
            elif isinstance(hit, Unopened):
                later.append(Later(job, hit, depth))
                if job.options.is_recorded:
                    job.start_time = job.start_time or time.time()
                    self._run.recorder.started(job)  # its row keeps the result from being removed as garbage
            else:
                self._use(job, hit)
        self._later.extend(reversed(later))

    @property
    def has_result_to_open(self) -> bool:
        """Whether it is the turn of a large earlier result: everything that was found before it is expanded.

        One large expression is alive at a time, so that the memory of a cached run does not grow with their number.
        """
        return bool(self._later) and len(self._run.reducer.unexpanded) <= self._later[-1].depth

    def open_result(self) -> None:
        """Go on with the large earlier result whose turn it is."""
        job, unopened, _ = self._later.pop()
        hit = self._run.cache.open(unopened)
        if hit is None:
            self.execute(job)
        else:
            self._use(job, hit)

    def _use(self, job: Job, hit: Hit) -> None:
        if job.holds_limits:
            self.release(job)
        self._run.outcomes.use(job, hit)

    def execute(self, job: Job) -> None:
        """Send a call to its executor."""
        if self._run.is_dry:
            self.blocked_by_dry_run += 1
            self._run.emit(job, "dryrun")
            return
        try:
            self._run.dispatcher.enqueue(job)
        except SchedulerError as error:
            self._run.outcomes.fail(job, error)

    def prepare(self, job: Job, in_process: bool) -> TaskCall:
        """The call as the executor gets it, at the moment when it is submitted.

        in_process: whether it will run in this process, so that it needs arguments of its own.
        """
        info, options = job.info, job.options
        job.start_time = time.time()
        job.move_to(columns.RUNNING)
        if options.is_recorded:
            self._run.recorder.started(job)
            if info.is_extended:
                # Another process will add jobs below this one, which has to be there by then, and those above it.
                self._run.open_sub_runs.add(job.number)
                self._run.recorder.flush()
        self._run.emit(job, "running")
        values = job.arguments
        job.runs_in_process = in_process
        if in_process:
            for position, encoded in job.changeable:
                own = private_copy(values[position], encoded)
                values = (*values[:position], own, *values[position + 1 :])
        for position in info.job_info_positions:
            job_info = JobInfo(
                self._run.execution_id, job.name, job.eval_hash.hex(), job.args_hash.hex(), options.values
            )
            values = (*values[:position], job_info, *values[position + 1 :])
        args, kwargs = info.binder.call_arguments(values)
        return TaskCall(
            self._run.job_id_base + job.ticket,
            info.target,
            args,
            kwargs,
            options.values,
            job.eval_hash,
            job.name,
            options.scope,
            job.attempt,
        )

    def release(self, job: Job) -> None:
        """Give back the limits that a job holds, and go on with the calls that waited for them."""
        for released in self._run.dispatcher.limits.release(job):
            # It may have waited for long: somebody else may have made the same call by now.
            if released.options.allows_single or released.options.allows_ultimate:
                self.look_ups.append(released)
            else:
                self.execute(released)

    def reject(
        self,
        parent: Job,
        cell: Cell,
        expr: TaskExpression[Any],
        info: PreparedTask,
        error: BaseException,
        bound: tuple[Any, ...] = (),
    ) -> None:
        """Record a call that cannot even be made: arguments that do not fit, options that make no sense.

        bound: one argument a parameter, to show, where the arguments do fit.
        """
        try:
            options = resolve_options(info.task, info.declared_options, parent.exports, {}, (), self._run.use_cache)
        except SchedulerError:
            options = CallOptions(info.task, {}, parent.exports, self._run.use_cache)
        job = self._new_job(parent, cell, info, options, parent.context)
        job.args_hash = job.eval_hash = _expression_hash(expr)
        if bound:
            job.arguments = _as_far_as_known(bound, parent.memo)
            given: Iterable[tuple[str, Any]] = zip(info.names, job.arguments, strict=True)
        else:
            job.misfit = (expr.args, expr.kwargs)
            given = info.binder.named(*job.misfit)
        job.recorded_arguments, job.new_values = to_show(given, self._most_bytes)
        self._run.outcomes.fail(job, error)


def _as_far_as_known(bound: tuple[Any, ...], memo: dict[int, Cell]) -> tuple[Any, ...]:
    """The arguments of a call that cannot be made, to show: evaluated, where that is what went wrong not at all."""
    try:
        return tuple(substitute(value, memo) for value in bound)
    except Exception:  # such as a set that is given a list, or a default that nobody has evaluated
        return bound


def _expression_hash(expr: TaskExpression[Any]) -> bytes:
    try:
        return bytes.fromhex(expr.get_hash())
    except RedunError:  # an argument that cannot be hashed may be the very reason why the call is rejected
        return hash_data("expr", uuid.uuid4().bytes)
