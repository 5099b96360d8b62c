"""What becomes of the answer to a task call: its final value or its error, recorded and passed on.

An answer is what the body returned or raised, what the repository remembers, or the outcome of an equal call.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, Status, TagRecord
from redun.errors import FOREIGN_ERRORS, InvalidArgumentError, InvalidValueError, RedunError, describe_error
from redun.expression_graph import CODEC, encode_graph
from redun.hashing import new_hasher
from redun.scheduler import job as columns
from redun.scheduler.arguments import check_size
from redun.scheduler.cache import LARGEST_KEPT, Finished, Hit
from redun.scheduler.cells import SCALARS, Join, find_expressions
from redun.scheduler.extension import SubRunReport
from redun.scheduler.failures import adopt_failure, error_value
from redun.scheduler.handles import has_handles, through_hook
from redun.scheduler.prepared import ROOT
from redun.scheduler.private import private_copy
from redun.value import apply_hook, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.handle import Handle
    from redun.scheduler.job import Job
    from redun.scheduler.prepared import TaskSet
    from redun.scheduler.run import Run
    from redun.value import EncodedValue

SUB_EXECUTION = "redun.sub_execution"
"""Key of the tag that a job gets whose sub-scheduler has recorded an execution of its own: its id."""
_CALL = new_hasher("call")


class Outcomes:
    """Carries the task calls of one run from their answer to their recorded end."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._most_bytes = run.recorder.max_value_size

    # -- answers ------------------------------------------------------------------------------------------------------

    def body_done(self, job: Job, value: Any) -> None:
        """The body of a task has returned."""
        if job.holds_limits:
            self._run.calls.release(job)
        if value.__class__ is SubRunReport:
            self._adopt(job, value)
            if value.error is not None:
                self._sub_run_failed(job, value)
                return
            value = value.value
        try:
            steps: list[tuple[Handle, Handle]] = []
            if value.__class__ not in SCALARS:
                value, steps = _postprocessed(job, value)
            exprs = find_expressions((value,))
            encoded = self._encode_returned(job, value) if exprs else self._encode_result(job, value, encode)
        except RedunError as error:
            self.fail(job, error)
            return
        if encoded is not None:
            job.raw_hash = encoded.hash
        if steps or job.handles:
            self._run.handles.returned(job, steps)
        if not exprs:
            assert encoded is not None
            if job.runs_in_process and value.__class__ not in SCALARS:
                value = private_copy(value, encoded)
            self._finish(job, value, encoded, encoded.hash)
            return
        if job.options.is_recorded and encoded is not None:
            self._run.recorder.value(encoded)
            self._run.recorder.evaluation(job)
        self._run.reducer.wait_for(job, value, exprs, job, self._result_ready, self.part_failed)

    def _adopt(self, job: Job, report: SubRunReport) -> None:
        """Make what a sub-scheduler has done part of the job that started it."""
        run = self._run
        job.children.extend(report.children)
        job.child_task_sets[run.task_sets.of(report.tasks)] = None
        run.counts_below.append(report.counts)
        if job.attempt == 1:  # of an earlier attempt, that was killed, jobs may be left behind
            run.open_sub_runs.discard(job.number)
        if report.execution_id and job.options.is_recorded:
            run.recorder.tag(TagRecord(EntityKind.JOB, job.name, SUB_EXECUTION, report.execution_id))

    def _sub_run_failed(self, job: Job, report: SubRunReport) -> None:
        """The executor has done its part, so that another try is not for it to decide, whatever it can do."""
        assert report.error is not None
        if not self._run.attempts.retry(job, report.error):
            adopt_failure(self._run.failures, job, report.error, report.traceback)
            self.fail(job, report.error)

    def use(self, job: Job, hit: Hit) -> None:
        """Go on with an earlier result."""
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
        if hit.codec == CODEC:
            if job.options.is_recorded:
                self._run.recorder.started(job)
            exprs = find_expressions((hit.value,))
            self._run.reducer.wait_for(job, hit.value, exprs, job, self._result_ready, self.part_failed)
        else:
            self._finish(job, hit.value, None, hit.value_hash, hit.is_small)

    def take_over(self, job: Job, finished: Finished) -> None:
        """Go on with the outcome of an equal call of this execution."""
        job.start_time = job.start_time or time.time()
        job.end_time = time.time()
        job.is_cached = True
        if finished.error is not None:
            job.status = Status.FAILED
            job.move_to(columns.FAILED)
            self._run.equal_calls.failed(job, finished.number)
        else:
            self._mark_cached(job)
        self._close(job, finished.call_hash, finished.tasks)
        self._run.equal_calls.settle(job.cell, finished)

    def _mark_cached(self, job: Job) -> None:
        job.status = Status.CACHED
        job.move_to(columns.CACHED)
        self._run.emit(job, "cached")

    # -- the end ------------------------------------------------------------------------------------------------------

    def _encode_result(self, job: Job, value: Any, encoder: Callable[[Any], EncodedValue]) -> EncodedValue:
        try:
            encoded = encoder(value)
        except InvalidArgumentError:
            raise
        except InvalidValueError as error:
            raise InvalidValueError(f"{_result_of(job)} cannot be stored: {error}") from error
        check_size(encoded, self._most_bytes, _result_of(job))
        return encoded

    def _encode_returned(self, job: Job, value: Any) -> EncodedValue | None:
        """The expressions that a body has returned, as bytes; None where their hash cannot be told.

        A file that cannot be looked at, such as one of a server that is down, is an error of the call that takes it,
        and that call's to recover from. There is just nothing of this body's to use again.
        """
        try:
            return self._encode_result(job, value, encode_graph)
        except InvalidValueError:
            raise
        except RedunError:
            job.is_cut_short = True
            return None

    def _result_ready(self, join: Join) -> None:
        """Everything in the expression that a body returned is evaluated."""
        job: Job = join.target
        try:
            value = join.evaluated()
        except Exception as error:  # such as a set that is given a list
            self.fail(job, error)
            return
        tail = join.job.memo[id(join.exprs[0])]
        if join.value is join.exprs[0] and tail.value_hash is not None and value.__class__ in SCALARS:
            self._finish(job, value, None, tail.value_hash)
            return
        try:
            encoded = self._encode_result(job, value, encode)
        except RedunError as error:
            self.fail(job, error)
            return
        self._finish(job, value, encoded, encoded.hash)

    def part_failed(self, join: Join, error: BaseException) -> None:
        """An expression that the call depends on has failed."""
        self.fail(join.target, error)

    def _finish(
        self, job: Job, value: Any, encoded: EncodedValue | None, value_hash: bytes, is_small: bool | None = None
    ) -> None:
        """A call has its final value."""
        job.end_time = time.time()
        tasks = self._tasks_of(job)
        call_hash = _call_hash(job, value_hash, tasks)
        if encoded is not None and job.options.is_recorded:
            self._run.recorder.value(encoded)
        if call_hash != job.hit_call_hash and job.options.is_recorded:
            self._run.recorder.call(job, call_hash, value_hash, tasks, is_error=False)
        if is_small is None:
            is_small = len(encoded.data) <= LARGEST_KEPT if encoded else _is_small(value)
        self._complete(job, value, value_hash, call_hash, tasks, is_small)

    def _tasks_of(self, job: Job) -> TaskSet:
        """The task of a call and those below it.

        Where something below has not ended, or was not even begun, the result may be the outcome of a race. It is no
        final result to go on with, neither of this call nor of those above it.
        """
        if job.open_calls or job.is_cut_short:
            job.child_task_sets[self._run.task_sets.unfinished] = None
        return self._run.task_sets.union(job.info.own_tasks, job.child_task_sets)

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
        parent.open_calls -= 1
        parent.child_task_sets[tasks] = None
        if not job.options.is_recorded:
            # The task sets of the calls above name this task.
            self._run.recorder.tasks(job.info, job.info.own_tasks)
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
        finished = Finished(job.number, parent, call_hash, value_hash, tasks, kept, error, is_kept)
        self._run.equal_calls.remember(job.key, finished)
        if job.followers:
            for follower in job.followers:
                self._run.equal_calls.following.pop(follower, None)
                self.take_over(follower, finished._replace(value=value, is_kept=True))

    def fail(self, job: Job, error: BaseException, detail: str | None = None) -> None:
        """A call has failed: its body raised, or something below it failed."""
        if job.status is Status.FAILED:
            return
        if job.holds_limits:
            self._run.calls.release(job)
        job.start_time = job.start_time or time.time()
        job.end_time = time.time()
        job.status = Status.FAILED
        job.move_to(columns.FAILED)
        encoded = error_value(self._run.failures, job, error, detail)
        tasks = self._tasks_of(job)
        call_hash = _call_hash(job, encoded.hash, tasks)
        if job.options.is_recorded:
            self._run.recorder.value(encoded)
            self._run.recorder.call(job, call_hash, encoded.hash, tasks, is_error=True)
        self._run.emit(job, "failed", describe_error(error))
        self._close(job, call_hash, tasks)
        self._run.equal_calls.failed(job, job.number)
        self._run.reducer.reject(job.cell, error)
        if job.options.allows_cse and job.key:
            self._remember(job, call_hash, encoded.hash, tasks, None, error, is_kept=True)


def _result_of(job: Job) -> str:
    return "what was given to run()" if job.info.fullname == ROOT else f"the result of task {job.info.fullname!r}"


def _postprocessed(job: Job, value: Any) -> tuple[Any, list[tuple[Handle, Handle]]]:
    arguments = {"pre_call_hash": job.eval_hash.hex()}
    try:
        if has_handles(value):
            return through_hook("postprocess", value, arguments)
        return apply_hook("postprocess", value, arguments), []
    except FOREIGN_ERRORS as error:  # the user's own method
        reason = describe_error(error)
        raise InvalidValueError(f"the result of task {job.info.fullname!r}: postprocess raised {reason}") from error


def _call_hash(job: Job, value_hash: bytes, tasks: TaskSet) -> bytes:
    hasher = _CALL.copy()
    hasher.update(job.info.hash)
    hasher.update(job.args_hash)
    hasher.update(value_hash)
    hasher.update(job.context.hash)
    # Of calls below that are not recorded nothing but their tasks says that they are others.
    hasher.update(tasks.hash)
    if job.children:
        hasher.update(b"".join(sorted([call_hash for _, call_hash in job.children])))
    return hasher.digest()


def _is_small(value: Any) -> bool:
    return value.__class__ in SCALARS and (not isinstance(value, (str, bytes)) or len(value) <= LARGEST_KEPT)
