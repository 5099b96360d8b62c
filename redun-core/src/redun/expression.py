"""Lazy expressions: what a call of a task returns, and what operators make of it.

An expression is a description, never a computation. The scheduler reduces it to a value. Inside the scheduler and in
storage a graph of expressions is one flat list of nodes (see `redun.expression_graph`), so that depth costs nothing and
a shared expression counts once.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from redun import nested
from redun.session import get_awaiter
from redun.types.plain import ATOMS
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Expression(Value, Generic[T]):
    """A value to be computed later. Operators, indexing, attributes and calls give further expressions."""

    type_name = "redun.Expression"
    _redun_is_recorded = False  # inside other values it needs no record of its own
    __slots__ = ("_hash", "_length")

    _hash: str | None
    _length: int | None

    # -- as a value ---------------------------------------------------------------------------------------------------

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The hash of the graph below this expression, as 40 hex digits. Equal graphs hash equal."""
        if self._hash is None:
            from redun.expression_graph import encode_graph

            self._hash = encode_graph(self).hash.hex()
        return self._hash

    def is_valid(self) -> bool:
        """An expression is always valid."""
        return True

    def __reduce_ex__(self, protocol: Any) -> Any:
        from redun.expression_graph import decode_graph, encode_graph

        return decode_graph, (encode_graph(self).data,)

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Expression[T]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Expression[T]:
        return self

    def __repr__(self) -> str:
        from redun.expression_repr import expression_repr

        return expression_repr(self)

    # -- what cannot be lazy ------------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is lazy: its truth is not known yet. Use cond(), or decide inside a task")

    def __len__(self) -> int:
        if self._length is None:
            raise TypeError(f"{self!r} is lazy: its length is not known yet. Declare it with @task(nout=...)")
        return self._length

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def __await__(self) -> Any:
        """Inside an async task: evaluate this now, as a child of the task's job."""
        awaiter = get_awaiter()
        if awaiter is None:
            raise RuntimeError(f"{self!r} can be awaited only inside an async task on an executor that supports them")
        return awaiter(self).__await__()

    # -- what is lazy -------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return SimpleExpression("getattr", (self, name))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            if key.stop is None or key.stop < 0:
                raise TypeError(f"a slice of {self!r} needs a stop, because its length is not known yet")
            return [self[index] for index in range(key.start or 0, key.stop, key.step or 1)]
        return SimpleExpression("getitem", (self, key))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A lazy call of the value, which has to be a task or another callable by then."""
        return SimpleExpression("call", (self, args, kwargs))

    def __eq__(self, other: object) -> Any:
        return SimpleExpression("eq", (self, other))

    def __ne__(self, other: object) -> Any:
        return SimpleExpression("ne", (self, other))

    def __lt__(self, other: Any) -> Any:
        return SimpleExpression("lt", (self, other))

    def __le__(self, other: Any) -> Any:
        return SimpleExpression("le", (self, other))

    def __gt__(self, other: Any) -> Any:
        return SimpleExpression("gt", (self, other))

    def __ge__(self, other: Any) -> Any:
        return SimpleExpression("ge", (self, other))

    def __add__(self, other: Any) -> Any:
        return SimpleExpression("add", (self, other))

    def __radd__(self, other: Any) -> Any:
        return SimpleExpression("add", (other, self))

    def __sub__(self, other: Any) -> Any:
        return SimpleExpression("sub", (self, other))

    def __rsub__(self, other: Any) -> Any:
        return SimpleExpression("sub", (other, self))

    def __mul__(self, other: Any) -> Any:
        return SimpleExpression("mul", (self, other))

    def __rmul__(self, other: Any) -> Any:
        return SimpleExpression("mul", (other, self))

    def __truediv__(self, other: Any) -> Any:
        return SimpleExpression("truediv", (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return SimpleExpression("truediv", (other, self))

    def __and__(self, other: Any) -> Any:
        return SimpleExpression("and", (self, other))

    def __rand__(self, other: Any) -> Any:
        return SimpleExpression("and", (other, self))

    def __or__(self, other: Any) -> Any:
        return SimpleExpression("or", (self, other))

    def __ror__(self, other: Any) -> Any:
        return SimpleExpression("or", (other, self))


class ApplyExpression(Expression[T]):
    """Something applied to arguments, which may hold expressions."""

    __slots__ = ("args", "kwargs")

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class TaskExpression(ApplyExpression[T]):
    """A call of a task, not made yet."""

    type_name = "redun.TaskExpression"
    __slots__ = ("_redun_exports", "_redun_options", "task_name")

    task_name: str
    """The task's full name."""
    _redun_options: dict[str, Any]
    """Options given for this call."""
    _redun_exports: tuple[str, ...]
    """Which of them hold for all calls below as well."""

    def __init__(
        self,
        task_name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        task_options: dict[str, Any] | None = None,
        export_names: tuple[str, ...] = (),
        length: int | None = None,
    ) -> None:
        self.task_name = task_name
        self.args = args
        self.kwargs = kwargs or _NOTHING
        self._redun_options = task_options or _NOTHING
        self._redun_exports = export_names
        self._length = length
        self._hash = None


class SchedulerExpression(ApplyExpression[T]):
    """A call of a scheduler task: it receives its arguments unevaluated, in the scheduler itself."""

    type_name = "redun.SchedulerExpression"
    __slots__ = ("_redun_options", "task_name")

    task_name: str
    _redun_options: dict[str, Any]

    def __init__(
        self,
        task_name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        task_options: dict[str, Any] | None = None,
        length: int | None = None,
    ) -> None:
        self.task_name = task_name
        self.args = args
        self.kwargs = kwargs or _NOTHING
        self._redun_options = task_options or _NOTHING
        self._length = length
        self._hash = None


class SimpleExpression(ApplyExpression[T]):
    """An operator applied to values that may be lazy."""

    type_name = "redun.SimpleExpression"
    __slots__ = ("func_name",)

    func_name: str
    """A name for `get_lazy_operation`."""

    def __init__(self, func_name: str, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> None:
        self.func_name = func_name
        self.args = args
        self.kwargs = kwargs or _NOTHING
        self._length = None
        self._hash = None


class ValueExpression(Expression[T]):
    """A value that is there already, where an expression is expected."""

    type_name = "redun.ValueExpression"
    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value
        self._length = None
        self._hash = None


_NOTHING: dict[str, Any] = {}
"""Shared by the many expressions without keyword arguments or options. Never changed."""


def has_expressions(value: Any) -> bool:
    """Whether a nested value holds an expression anywhere outside of quotes."""
    return value.__class__ not in ATOMS and any(isinstance(leaf, Expression) for leaf in nested.iter_leaves(value))


class QuotedExpression(Generic[T]):
    """Keeps an expression from being evaluated where it is passed as an argument."""

    __slots__ = ("expr",)

    def __init__(self, expr: T) -> None:
        self.expr = expr

    def eval(self) -> T:
        """The expression, free to be evaluated."""
        return self.expr

    def __repr__(self) -> str:
        return f"quote({self.expr!r})"


def quote(expr: T) -> QuotedExpression[T]:
    """Pass an expression as it is, unevaluated."""
    return QuotedExpression(expr)


_lazy_operations: dict[str, Callable[..., Any]] = {}


def lazy_operation(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as what a `SimpleExpression` of this name does to its evaluated arguments."""

    def register(func: Callable[..., Any]) -> Callable[..., Any]:
        _lazy_operations[name] = func
        return func

    return register


def get_lazy_operation(name: str) -> Callable[..., Any]:
    """What a `SimpleExpression` of this name does. Raises `KeyError` for an unknown name."""
    return _lazy_operations[name]


for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "getitem"):
    lazy_operation(_name)(getattr(operator, _name))
lazy_operation("getattr")(getattr)


@lazy_operation("and")
def _and(left: Any, right: Any) -> Any:
    return left and right


@lazy_operation("or")
def _or(left: Any, right: Any) -> Any:
    return left or right


@lazy_operation("call")
def _call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return func(*args, **kwargs)
