"""Tasks around quoted expressions: the root of executions that do not begin with a plain call, and exported options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redun.expression import Expression, TaskExpression, ValueExpression, quote
from redun.scheduler.cells import find_expressions
from redun.task import task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.expression import QuotedExpression
    from redun.task import TaskRegistry

T = TypeVar("T")


@task(namespace="redun", version="1", executor="inline")
def root_task(expr: QuotedExpression[Any]) -> Any:
    """Evaluate a quoted expression as the root job of an execution."""
    return expr.eval()


@task(namespace="redun", version="1", executor="inline")
def export_options_task(expr: QuotedExpression[Any]) -> Any:
    """Evaluate a quoted expression with what this call exports: see `with_export_options`."""
    return expr.eval()


def with_export_options(expr: QuotedExpression[T], options: Mapping[str, Any]) -> T:
    """Evaluate a quoted expression with task options that hold for every call in it and below."""
    called: T = export_options_task.export_options(**options)(expr)
    return called


def root_expression(expr: Any) -> Expression[Any]:
    """The expression of the root job: the one job that every execution begins with."""
    if _is_plain_call(expr):
        called: Expression[Any] = expr
        return called
    rooted: Any = root_task(quote(expr))
    return rooted if isinstance(rooted, Expression) else ValueExpression(rooted)


def needs_root_task(task_registry: TaskRegistry | None, expr: Any) -> bool:  # noqa: ARG001 - what callers pass
    """Whether a run of an expression begins with a job of `redun.root_task`.

    It does not where the expression is a call of a task with arguments that need no evaluation: then that call is the
    root. The registry does not matter.
    """
    return not _is_plain_call(expr)


def _is_plain_call(expr: Any) -> bool:
    return isinstance(expr, TaskExpression) and not find_expressions((expr.args, expr.kwargs))
