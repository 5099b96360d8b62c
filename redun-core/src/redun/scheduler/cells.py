"""The outcomes of expressions, and what waits for them.

Within one job every expression object has one `Cell`. A `Join` waits for the cells of all expressions in a nested
value. Nothing here calls anything: a settled cell puts the joins that it completes on a list of ready ones, which the
run works off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun import nested
from redun.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun.scheduler.job import Job

PENDING, DONE, FAILED = range(3)

SCALARS = frozenset({int, str, float, bool, type(None), bytes})
"""Exact types that can neither be nor hold an expression, and never change."""


_FLAT = frozenset({list, tuple, set, frozenset})


class Cell:
    """The outcome of one expression within one job: pending, a value, or an error."""

    __slots__ = ("expr", "source", "state", "value", "value_hash", "waiters")

    def __init__(self, expr: Expression[Any] | None) -> None:
        self.expr = expr
        """Held so that its identity stays its own as long as the cell is remembered by it."""
        self.state = PENDING
        self.value: Any = None
        """The value, or the error."""
        self.value_hash: bytes | None = None
        """Where it is known already."""
        self.source: bytes | tuple[Cell, ...] = ()
        """What the value was derived from: a call (its hash), or other cells."""
        self.waiters: list[Join] | None = []


class Join:
    """Waits for the expressions in a nested value.

    Its expressions are started one by one, when the run has room for more work (`next` is the first that is not
    started).
    """

    __slots__ = ("exprs", "has_failed", "job", "missing", "next", "on_error", "on_value", "target", "value")

    def __init__(
        self,
        job: Job,
        value: Any,
        exprs: list[Expression[Any]],
        target: Any,
        on_value: Callable[[Join], None],
        on_error: Callable[[Join, BaseException], None],
    ) -> None:
        self.job = job
        self.value = value
        self.exprs = exprs
        self.target = target
        self.on_value = on_value
        self.on_error = on_error
        self.next = 0
        self.missing = len(exprs)
        self.has_failed = False

    def cells(self) -> tuple[Cell, ...]:
        """The cells of the expressions."""
        memo = self.job.memo
        return tuple([memo[id(expr)] for expr in self.exprs])

    def evaluated(self) -> Any:
        """The nested value with each expression replaced by its value."""
        return substitute(self.value, self.job.memo)


def substitute(value: Any, memo: dict[int, Cell]) -> Any:
    """A nested value with each expression in it replaced by the value of its cell."""
    cls = value.__class__
    if cls in SCALARS:
        return value
    if isinstance(value, Expression):
        return memo[id(value)].value
    if cls is list:
        # Nearly all lists of expressions are flat: no walk needed.
        items = [memo[id(item)].value if isinstance(item, Expression) else item for item in value]
        if not any(map(nested.kind_of, value)):
            return items
    return nested.map_leaves(lambda leaf: memo[id(leaf)].value if isinstance(leaf, Expression) else leaf, value)


def find_expressions(values: Iterable[Any]) -> list[Expression[Any]]:
    """The distinct expressions in some nested values, in order."""
    found: dict[int, Expression[Any]] = {}
    for value in values:
        if value.__class__ in SCALARS:
            continue
        if isinstance(value, Expression):
            found[id(value)] = value
        elif nested.kind_of(value):
            if value.__class__ in _FLAT and SCALARS.issuperset(map(type, value)):
                continue
            for leaf in nested.iter_leaves(value):
                if isinstance(leaf, Expression):
                    found[id(leaf)] = leaf
    return list(found.values())


def gather_sources(cells: Iterable[Cell]) -> tuple[bytes, ...]:
    """The hashes of the calls that some cells were derived from, each once."""
    found: dict[bytes, None] = {}
    seen: set[int] = set()
    stack = list(cells)
    while stack:
        cell = stack.pop()
        if cell.source.__class__ is bytes:
            found[cell.source] = None
        elif id(cell) not in seen:
            seen.add(id(cell))
            stack.extend(cell.source)  # type: ignore[arg-type]
    return tuple(found)
