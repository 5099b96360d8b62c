"""Control flow for workflows: what to evaluate at all, and what to do about errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from redun.errors import SchedulerError
from redun.promise import Promise
from redun.scheduler.errors import check_error_class, check_recovery, error_to_hand_on
from redun.task import scheduler_task, task

if TYPE_CHECKING:
    from redun.expression import SchedulerExpression
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler
    from redun.typing import Catch, Cond

T = TypeVar("T")


class NoTrueCondition(SchedulerError, IndexError):  # noqa: N818 - it is caught by its base classes
    """`cond` has come to its end. An IndexError as well, because workflows may catch that."""


@scheduler_task(name="cond", namespace="redun", version="1")
def _cond(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    cond_expr: Any,
    then_expr: Any,
    *rest: Any,
) -> Promise[Any]:
    """`cond(c1, v1, c2, v2, ..., otherwise)`: the value after the first true condition; only that one is evaluated.

    Raises `NoTrueCondition` when no condition is true and there is no `otherwise`.
    """
    terms = (cond_expr, then_expr, *rest)
    result: Promise[Any] = Promise()

    def try_from(position: int) -> None:
        if position >= len(terms):
            result.do_reject(NoTrueCondition("cond(): no condition is true, and there is no value for otherwise"))
        elif position == len(terms) - 1:
            result.do_resolve(scheduler.evaluate(terms[position], parent_job=parent_job))
        else:
            tested = scheduler.evaluate(terms[position], parent_job=parent_job)
            result.follow_origin(tested)
            tested.then(lambda truth: choose(truth, position)).catch(result.do_reject)

    def choose(truth: Any, position: int) -> None:
        if truth:
            result.do_resolve(scheduler.evaluate(terms[position + 1], parent_job=parent_job))
        else:
            try_from(position + 2)

    try_from(0)
    return result


cond = cast("Cond", _cond)


@scheduler_task(name="catch", namespace="redun", version="1")
def _catch(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    expr: Any,
    *recovers: Any,
) -> Promise[Any]:
    """`catch(expr, Error1, recover1, ...)`: the value of `expr`, or of `recover(error)` where it fails.

    The first class that fits the error decides. A class may be a tuple of classes. An error that fits none is raised
    as it is.
    """
    if len(recovers) % 2:
        raise SchedulerError("catch() takes pairs of an error class and a task to recover with")
    pairs = list(zip(recovers[::2], recovers[1::2], strict=True))
    for error_class, recover_task in pairs:
        check_error_class("catch()", error_class)
        check_recovery("catch()", recover_task)

    def recover(error: BaseException) -> Any:
        for error_class, recover_task in pairs:
            if isinstance(error, error_class):
                return scheduler.evaluate(recover_task(error_to_hand_on(error, recover_task)), parent_job=parent_job)
        raise error

    return scheduler.evaluate(expr, parent_job=parent_job).catch(recover)


catch = cast("Catch", _catch)


@task(namespace="redun", version="1", executor="inline")
def throw(error: BaseException) -> NoReturn:
    """Raise an error, when the expression is evaluated."""
    if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
        raise SchedulerError(f"throw() takes an exception, such as ValueError({error!r}), not {error!r}")
    raise error
