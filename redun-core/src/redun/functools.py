"""Tasks for working with tasks: in sequence, over lists, one after another, later.

`seq`, `map_` and `starmap` take their parts unevaluated. What wraps plain functions (`apply_func`, `as_task`, `eval_`)
runs on the executor that its options name; the others are done where the scheduler runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import TYPE_CHECKING, Any, TypeVar, cast

from redun.errors import SchedulerError
from redun.expression import SchedulerExpression, quote
from redun.promise import Promise
from redun.task import scheduler_task, task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.expression import QuotedExpression
    from redun.task import PartialTask, Task
    from redun.typing import Map, Seq, StarMap

T = TypeVar("T")


@scheduler_task(name="seq", namespace="redun", version="1")
def _seq(scheduler: Any, parent_job: Any, _sexpr: SchedulerExpression[Any], exprs: Sequence[Any]) -> Promise[list[Any]]:
    """Evaluate expressions strictly one after another. Gives the list of their values; the first error ends it.

    The sequence itself may be lazy.
    """
    result: Promise[list[Any]] = Promise()
    values: list[Any] = []

    def start(items: Sequence[Any]) -> None:
        if isinstance(items, Mapping) or not hasattr(items, "__getitem__") or not hasattr(items, "__len__"):
            raise SchedulerError(f"seq() takes a list of expressions, not {items!r}")

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


seq = cast("Seq", _seq)


@scheduler_task(name="map_", namespace="redun", version="1")
def _map(
    scheduler: Any, parent_job: Any, _sexpr: SchedulerExpression[Any], a_task: Callable[[Any], Any], values: Any
) -> Promise[list[Any]]:
    """Apply a task to every item of a list, in parallel. Both may be lazy.

    `map_(g, map_(f, items))` does not wait for all of the inner list: each item goes through `f` and then `g`.
    """
    functions = [a_task]
    while _is_plain_map(values):
        inner, values = values.args
        functions.append(inner)

    def apply(evaluated: list[Any]) -> Any:
        *outer, innermost, items = evaluated
        for function in (*outer, innermost):
            if not callable(function):
                raise SchedulerError(f"map_() takes a task, and a list of values: {function!r} is no task")
        if not isinstance(items, Iterable):
            raise SchedulerError(f"map_() takes a task, and a list of values, not {items!r}")
        results = [innermost(item) for item in items]
        for function in reversed(outer):
            results = [function(result) for result in results]
        return scheduler.evaluate(results, parent_job=parent_job)

    everything: Promise[Any] = scheduler.evaluate([*functions, values], parent_job=parent_job)
    return everything.then(apply)


map_ = cast("Map", _map)


def _is_plain_map(values: Any) -> bool:
    return (
        isinstance(values, SchedulerExpression)
        and values.task_name == map_.fullname
        and len(values.args) == 2
        and not values._redun_options
    )


@scheduler_task(name="starmap", namespace="redun", version="1")
def _starmap(
    scheduler: Any,
    parent_job: Any,
    _sexpr: SchedulerExpression[Any],
    a_task: Callable[..., Any],
    kwargs: Any = (),
) -> Promise[list[Any]]:
    """Apply a task to every dict of keyword arguments in a list, in parallel. Both may be lazy."""

    def apply(evaluated: list[Any]) -> Any:
        function, items = evaluated
        if not isinstance(items, Iterable) or not all(isinstance(item, Mapping) for item in items):
            raise SchedulerError(f"starmap() takes a task, and a list of dicts of its arguments, not {items!r}")
        return scheduler.evaluate([function(**item) for item in items], parent_job=parent_job)

    both: Promise[Any] = scheduler.evaluate([a_task, kwargs], parent_job=parent_job)
    return both.then(apply)


starmap = cast("StarMap", _starmap)


@task(namespace="redun", version="1", executor="inline")
def flatten(list_of_lists: Sequence[Sequence[T]]) -> list[T]:
    """The items of all lists in one list: one level of nesting less. Raises `TypeError` for anything else."""
    if not isinstance(list_of_lists, Iterable):
        raise TypeError(f"flatten() takes a list of lists, not {list_of_lists!r:.100}")
    lists = list(list_of_lists)
    for items in lists:
        if not isinstance(items, Iterable):
            raise TypeError(f"flatten() takes a list of lists, not one with {items!r:.100} in it")
    return [item for items in lists for item in items]


@task(namespace="redun", version="1", executor="inline")
def flat_map(a_task: Callable[[Any], Sequence[T]], values: Sequence[Any]) -> list[T]:
    """Apply a task that gives a list to every item of a list, and put the lists together."""
    return flatten(map_(a_task, values))


@task(namespace="redun", version="1", executor="inline")
def zip_(*lists: Sequence[T]) -> list[tuple[T, ...]]:
    """The first items of all lists, then the second ones, and so on, up to the end of the shortest."""
    return list(zip(*lists, strict=False))


@task(namespace="redun", version="1", executor="inline")
def compose_apply(tasks: Sequence[Task[..., Any]], *args: Any, **kwargs: Any) -> Any:
    """Call the last task with the arguments, the one before with its result, and so on up to the first."""
    if not tasks:
        raise ValueError("compose() needs at least one task")
    *others, innermost = tasks
    result = innermost(*args, **kwargs)
    for outer in reversed(others):
        result = outer(result)
    return result


def compose(*tasks: Task[..., Any]) -> PartialTask[Any]:
    """Several tasks as one: `compose(f, g)(x)` gives `f(g(x))`."""
    return compose_apply.partial(tasks)


@task(namespace="redun", version="1", executor="inline")
def const(x: T, _: Any) -> T:
    """The first value, once the second one has been evaluated as well."""
    return x


def delay(x: T) -> PartialTask[T]:
    """A value, or an expression, that is not evaluated before it is asked for with `force`."""
    return cast("PartialTask[T]", identity.partial(x))


def force(x: Callable[[], T]) -> T:
    """What was given to `delay`."""
    return x()


@task(namespace="redun", version="1")
def apply_func(func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call a plain function with arguments that may be lazy.

    The function must be importable, so that a change of its code is noticed: a lambda or a function that is defined in
    another one raises `InvalidValueError`.
    """
    return func(*args, **kwargs)


def as_task(func: Callable[..., T]) -> PartialTask[T]:
    """A plain function as a task. It must be importable, as for `apply_func`."""
    return cast("PartialTask[T]", apply_func.partial(func))


@task(namespace="redun", version="1")
def eval_(code: str, *args: Any, pos_args: Sequence[str] = (), **kwargs: Any) -> Any:
    """The value of a Python expression. The keyword arguments are its variables.

    pos_args: names for the positional arguments.

    Raises `TypeError` when there are more or fewer positional arguments than names.
    """
    if len(args) != len(pos_args):
        raise TypeError(f"eval_() was given {len(args)} positional arguments and {len(pos_args)} names in pos_args")
    # Globals, because comprehensions see no locals. The code is the workflow's own, as that of any task is.
    return eval(dedent(code).strip(), {**dict(zip(pos_args, args, strict=True)), **kwargs})  # noqa: S307


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
def identity(x: T) -> T:
    """The value itself."""
    return x
