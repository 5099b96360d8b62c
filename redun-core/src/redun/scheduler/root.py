"""The root of executions that do not begin with a plain call of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.task import task

if TYPE_CHECKING:
    from redun.expression import QuotedExpression


@task(namespace="redun", version="1", executor="inline")
def root_task(expr: QuotedExpression[Any]) -> Any:
    """Evaluate a quoted expression as the root job of an execution."""
    return expr.eval()
