"""Tasks for working with tasks: in sequence, over lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redun.expression import quote
from redun.promise import Promise
from redun.task import scheduler_task, task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.expression import QuotedExpression, SchedulerExpression

T = TypeVar("T")


@scheduler_task(namespace="redun", version="1")
def seq(scheduler: Any, parent_job: Any, _sexpr: SchedulerExpression[Any], exprs: Sequence[Any]) -> Promise[list[Any]]:
    """Evaluate expressions strictly one after another. Gives the list of their values; the first error ends it.

    The sequence itself may be lazy.
    """
    result: Promise[list[Any]] = Promise()
    values: list[Any] = []

    def start(items: Sequence[Any]) -> None:
        def go_on(position: int) -> None:
            if position == len(items):
                result.do_resolve(values)
                return
            evaluated = scheduler.evaluate(items[position], parent_job=parent_job)
            result.follow_origin(evaluated)
            evaluated.then(lambda value: keep(value, position), result.do_reject)

        def keep(value: Any, position: int) -> None:
            values.append(value)
            go_on(position + 1)

        go_on(0)

    if isinstance(exprs, (list, tuple)):
        start(exprs)
    else:
        scheduler.evaluate(exprs, parent_job=parent_job).then(start).catch(result.do_reject)
    return result


@scheduler_task(namespace="redun", version="1")
def map_(
    scheduler: Any, parent_job: Any, _sexpr: SchedulerExpression[Any], a_task: Callable[[Any], Any], values: Any
) -> Promise[list[Any]]:
    """Apply a task to every item of a list, in parallel. Both may be lazy."""

    def apply(evaluated: list[Any]) -> Any:
        function, items = evaluated
        return scheduler.evaluate([function(item) for item in items], parent_job=parent_job)

    both: Promise[Any] = scheduler.evaluate([a_task, values], parent_job=parent_job)
    return both.then(apply)


@task(namespace="redun", name="no_prov", version="1", executor="inline", check_valid="shallow")
def _no_prov(expr: QuotedExpression[Any]) -> Any:
    return _unrecorded.options(prov=False)(expr)


@task(namespace="redun", name="unrecorded", version="1", executor="inline")
def _unrecorded(expr: QuotedExpression[Any]) -> Any:
    return expr.eval()


def no_prov(expr: T) -> T:
    """Evaluate an expression without recording anything below it: for very many very small calls.

    Only the final value is recorded and cached. It is computed again when a task below it has changed.
    """
    called: T = _no_prov(quote(expr))
    return called


@task(namespace="redun", version="1", executor="inline")
def identity(value: Any) -> Any:
    """The value itself."""
    return value
