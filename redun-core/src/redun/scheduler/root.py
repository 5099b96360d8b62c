"""Tasks around quoted expressions: the root of executions that do not begin with a plain call, and exported options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redun.task import task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.expression import QuotedExpression

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
