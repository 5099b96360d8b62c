"""What an expression is worth, without a scheduler: for tests."""

from __future__ import annotations

from typing import Any

from redun import nested
from redun.expression import Expression, SimpleExpression, TaskExpression, ValueExpression, get_lazy_operation
from redun.task_registry import get_task_registry


def evaluate_plainly(value: Any) -> Any:
    """The value of an expression, or of a nested value with expressions in it: tasks are called as functions.

    For tests: no cache, no executor, no scheduler tasks.
    """
    if isinstance(value, ValueExpression):
        return evaluate_plainly(value.value)
    if isinstance(value, TaskExpression):
        task = get_task_registry().get(value.task_name)
        assert task is not None, f"there is no task {value.task_name}"
        return evaluate_plainly(task.func(*evaluate_plainly(value.args), **evaluate_plainly(value.kwargs)))
    if isinstance(value, SimpleExpression):
        operation = get_lazy_operation(value.func_name)
        return operation(*evaluate_plainly(value.args), **evaluate_plainly(value.kwargs))
    assert not isinstance(value, Expression), f"{value!r} needs a scheduler"
    return nested.map_leaves(lambda leaf: evaluate_plainly(leaf) if isinstance(leaf, Expression) else leaf, value)
