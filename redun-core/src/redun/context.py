"""The context of a workflow: settings that tasks far down can ask for, without every task on the way passing them on.

A context is a nested dict. `[scheduler] context` and `Scheduler.run(context=...)` say what an execution begins with,
`task.update_context(...)` changes it for one call and everything below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from redun.task import scheduler_task

if TYPE_CHECKING:
    from redun.expression import SchedulerExpression
    from redun.promise import Promise

T = TypeVar("T")


def get_context_value(context: Mapping[str, Any], path: str, default: T) -> T:
    """The value at a path such as `"database.port"`; the default where something on the way is missing or no dict."""
    found: Any = context
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return default
        found = found[name]
    return found  # type: ignore[no-any-return]


@scheduler_task(namespace="redun", version="1")
def get_context(
    scheduler: Any, parent_job: Any, _sexpr: SchedulerExpression[Any], path: str, default: Any = None
) -> Promise[Any]:
    """A value from the context of the current job, or the default where there is none.

    A default argument of a task sees the context of its own call: `def fit(x, depth=get_context("model.depth", 3))`.
    Path and default may be lazy.
    """

    def look_up(evaluated: tuple[str, Any]) -> Any:
        where, otherwise = evaluated
        if not isinstance(where, str):
            raise TypeError(f"get_context() needs a path such as 'database.port', not {where!r}")
        return get_context_value(parent_job.context.value, where, otherwise)

    evaluated: Promise[Any] = scheduler.evaluate((path, default), parent_job=parent_job)
    return evaluated.then(look_up)
