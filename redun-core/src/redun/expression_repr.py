"""Expressions as short texts for people: `numbers.add(1, 2) > 3`."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from redun import nested
from redun.expression import SchedulerExpression, SimpleExpression, TaskExpression, ValueExpression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.expression import Expression

_MOST_CHARACTERS = 120
_MOST_ARGUMENTS = 6
_SYMBOLS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "and": "&",
    "or": "|",
}


def expression_repr(expr: Expression[Any]) -> str:
    """An expression about as it was written, cut short: a graph may be of any size and depth."""
    return _cut(_Repr().of_expression(expr, _Repr.maxlevel))


def call_repr(name: str, args: Iterable[Any], kwargs: dict[str, Any]) -> str:
    """A call with these arguments, cut short."""
    return _cut(_Repr().of_call(name, list(args), kwargs, _Repr.maxlevel))


class _Repr(reprlib.Repr):
    """Looks into expressions and containers to a depth of `maxlevel`."""

    maxlevel = 3

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = _Repr.maxlevel
        self.maxstring = self.maxother = 40

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, (TaskExpression, SchedulerExpression, SimpleExpression, ValueExpression)):
            return self.of_expression(x, level)
        return super().repr1(x, level)

    def repr_instance(self, x: Any, level: int) -> str:
        # The repr of a dataclass would begin anew with whatever expressions are in it.
        return f"{type(x).__name__}(...)" if nested.is_container(x) else super().repr_instance(x, level)

    def of_expression(self, expr: Any, level: int) -> str:
        if level <= 0:
            return "..."
        if isinstance(expr, SimpleExpression):
            return self._of_operator(expr, level)
        if isinstance(expr, (TaskExpression, SchedulerExpression)):
            return self.of_call(expr.task_name, expr.args, expr.kwargs, level)
        return self.of_call(type(expr).__name__, [expr.value], {}, level)

    def of_call(self, name: str, args: Any, kwargs: dict[str, Any], level: int) -> str:
        texts = [self.repr1(value, level - 1) for value in args[:_MOST_ARGUMENTS]]
        named = list(kwargs.items())[: _MOST_ARGUMENTS - len(texts)]
        texts += [f"{key}={self.repr1(value, level - 1)}" for key, value in named]
        if len(texts) < len(args) + len(kwargs):
            texts.append("...")
        return f"{name}({', '.join(texts)})"

    def _of_operator(self, expr: SimpleExpression[Any], level: int) -> str:
        name, args = expr.func_name, expr.args
        if name == "call" and len(args) == 3:
            return self.of_call(self.repr1(args[0], level - 1), args[1], args[2], level)
        if len(args) != 2 or expr.kwargs:
            return self.of_call(name, args, expr.kwargs, level)
        left = self.repr1(args[0], level - 1)
        if name == "getattr":
            return f"{left}.{args[1]}"
        right = self.repr1(args[1], level - 1)
        if name == "getitem":
            return f"{left}[{right}]"
        return f"({left} {_SYMBOLS[name]} {right})" if name in _SYMBOLS else f"{name}({left}, {right})"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."
