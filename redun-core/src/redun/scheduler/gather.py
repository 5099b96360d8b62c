"""Waiting for many expressions although some of them fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from redun import nested
from redun.expression import Expression
from redun.promise import Promise, wait_promises
from redun.scheduler.cells import find_expressions
from redun.scheduler.errors import check_error_class, check_recovery, error_to_hand_on
from redun.task import scheduler_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.expression import SchedulerExpression
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler
    from redun.typing import CatchAll, ErrorClass


@scheduler_task(name="catch_all", namespace="redun", version="1")
def _catch_all(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    exprs: Any,
    error_class: ErrorClass | None = None,
    recover: Callable[[Any], Any] | None = None,
) -> Promise[Any]:
    """Evaluate every expression in a nested value to its end, even where some fail.

    Without errors: the evaluated value. With errors that are all of `error_class` (any class, if None): the value of
    `recover(value)`, which is given the nested value with an exception in place of each expression that failed. Else
    the first error, in the order of the expressions, once everything has ended.
    """
    if error_class is not None:
        check_error_class("catch_all()", error_class)
    if recover is not None:
        check_recovery("catch_all()", recover)
    terms = find_expressions((exprs,))
    promises = {id(term): scheduler.evaluate(term, parent_job=parent_job) for term in terms}

    def outcome(leaf: Any) -> Any:
        promise = promises.get(id(leaf)) if isinstance(leaf, Expression) else None
        if promise is None:
            return leaf
        return error_to_hand_on(promise.error, recover) if promise.is_rejected else promise.value

    def gather(settled: list[Promise[Any]]) -> Any:
        errors = [promise.error for promise in settled if promise.is_rejected]
        for error in errors:
            if recover is None or not isinstance(error, error_class or BaseException):
                raise error
        value = nested.map_leaves(outcome, exprs)
        if errors:
            assert recover is not None
            return scheduler.evaluate(recover(value), parent_job=parent_job)
        return value

    result = wait_promises(promises.values()).then(gather)
    for promise in promises.values():
        result.follow_origin(promise)
    return result


catch_all = cast("CatchAll", _catch_all)
