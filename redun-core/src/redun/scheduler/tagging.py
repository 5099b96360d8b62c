"""Attaching tags to what a workflow computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind, TagRecord
from redun.errors import SchedulerError
from redun.tags import check_tags
from redun.task import scheduler_task
from redun.value import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.expression import SchedulerExpression
    from redun.promise import Promise
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler


@scheduler_task(namespace="redun", version="1")
def apply_tags(
    scheduler: Scheduler,
    parent_job: Job,
    _sexpr: SchedulerExpression[Any],
    value: Any,
    tags: Sequence[tuple[str, Any]] = (),
    job_tags: Sequence[tuple[str, Any]] = (),
    execution_tags: Sequence[tuple[str, Any]] = (),
) -> Promise[Any]:
    """The value itself, after attaching tags to it, to the job that encloses this call, and to the execution.

    Each is a list of pairs of a key and a JSON value. All arguments may be lazy.
    """

    def apply(evaluated: tuple[Any, ...]) -> Any:
        found, *lists = evaluated
        try:
            of_value, of_job, of_execution = map(check_tags, lists)
        except ValueError as error:
            raise SchedulerError(f"apply_tags(): {error}") from None
        if parent_job.options.is_recorded:
            recorder = parent_job.run.recorder
            if of_value:
                encoded = encode(found)
                recorder.value(encoded)
                _attach(parent_job, EntityKind.VALUE, encoded.hash.hex(), of_value)
            _attach(parent_job, EntityKind.JOB, parent_job.name, of_job)
            _attach(parent_job, EntityKind.EXECUTION, parent_job.run.execution_id, of_execution)
        return found

    evaluated: Promise[Any] = scheduler.evaluate((value, tags, job_tags, execution_tags), parent_job=parent_job)
    return evaluated.then(apply)


def _attach(job: Job, kind: EntityKind, entity_id: str, tags: tuple[tuple[str, Any], ...]) -> None:
    for key, value in tags:
        job.run.recorder.tag(TagRecord(kind, entity_id, key, value))
