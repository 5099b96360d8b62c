"""The life of a task call: from its bound arguments, through cache and executor, to its recorded outcome."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from redun.backends.records import Status
from redun.errors import InvalidValueError, SchedulerError
from redun.executors.base import TaskCall
from redun.expression_graph import encode_graph, has_expressions
from redun.hashing import hash_bytes, new_hasher
from redun.job_info import JobInfo
from redun.scheduler import job as columns
from redun.scheduler.arguments import Arguments, check_size
from redun.scheduler.cache import LARGEST_KEPT, Finished, Hit
from redun.scheduler.cells import SCALARS, Cell, Join, find_expressions
from redun.scheduler.equal_calls import EqualCalls
from redun.scheduler.failures import error_value
from redun.scheduler.job import Job
from redun.scheduler.options import CallOptions, resolve_options
from redun.scheduler.private import private_copy
from redun.value import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.expression import TaskExpression
    from redun.scheduler.prepared import PreparedTask, TaskSet
    from redun.scheduler.run import Run
    from redun.value import EncodedValue

_EVAL, _CALL = new_hasher("eval"), new_hasher("call")


class Calls:
    """Carries the task calls of one run from their arguments to their outcome."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next_number = 1
        self._most_bytes = run.recorder.max_value_size
        self._equal = EqualCalls(run)
        self.look_ups: list[Job] = []
        """Calls whose result may be in the repository."""
        self.blocked_by_dry_run = 0

    # -- making a call ------------------------------------------------------------------------------------------------

    def start(
        self, parent: Job, cell: Cell, expr: TaskExpression[Any], info: PreparedTask, bound: tuple[Any, ...]
    ) -> None:
        """Make a call whose arguments are bound and evaluated, but for lazy defaults."""
        if expr.task_options and has_expressions(expr.task_options):
            exprs = find_expressions((expr.task_options,))
            target = (cell, expr, info, bound)
            self._run.reducer.wait_for(parent, expr.task_options, exprs, target, self._options_ready, self._pass_error)
            return
        self._start(parent, cell, expr, info, bound, expr.task_options)

    def _options_ready(self, join: Join) -> None:
        cell, expr, info, bound = join.target
        self._start(join.job, cell, expr, info, bound, join.evaluated())

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
    ) -> None:
        try:
            options = self._options(parent, expr, info, call_options)
        except SchedulerError as error:
            self.reject(parent, cell, expr, info, error)
            return
        if info.lazy_defaults and any(id(value) in info.lazy_defaults for value in bound):
            job = self._new_job(parent, cell, info, options)
            exprs = find_expressions(value for value in bound if id(value) in info.lazy_defaults)
            self._run.reducer.wait_for(job, (expr, bound), exprs, job, self._defaults_ready, self._result_failed)
            return
        try:
            self._arrive(parent, cell, expr, info, options, bound, None)
        except InvalidValueError as error:
            self.reject(parent, cell, expr, info, error)

    def _defaults_ready(self, join: Join) -> None:
        job: Job = join.target
        expr, bound = join.value
        assert job.parent is not None
        try:
            self._arrive(job.parent, job.cell, expr, job.info, job.options, bound, job)
        except InvalidValueError as error:
            self.fail(job, error)

    def _options(
        self, parent: Job, expr: TaskExpression[Any], info: PreparedTask, call_options: dict[str, Any]
    ) -> CallOptions:
        exports = parent.exports
        if call_options or expr.export_names:
            return resolve_options(info.task, exports, call_options, expr.export_names, self._run.use_cache)
        known = info.plain_options.get(id(exports))
        if known is None:
            known = resolve_options(info.task, exports, call_options, (), self._run.use_cache)
            info.plain_options[id(exports)] = known
            self._run.kept.append(exports)  # so that its identity stays its own
        return known

    def _new_job(self, parent: Job, cell: Cell, info: PreparedTask, options: CallOptions) -> Job:
        job = Job(self._run, self._next_number, parent, cell)
        self._next_number += 1
        job.info = info
        job.options = options
        info.counts[columns.PENDING] += 1
        return job

    def _arrive(
        self,
        parent: Job,
        cell: Cell,
        expr: TaskExpression[Any],
        info: PreparedTask,
        options: CallOptions,
        bound: tuple[Any, ...],
        job: Job | None,
    ) -> None:
        """All arguments are known: hash them, and see whether an equal call is there already.

        job: exists by now only if the call has lazy defaults, which were evaluated under it.
        """
        memo = parent.memo if job is None else {**parent.memo, **job.memo}
        arguments = Arguments(info, bound, memo, self._most_bytes)
        args_hash = arguments.hash()
        hasher = _EVAL.copy()
        hasher.update(info.hash + args_hash)
        eval_hash = hasher.digest()
        equal: Job | Finished | None = None
        if options.allows_cse:
            equal = self._equal.find(eval_hash)
            if equal is not None and job is None and self._equal.share(equal, parent, cell):
                return
        elif options.scope == "NONE" and job is None and self._equal.share_expression(parent, cell, expr):
            return
        if job is None:
            job = self._new_job(parent, cell, info, options)
        job.args_hash, job.eval_hash = args_hash, eval_hash
        job.arguments = arguments.values
        job.recorded_arguments = arguments.records()
        job.new_values = arguments.encoded
        job.changeable = arguments.changeable
        if equal is not None and self._follow(job, equal):
            return
        if options.allows_cse:
            self._equal.remember(eval_hash, job)
        if options.allows_single or options.allows_ultimate:
            self.look_ups.append(job)
        else:
            self.execute(job)

    # -- equal calls --------------------------------------------------------------------------------------------------

    def _follow(self, job: Job, equal: Job | Finished) -> bool:
        """Let a job take over the outcome of an equal call elsewhere in the execution."""
        if isinstance(equal, Job):
            equal.followers = [*(equal.followers or ()), job]
            return True
        finished = self._equal.with_value(equal)
        if finished is None:
            return False
        self._finish_as(job, finished)
        return True

    def _finish_as(self, job: Job, finished: Finished) -> None:
        job.start_time = job.start_time or time.time()
        job.end_time = time.time()
        job.is_cached = True
        if finished.error is not None:
            job.status = Status.FAILED
            job.move_to(columns.FAILED)
        else:
            self._mark_cached(job)
        self._close(job, finished.call_hash, finished.tasks)
        self._equal.settle(job.cell, finished)

    # -- running ------------------------------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Look up in the repository everything that has gathered, and run what is not there."""
        jobs, self.look_ups = self.look_ups, []
        for job, hit in zip(jobs, self._run.cache.find(jobs), strict=True):
            if hit is None:
                self.execute(job)
            else:
                self._use(job, hit)

    def execute(self, job: Job) -> None:
        """Send a call to its executor."""
        if self._run.is_dry:
            self.blocked_by_dry_run += 1
            self._run.emit(job, "dryrun")
            return
        try:
            self._run.dispatcher.enqueue(job)
        except SchedulerError as error:
            self.fail(job, error)

    def prepare(self, job: Job, in_process: bool) -> TaskCall:
        """The call as the executor gets it, at the moment when it is submitted.

        in_process: whether it will run in this process, so that it needs arguments of its own.
        """
        info, options = job.info, job.options
        job.start_time = time.time()
        job.move_to(columns.RUNNING)
        if options.is_recorded:
            self._run.recorder.started(job)
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
            self._run.job_id_base + job.number,
            info.target,
            args,
            kwargs,
            options.values,
            job.eval_hash,
            job.name,
            options.scope,
        )

    def body_done(self, job: Job, value: Any) -> None:
        """The body of a task has returned."""
        if job.holds_limits:
            self._release(job)
        try:
            exprs = find_expressions((value,))
            encoded = self._encode_result(job, value, encode_graph if exprs else encode)
        except InvalidValueError as error:
            self.fail(job, error)
            return
        job.raw_hash = encoded.hash
        if not exprs:
            if job.runs_in_process and value.__class__ not in SCALARS:
                value = private_copy(value, encoded)
            self._finish(job, value, encoded, encoded.hash)
            return
        if job.options.is_recorded:
            self._run.recorder.value(encoded)
            self._run.recorder.evaluation(job)
        self._run.reducer.wait_for(job, value, exprs, job, self._result_ready, self._result_failed)

    def _encode_result(self, job: Job, value: Any, encoder: Callable[[Any], EncodedValue]) -> EncodedValue:
        try:
            encoded = encoder(value)
        except InvalidValueError as error:
            raise InvalidValueError(f"the result of task {job.info.fullname!r} cannot be stored: {error}") from error
        check_size(encoded, self._most_bytes, f"the result of task {job.info.fullname!r}")
        return encoded

    def _release(self, job: Job) -> None:
        for released in self._run.dispatcher.limits.release(job):
            # It may have waited for long: somebody else may have made the same call by now.
            if released.options.allows_single or released.options.allows_ultimate:
                self.look_ups.append(released)
            else:
                self.execute(released)

    def _use(self, job: Job, hit: Hit) -> None:
        """Go on with an earlier result."""
        if job.holds_limits:
            self._release(job)
        job.start_time = time.time()
        job.is_cached = True
        self._mark_cached(job)
        if hit.tasks is not None:
            assert hit.call_hash is not None
            self._complete(
                job, hit.value, hit.value_hash, hit.call_hash, self._run.task_sets.of(hit.tasks), hit.is_small
            )
            return
        job.raw_hash, job.hit_call_hash = hit.value_hash, hit.call_hash
        if hit.codec == "expression":
            if job.options.is_recorded:
                self._run.recorder.started(job)
            exprs = find_expressions((hit.value,))
            self._run.reducer.wait_for(job, hit.value, exprs, job, self._result_ready, self._result_failed)
        else:
            self._finish(job, hit.value, None, hit.value_hash, hit.is_small)

    def _mark_cached(self, job: Job) -> None:
        job.status = Status.CACHED
        job.move_to(columns.CACHED)
        self._run.emit(job, "cached")

    # -- the end ------------------------------------------------------------------------------------------------------

    def _result_ready(self, join: Join) -> None:
        """Everything in the expression that a body returned is evaluated."""
        job: Job = join.target
        value = join.evaluated()
        tail = join.job.memo[id(join.exprs[0])]
        if join.value is join.exprs[0] and tail.value_hash is not None and value.__class__ in SCALARS:
            self._finish(job, value, None, tail.value_hash)
            return
        try:
            encoded = self._encode_result(job, value, encode)
        except InvalidValueError as error:
            self.fail(job, error)
            return
        self._finish(job, value, encoded, encoded.hash)

    def _result_failed(self, join: Join, error: BaseException) -> None:
        self.fail(join.target, error)

    def _finish(
        self, job: Job, value: Any, encoded: EncodedValue | None, value_hash: bytes, is_small: bool | None = None
    ) -> None:
        """A call has its final value."""
        job.end_time = time.time()
        tasks = self._run.task_sets.union(job.info.own_tasks, job.child_task_sets)
        call_hash = _call_hash(job, value_hash)
        if encoded is not None and job.options.is_recorded:
            self._run.recorder.value(encoded)
        if call_hash != job.hit_call_hash and job.options.is_recorded:
            self._run.recorder.call(job, call_hash, value_hash, tasks, is_error=False)
        if is_small is None:
            is_small = len(encoded.data) <= LARGEST_KEPT if encoded else _is_small(value)
        self._complete(job, value, value_hash, call_hash, tasks, is_small)

    def _complete(
        self, job: Job, value: Any, value_hash: bytes, call_hash: bytes, tasks: TaskSet, is_small: bool
    ) -> None:
        job.end_time = job.end_time or time.time()
        if job.status is Status.RUNNING:
            job.status = Status.DONE
            job.move_to(columns.DONE)
            self._run.emit(job, "done")
        self._close(job, call_hash, tasks)
        cell = job.cell
        if job.options.is_recorded:
            cell.source, cell.value_hash = call_hash, value_hash
        else:
            cell.source = ()
        self._run.reducer.resolve(cell, value)
        if job.options.allows_cse:
            self._remember(job, call_hash, value_hash, tasks, value, None, is_small or not job.options.is_recorded)

    def _close(self, job: Job, call_hash: bytes, tasks: TaskSet) -> None:
        """Record the end of a job, and tell its parent."""
        parent = job.parent
        assert parent is not None
        job.is_finished = True
        parent.child_task_sets[tasks] = None
        if not job.options.is_recorded:
            return
        parent.children.append((job.number, call_hash))
        self._run.recorder.finished(job, call_hash)

    def _remember(
        self,
        job: Job,
        call_hash: bytes,
        value_hash: bytes | None,
        tasks: TaskSet,
        value: Any,
        error: BaseException | None,
        is_kept: bool,
    ) -> None:
        parent = job.parent.number if job.parent is not None else 0
        kept = value if is_kept else None
        finished = Finished(parent, call_hash, value_hash, tasks, kept, error, is_kept)
        self._equal.remember(job.eval_hash, finished)
        if job.followers:
            for follower in job.followers:
                self._finish_as(follower, finished._replace(value=value, is_kept=True))

    def fail(self, job: Job, error: BaseException, detail: str | None = None) -> None:
        """A call has failed: its body raised, or something below it failed."""
        if job.status is Status.FAILED:
            return
        if job.holds_limits:
            self._release(job)
        job.start_time = job.start_time or time.time()
        job.end_time = time.time()
        job.status = Status.FAILED
        job.move_to(columns.FAILED)
        encoded = error_value(self._run.failures, job, error, detail)
        tasks = self._run.task_sets.union(job.info.own_tasks, job.child_task_sets)
        call_hash = _call_hash(job, encoded.hash)
        if job.options.is_recorded:
            self._run.recorder.value(encoded)
            self._run.recorder.call(job, call_hash, encoded.hash, tasks, is_error=True)
        self._run.emit(job, "failed", f"{type(error).__name__}: {error}")
        self._close(job, call_hash, tasks)
        self._run.reducer.reject(job.cell, error)
        if job.options.allows_cse and job.eval_hash:
            self._remember(job, call_hash, encoded.hash, tasks, None, error, is_kept=True)

    def reject(
        self, parent: Job, cell: Cell, expr: TaskExpression[Any], info: PreparedTask, error: BaseException
    ) -> None:
        """Record a call that cannot even be made: arguments that do not fit, options that make no sense."""
        try:
            options = resolve_options(info.task, parent.exports, {}, (), self._run.use_cache)
        except SchedulerError:
            options = CallOptions(info.task, {}, parent.exports, self._run.use_cache)
        job = self._new_job(parent, cell, info, options)
        job.args_hash = job.eval_hash = _expression_hash(expr)
        self.fail(job, error)


def _expression_hash(expr: TaskExpression[Any]) -> bytes:
    try:
        return bytes.fromhex(expr.get_hash())
    except InvalidValueError:  # an argument that cannot be stored may be the very reason why the call is rejected
        return hash_bytes("expr", uuid.uuid4().bytes)


def _call_hash(job: Job, value_hash: bytes) -> bytes:
    hasher = _CALL.copy()
    hasher.update(job.info.hash)
    hasher.update(job.args_hash)
    hasher.update(value_hash)
    if job.children:
        hasher.update(b"".join(sorted([call_hash for _, call_hash in job.children])))
    return hasher.digest()


def _is_small(value: Any) -> bool:
    return value.__class__ in SCALARS and (not isinstance(value, (str, bytes)) or len(value) <= LARGEST_KEPT)
