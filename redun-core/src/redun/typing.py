"""What type checkers need beside the language itself: results of calls that are awaited, and of async tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

from redun.expression import Expression, ValueExpression
from redun.scheduler_tasks import SchedulerTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from redun.base_task import Task

    ErrorClass = type[BaseException] | tuple[type[BaseException], ...]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
S = TypeVar("S")
U = TypeVar("U")
V = TypeVar("V")
W = TypeVar("W")


class TaskDecorator(Protocol):
    """What `task(...)` with options gives."""

    def __call__(self, func: Callable[P, R], /) -> Task[P, R]: ...


def awaitable(value: T) -> Awaitable[T]:
    """An expression, or a nested value that holds expressions, to be awaited inside an async task.

    To a type checker the call of a task has the type of its result, which cannot be awaited: `await measure(word)`
    works, and is reported as an error. `await awaitable(measure(word))` does the same and has the type of the result.
    """
    return cast("Awaitable[T]", value if isinstance(value, Expression) else ValueExpression(value))


# What follows are types of scheduler tasks whose results have the types of their arguments. A signature says that of
# a function only, and these are objects with options. Nothing is ever an instance of them.
# ruff: noqa: D102


class Cond(SchedulerTask[..., Any]):
    """`cond(condition, value, otherwise)` and longer. Type checkers know up to four conditions."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, cond_expr: Any, then_expr: T) -> T: ...
        @overload
        def __call__(self, condition: Any, value: T, otherwise: S, /) -> T | S: ...
        @overload
        def __call__(self, c1: Any, v1: T, c2: Any, v2: S, /) -> T | S: ...
        @overload
        def __call__(self, c1: Any, v1: T, c2: Any, v2: S, otherwise: U, /) -> T | S | U: ...
        @overload
        def __call__(self, c1: Any, v1: T, c2: Any, v2: S, c3: Any, v3: U, /) -> T | S | U: ...
        @overload
        def __call__(self, c1: Any, v1: T, c2: Any, v2: S, c3: Any, v3: U, otherwise: V, /) -> T | S | U | V: ...
        @overload
        def __call__(self, c1: Any, v1: T, c2: Any, v2: S, c3: Any, v3: U, c4: Any, v4: V, /) -> T | S | U | V: ...
        @overload
        def __call__(
            self, c1: Any, v1: T, c2: Any, v2: S, c3: Any, v3: U, c4: Any, v4: V, otherwise: W, /
        ) -> T | S | U | V | W: ...
        @overload
        def __call__(self, condition: Any, value: Any, /, *rest: Any) -> Any: ...
        def __call__(self, *terms: Any, **named: Any) -> Any: ...


class Catch(SchedulerTask[..., Any]):
    """`catch(expression, error class, recover)` and longer. Type checkers know up to four classes."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, expr: T, /) -> T: ...
        @overload
        def __call__(self, expr: T, e1: ErrorClass, r1: Callable[[Any], S], /) -> T | S: ...
        @overload
        def __call__(
            self, expr: T, e1: ErrorClass, r1: Callable[[Any], S], e2: ErrorClass, r2: Callable[[Any], U], /
        ) -> T | S | U: ...
        @overload
        def __call__(
            self,
            expr: T,
            e1: ErrorClass,
            r1: Callable[[Any], S],
            e2: ErrorClass,
            r2: Callable[[Any], U],
            e3: ErrorClass,
            r3: Callable[[Any], V],
            /,
        ) -> T | S | U | V: ...
        @overload
        def __call__(
            self,
            expr: T,
            e1: ErrorClass,
            r1: Callable[[Any], S],
            e2: ErrorClass,
            r2: Callable[[Any], U],
            e3: ErrorClass,
            r3: Callable[[Any], V],
            e4: ErrorClass,
            r4: Callable[[Any], W],
            /,
        ) -> T | S | U | V | W: ...
        @overload
        def __call__(self, expr: Any, /, *recovers: Any) -> Any: ...
        def __call__(self, *terms: Any) -> Any: ...


class CatchAll(SchedulerTask[..., Any]):
    """`catch_all(nested value, error class, recover)`."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, exprs: T, error_class: ErrorClass | None = None, recover: None = None) -> T: ...
        @overload
        def __call__(self, exprs: T, error_class: ErrorClass | None, recover: Callable[[Any], S]) -> T | S: ...
        @overload
        def __call__(
            self, exprs: T, error_class: ErrorClass | None = None, *, recover: Callable[[Any], S]
        ) -> T | S: ...
        def __call__(self, *terms: Any, **named: Any) -> Any: ...


class Seq(SchedulerTask[..., Any]):
    """`seq(expressions)`."""

    if TYPE_CHECKING:

        def __call__(self, exprs: Sequence[T]) -> list[T]: ...


class Map(SchedulerTask[..., Any]):
    """`map_(task, values)`."""

    if TYPE_CHECKING:

        def __call__(self, a_task: Callable[[Any], T], values: Sequence[Any]) -> list[T]: ...


class StarMap(SchedulerTask[..., Any]):
    """`starmap(task, dicts of arguments)`."""

    if TYPE_CHECKING:

        def __call__(self, a_task: Callable[..., T], kwargs: Sequence[Mapping[str, Any]] = ()) -> list[T]: ...
