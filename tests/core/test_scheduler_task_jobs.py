"""What a scheduler task may ask of the job that encloses it."""

from __future__ import annotations

from typing import Any

from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.expression import SchedulerExpression
from redun.promise import Promise
from redun.scheduler.job import Job
from redun.task import scheduler_task

redun_namespace = "scheduler_task_jobs"


@scheduler_task(namespace=redun_namespace)
def told(scheduler: Scheduler, parent_job: Job, sexpr: SchedulerExpression[Any]) -> Promise[Any]:
    above = parent_job.parent_job
    assert parent_job.task is not None
    found = {
        "id": parent_job.id,
        "task": parent_job.task.fullname,
        "args": parent_job.args,
        "execution": parent_job.execution.id,
        "above": above.id if above is not None else None,
        "options": parent_job.get_options(),
        "memory": parent_job.get_option("memory"),
        "missing": parent_job.get_option("missing", 7),
        "context": parent_job.get_context(),
    }
    return Promise(lambda resolve, _: resolve(found))


@task(memory=4)
def inner(x: int, *more: int, y: str = "why") -> Any:
    return told()


@task
def outer() -> Any:
    return inner.export_options(vcpus=2).update_context(depth=3)(1, 2, y="z")


def test_a_scheduler_task_knows_the_job_that_encloses_it(scheduler: Scheduler, backend: MemoryBackend) -> None:
    found = scheduler.run(outer(), context={"name": "n"})
    assert found == {
        "id": f"{scheduler.execution_id}.2",
        "task": "scheduler_task_jobs.inner",
        "args": ((1, 2), {"y": "z"}),
        "execution": scheduler.execution_id,
        "above": f"{scheduler.execution_id}.1",
        "options": {"memory": 4, "vcpus": 2},
        "memory": 4,
        "missing": 7,
        "context": {"name": "n", "depth": 3},
    }


def test_the_root_s_job_has_none_above_it(scheduler: Scheduler) -> None:
    assert scheduler.run(inner(1))["above"] is None


@scheduler_task(namespace=redun_namespace)
def before_the_root(scheduler: Scheduler, parent_job: Job, sexpr: SchedulerExpression[Any]) -> Promise[Any]:
    asked = (parent_job.task, parent_job.args, parent_job.parent_job, parent_job.get_options())
    return Promise(lambda resolve, _: resolve(3 if asked == (None, ((), {}), None, {}) else 0))


@task(memory=before_the_root())
def option_of_the_root() -> Any:
    return told()


def test_where_the_root_s_options_are_evaluated_there_is_no_task_yet(scheduler: Scheduler) -> None:
    assert scheduler.run(option_of_the_root())["memory"] == 3
