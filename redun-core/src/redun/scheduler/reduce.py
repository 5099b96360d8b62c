"""Reducing expressions to values, without recursion.

`Reducer.unexpanded` is a stack of joins whose expressions are still to be started: taking from its top goes depth
first, so that a wide workflow does not unfold all at once. `Reducer.ready` holds what can go on because everything that
it waited for is settled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redun import nested
from redun.errors import RedunError, SchedulerError
from redun.expression import (
    Expression,
    SchedulerExpression,
    SimpleExpression,
    TaskExpression,
    ValueExpression,
    get_lazy_operation,
)
from redun.promise import Promise
from redun.scheduler.cells import DONE, FAILED, PENDING, SCALARS, Cell, Join, find_expressions, substitute
from redun.task import SchedulerTask

if TYPE_CHECKING:
    from redun.scheduler.job import Job
    from redun.scheduler.prepared import PreparedTask

StartCall = Callable[["Job", Cell, TaskExpression[Any], "PreparedTask", tuple[Any, ...]], None]


class Reducer:
    """Evaluates expressions under jobs.

    prepare: finds a task by its full name.
    start_call: takes over a task call whose arguments are bound and, but for lazy defaults, evaluated as far as
    `argument` tells. reject_call: takes over a task call that cannot be made at all.
    """

    def __init__(
        self,
        prepare: Callable[[str], PreparedTask],
        start_call: StartCall,
        reject_call: Callable[[Job, Cell, TaskExpression[Any], PreparedTask, BaseException], None],
        scheduler: Any,
    ) -> None:
        self._prepare = prepare
        self._start_call = start_call
        self._reject_call = reject_call
        self._scheduler = scheduler
        self.unexpanded: list[Join] = []
        self.ready: deque[Join] = deque()
        self.failed: deque[tuple[Join, BaseException]] = deque()
        self.open_promises: dict[Cell, str] = {}
        """Cells of scheduler tasks of the user's whose promises are not settled yet, and the names of the tasks."""
        self.job_of_scheduler_task: Job | None = None
        """Under which the scheduler task was called that is at work at the moment."""

    # -- the work lists -----------------------------------------------------------------------------------------------

    def expand_one(self) -> None:
        """Start the next expression of the join on top of the stack."""
        stack = self.unexpanded
        join = stack[-1]
        position = join.next
        if join.has_failed or position == len(join.exprs):
            stack.pop()
            return
        join.next = position + 1
        if join.next == len(join.exprs):
            stack.pop()
        expr = join.exprs[position]
        memo = join.job.memo
        cell = memo.get(id(expr))
        if cell is None:
            cell = memo[id(expr)] = Cell(expr)
            cell.waiters = [join]
            self._start(expr, cell, join.job)
        elif cell.state == PENDING:
            assert cell.waiters is not None
            cell.waiters.append(join)
        elif cell.state == DONE:
            self._arrived(join)
        else:
            self._fail_join(join, cell.value)

    def settle_ready(self) -> None:
        """Go on with everything that has what it waited for."""
        ready, failed = self.ready, self.failed
        while ready or failed:
            while ready:
                join = ready.popleft()
                join.on_value(join)
            while failed:
                join, error = failed.popleft()
                join.on_error(join, error)

    def _arrived(self, join: Join) -> None:
        join.missing -= 1
        if not join.missing and not join.has_failed:
            self.ready.append(join)

    def _fail_join(self, join: Join, error: BaseException) -> None:
        if not join.has_failed:
            join.has_failed = True
            if join.missing > 1:
                join.job.is_cut_short = True
            self.failed.append((join, error))

    def resolve(self, cell: Cell, value: Any) -> None:
        """Settle a cell with a value."""
        cell.state, cell.value = DONE, value
        waiters, cell.waiters = cell.waiters, None
        for join in waiters or ():
            join.missing -= 1
            if not join.missing and not join.has_failed:
                self.ready.append(join)

    def reject(self, cell: Cell, error: BaseException) -> None:
        """Settle a cell with an error."""
        if cell.state != PENDING:
            return
        cell.state, cell.value = FAILED, error
        waiters, cell.waiters = cell.waiters, None
        for join in waiters or ():
            self._fail_join(join, error)

    def wait_for(
        self,
        job: Job,
        value: Any,
        exprs: list[Expression[Any]],
        target: Any,
        on_value: Callable[[Join], None],
        on_error: Callable[[Join, BaseException], None],
    ) -> None:
        """Evaluate some expressions under a job, then call back with the join."""
        join = Join(job, value, exprs, target, on_value, on_error)
        if exprs:
            self.unexpanded.append(join)
        else:
            self.ready.append(join)

    # -- kinds of expression ------------------------------------------------------------------------------------------

    def _start(self, expr: Expression[Any], cell: Cell, job: Job) -> None:
        if isinstance(expr, TaskExpression):
            self._start_task(expr, cell, job)
        elif isinstance(expr, SimpleExpression):
            parts = (expr.args, expr.kwargs) if expr.kwargs else expr.args
            self.wait_for(job, parts, find_expressions((parts,)), cell, self._apply, self._pass_error)
        elif isinstance(expr, SchedulerExpression):
            self._start_scheduler_task(expr, cell, job)
        elif isinstance(expr, ValueExpression):
            self.reduce_into(cell, expr.value, job)
        else:
            self.reject(cell, SchedulerError(f"{type(expr).__name__} is not an expression that can be evaluated"))

    def _start_task(self, expr: TaskExpression[Any], cell: Cell, job: Job) -> None:
        try:
            info = self._prepare(expr.task_name)
        except RedunError as error:  # there is no such task, or its hash cannot be worked out
            self.reject(cell, error)
            return
        try:
            bound = info.bind(*expr.args, **expr.kwargs)
        except TypeError as error:
            self._reject_call(job, cell, expr, info, error)
            return
        exprs: list[Expression[Any]] = []
        for value in bound:
            if value.__class__ not in SCALARS and (isinstance(value, Expression) or nested.kind_of(value)):
                exprs = find_expressions(
                    value for value in bound if not (info.lazy_defaults and id(value) in info.lazy_defaults)
                )
                break
        if exprs:
            target = (cell, expr, info)
            self.wait_for(job, bound, exprs, target, self._arguments_ready, self._arguments_failed)
        else:
            self._start_call(job, cell, expr, info, bound)

    def _arguments_ready(self, join: Join) -> None:
        cell, expr, info = join.target
        self._start_call(join.job, cell, expr, info, join.value)

    def _arguments_failed(self, join: Join, error: BaseException) -> None:
        self.reject(join.target[0], error)

    def _pass_error(self, join: Join, error: BaseException) -> None:
        self.reject(join.target, error)

    def _apply(self, join: Join) -> None:
        """Apply an operator to its evaluated arguments."""
        cell: Cell = join.target
        expr = cell.expr
        assert isinstance(expr, SimpleExpression)
        memo = join.job.memo
        try:
            args = [substitute(argument, memo) for argument in expr.args]
            kwargs = {name: substitute(argument, memo) for name, argument in expr.kwargs.items()}
            value = get_lazy_operation(expr.func_name)(*args, **kwargs)
        except Exception as error:
            self.reject(cell, error)
            return
        cell.source = join.cells()
        if value.__class__ in SCALARS:
            self.resolve(cell, value)
        else:
            self.reduce_into(cell, value, join.job)

    # -- nested values ------------------------------------------------------------------------------------------------

    def reduce_into(self, cell: Cell, value: Any, job: Job) -> None:
        """Settle a cell with a nested value, once the expressions in it are evaluated under the job."""
        exprs = find_expressions((value,))
        if exprs:
            self.wait_for(job, value, exprs, cell, self._reduced, self._pass_error)
        else:
            self.resolve(cell, value)

    def _reduced(self, join: Join) -> None:
        cell: Cell = join.target
        cells = join.cells()
        if len(cells) == 1:
            cell.value_hash = cells[0].value_hash if join.value is join.exprs[0] else None
        cell.source = (*cell.source, *cells) if isinstance(cell.source, tuple) else cells
        try:
            value = join.evaluated()
        except Exception as error:  # such as a set that is given a list
            self.reject(cell, error)
            return
        self.resolve(cell, value)

    # -- scheduler tasks and promises ---------------------------------------------------------------------------------

    def _start_scheduler_task(self, expr: SchedulerExpression[Any], cell: Cell, job: Job) -> None:
        outer, self.job_of_scheduler_task = self.job_of_scheduler_task, job
        try:
            promise = self._call_scheduler_task(expr, job)
        except (Exception, SystemExit) as error:
            self.reject(cell, _as_failure(expr, error))
            return
        finally:
            self.job_of_scheduler_task = outer

        def fulfilled(value: Any) -> None:
            self.open_promises.pop(cell, None)
            cell.source = tuple(
                source
                for origin in promise.origins()
                if isinstance(origin, EvaluationPromise)
                for source in origin.cells
            )
            self.resolve(cell, value)

        def rejected(error: Any) -> None:
            self.open_promises.pop(cell, None)
            self.reject(cell, _as_failure(expr, error))

        if not expr.task_name.startswith("redun."):
            self.open_promises[cell] = expr.task_name
        promise._wait(fulfilled, rejected)

    def _call_scheduler_task(self, expr: SchedulerExpression[Any], job: Job) -> Promise[Any]:
        task = self._prepare(expr.task_name).task
        misfit: TypeError | None = None
        try:
            promise = task.func(self._scheduler, job, expr, *expr.args, **expr.kwargs)
        except TypeError as error:
            misfit = error
        if misfit is not None:
            # Outside of the handler: Python's own words for it are about arguments that callers do not see.
            own = task.misfit(expr.args, expr.kwargs) if isinstance(task, SchedulerTask) else None
            raise own or misfit
        if not isinstance(promise, Promise):
            raise SchedulerError(f"the scheduler task {expr.task_name!r} must return a Promise, not {promise!r}")
        return promise

    def evaluate(self, value: Any, job: Job) -> Promise[Any]:
        """A promise for a nested value, evaluated under a job."""
        promise = EvaluationPromise()
        exprs = find_expressions((value,))
        if exprs:
            self.wait_for(job, value, exprs, promise, _fulfil, _reject)
        else:
            promise.do_resolve(value)
        return promise


def _as_failure(expr: SchedulerExpression[Any], error: Any) -> BaseException:
    """What a scheduler task fails with: anything may come out of the promise that it returned."""
    if isinstance(error, SystemExit):
        return SchedulerError(
            f"the scheduler task {expr.task_name!r} called sys.exit({'' if error.code is None else repr(error.code)}): "
            "to fail, raise an exception"
        )
    if not isinstance(error, BaseException):
        return SchedulerError(
            f"the scheduler task {expr.task_name!r} rejected its promise with {error!r}, which is no exception"
        )
    return error


class EvaluationPromise(Promise[Any]):
    """A promise that knows which expressions its value came from."""

    __slots__ = ("cells",)

    def __init__(self) -> None:
        super().__init__()
        self.cells: tuple[Cell, ...] = ()


def _fulfil(join: Join) -> None:
    promise = join.target
    promise.cells = join.cells()
    try:
        value = join.evaluated()
    except Exception as error:
        promise.do_reject(error)
        return
    promise.do_resolve(value)


def _reject(join: Join, error: BaseException) -> None:
    join.target.do_reject(error)
