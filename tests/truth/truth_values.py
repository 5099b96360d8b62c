"""What operators and displays of generated programs come to in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import truth_runtime as runtime
from truth_outcomes import Unfit

LARGEST = 1_500

OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "getitem")},
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "and": lambda left, right: left and right,
    "or": lambda left, right: left or right,
    "len": len,
    "sum": sum,
    "str": str,
}
BUILDERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": lambda items: _set(items),
    "dict": lambda items: dict(zip(items[::2], items[1::2], strict=True)),
    "Pair": lambda items: runtime.Pair(*items),
    "Point": lambda items: runtime.Point(*items),
}


def apply(name: str, values: list[Any]) -> Any:
    """The value of an operation. Raises `Unfit` where it is too large."""
    if name == "mul":
        _check_product(*values)
    result = OPERATIONS[name](*values)
    if len(repr(result)) > LARGEST:
        raise Unfit
    return result


def constant(text: str) -> Any:
    """The value of a constant."""
    if text not in _constants:
        _constants[text] = eval(text, vars(runtime))
    return _constants[text]


_constants: dict[str, Any] = {}


def _check_product(left: Any, right: Any) -> None:
    for number, other in ((left, right), (right, left)):
        if isinstance(number, int) and isinstance(other, (str, list, tuple)) and number * (len(other) or 1) > LARGEST:
            raise Unfit


def _set(items: list[Any]) -> set[Any]:
    made = set(items)
    if len(made) < len({runtime.canon(item) for item in items}):
        raise Unfit  # 1, True and 1.0 are equal, and which of them stays depends on the order
    return made


def errors_of_hashing(items: list[Any]) -> list[Exception]:
    """What each of some items that cannot be in a set raises."""
    errors: list[Exception] = []
    for item in items:
        try:
            hash(item)
        except TypeError as error:
            errors.append(error)
    return errors
