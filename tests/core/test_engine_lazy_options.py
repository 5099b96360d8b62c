"""Options of a decorator may be expressions, which are evaluated for each call."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, get_context, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind
from redun.errors import SchedulerError
from redun.executors.inline import InlineExecutor
from redun.job_info import JobInfo

redun_namespace = "test_engine_lazy_options"


@task
def pick() -> str:
    return "other"


@task(memory=get_context("mem", 4), limits={"gpu": get_context("gpus", 1)}, max_retries=get_context("tries", 2))
def told(job: JobInfo = JobInfo()) -> dict[str, Any]:
    return dict(job.options)


@task
def outer() -> Any:
    return told()


@task(executor=pick())
def elsewhere(job: JobInfo = JobInfo()) -> Any:
    return job.options["executor"]


@task(cache=get_context("caches", True), prov=get_context("recorded", True), check_valid=get_context("valid", "full"))
def plain(x: int) -> int:
    return x


@task(cache=get_context("caches", True), check_valid="shallow")
async def awaits(x: int) -> int:
    return await plain(x)


@task(tags=get_context("tags", [("a", 1)]))
def tagged_by_context() -> int:
    return 1


@task(tags=[("k", pick()), ("plain", 2)])
def tagged() -> int:
    return 1


@task(limits=get_context("limits", 5))
def limited() -> int:
    return 1


@task(export_options={"memory": get_context("mem", 4)})
def exporting() -> Any:
    return beneath()


@task
def beneath(job: JobInfo = JobInfo()) -> Any:
    return job.options["memory"]


@pytest.fixture
def scheduler(backend: MemoryBackend) -> Scheduler:
    made = Scheduler(backend=backend, executor=InlineExecutor("default"))
    made.add_executor(InlineExecutor("other"))
    made.limits = {"gpu": 4}
    return made


def test_options_of_a_decorator_are_evaluated_in_the_context_of_the_caller(scheduler: Scheduler) -> None:
    assert scheduler.run(told()) == {"memory": 4, "limits": {"gpu": 1}, "max_retries": 2}
    assert scheduler.run(outer(), context={"mem": 8, "gpus": 2}, cache=False)["limits"] == {"gpu": 2}


def test_what_callers_say_wins_over_the_decorator_s_expression(scheduler: Scheduler) -> None:
    assert scheduler.run(told.options(memory=1)())["memory"] == 1
    assert scheduler.run(outer.export_options(memory=2)(), cache=False)["memory"] == 2


def test_an_option_that_a_caller_overrides_is_not_evaluated(scheduler: Scheduler, backend: MemoryBackend) -> None:
    assert scheduler.run(elsewhere.options(executor="default")()) == "default"
    assert pick.fullname not in scheduler.job_counts()


def test_a_task_may_choose_the_executor_of_another_one(scheduler: Scheduler) -> None:
    assert scheduler.run([elsewhere()]) == ["other"]


def test_options_about_the_cache_may_be_expressions(scheduler: Scheduler) -> None:
    assert scheduler.run([plain(1), plain(2)]) == [1, 2]
    assert scheduler.run([plain(1), plain(2)], context={"caches": False, "recorded": False}) == [1, 2]


def test_what_a_decorator_exports_is_exported_evaluated(scheduler: Scheduler) -> None:
    assert scheduler.run(exporting(), context={"mem": 6}) == 6


def test_tags_that_are_expressions_are_those_of_the_job(scheduler: Scheduler, backend: MemoryBackend) -> None:
    scheduler.run([tagged(), tagged_by_context()], context={"tags": [("from", "context")]})
    jobs = [f"{scheduler.execution_id}.{number}" for number in range(1, 5)]
    tags = backend.tags(EntityKind.JOB, jobs)
    assert {(tag.key, tag.value) for found in tags.values() for tag in found} == {
        ("k", "other"),
        ("plain", 2),
        ("from", "context"),
    }


def test_an_evaluated_option_that_makes_no_sense_fails_the_call(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="limits must be a list of names or a dict of name to count, not 5"):
        scheduler.run([limited()])
    with pytest.raises(SchedulerError, match="executor must be the name of an executor, not 7"):
        scheduler.run(plain.options(executor=7)(1))
    with pytest.raises(SchedulerError, match="max_retries must be a whole number"):
        scheduler.run(told(), context={"tries": "many"})


@pytest.mark.parametrize("name", ["nout", "config_args", "hash_helpers", "load_module"])
def test_an_option_that_is_read_at_the_definition_cannot_be_an_expression(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} is read where the task is defined"):
        task(**{name: get_context("x")})(lambda_like)


def lambda_like() -> None: ...
