"""Going on from several states of one handle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from redun.errors import RedunError, SchedulerError
from redun.task import scheduler_task

if TYPE_CHECKING:
    from redun.expression import SchedulerExpression
    from redun.promise import Promise
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler


@scheduler_task(namespace="redun", version="1")
def merge_handles(
    scheduler: Scheduler, parent_job: Job, _sexpr: SchedulerExpression[Any], handles_expr: Any
) -> Promise[Any]:
    """`merge_handles([handle1, handle2, ...])`: the first handle, in a state that comes after those of all of them.

    What is done with it is done again when one of the handles has changed. Raises `SchedulerError` for handles of
    different names, and where there is none.
    """

    def merge(evaluated: Any) -> Any:
        from redun.handle import Handle, merge_states

        if isinstance(evaluated, Handle) or not isinstance(evaluated, Iterable):
            raise SchedulerError(f"merge_handles() takes a list of handles, such as [handle], not {evaluated!r}")
        try:
            merged = merge_states(list(evaluated))
        except (RedunError, TypeError) as error:
            raise SchedulerError(str(error)) from error
        run = parent_job.run
        if not run.is_dry:
            run.handles.merged(merged)
        return merged

    evaluated: Promise[Any] = scheduler.evaluate(handles_expr, parent_job=parent_job)
    return evaluated.then(merge)
