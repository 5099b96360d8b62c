"""A result that came while something below it had not ended is not taken for final."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from redun import Scheduler, Task, catch, scheduler_task, task
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor
from redun.scheduler import fork_thread

redun_namespace = "test_engine_unfinished"
ran: list[str] = []


@task
def refuse() -> None:
    raise ValueError


@task
def recover(_: Exception) -> str:
    return "recovered"


@task
def report(error: Exception) -> str:
    return type(error).__name__


@task(check_valid="shallow")
def race() -> Any:
    ran.append("race")
    return catch([refuse(), other()], ValueError, recover.partial(), KeyError, report.partial())


@scheduler_task(version="1")
def refuse_at_once(scheduler: Any, parent_job: Any, sexpr: Any) -> Any:
    raise ValueError


@task(check_valid="shallow")
def cut_short() -> Any:
    ran.append("race")
    return catch([note(), refuse_at_once(), other()], ValueError, recover.partial())


@task
def note() -> int:
    return 1


@task(check_valid="shallow")
def above() -> Any:
    return race()


@task
def other() -> int:
    return 5


@pytest.fixture
def scheduler() -> Scheduler:
    ran.clear()
    return Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))


@pytest.mark.parametrize("called", [race, above, cut_short])
def test_an_error_that_came_first_does_not_hide_an_edit_of_what_else_was_there(
    called: Any, scheduler: Scheduler
) -> None:
    try:
        assert scheduler.run(called()) == "recovered"
        scheduler.task_registry.add(Task(other.func, name="other", version="2"))
        assert scheduler.run(called()) == "recovered"
        # Not the final result was taken, but what the body had returned.
        assert len(scheduler.job_counts()) > 1
        assert ran == ["race"]
    finally:
        scheduler.task_registry.add(other)


def test_what_was_forked_and_never_joined_leaves_its_job_open(scheduler: Scheduler) -> None:
    @task(name="forking", check_valid="shallow")
    def forking() -> Any:
        return [1, catch(fork_thread(other()), ValueError, recover)][0]

    assert scheduler.run(forking()) == 1


def test_siblings_that_have_ended_leave_a_final_result(scheduler: Scheduler) -> None:
    @task(name="settled", check_valid="shallow")
    def settled() -> Any:
        return catch(after(other()), ValueError, recover.partial())

    @task(name="after")
    def after(x: int) -> None:
        ran.append("after")
        raise ValueError

    for _ in range(2):
        assert scheduler.run(settled()) == "recovered"
    assert ran == ["after"]


@pytest.mark.standard
def test_an_async_task_that_gives_up_on_an_answer_is_not_final() -> None:
    import asyncio

    from redun_executor_local.executor import LocalExecutor

    go_on = threading.Event()

    @task(name="answer", version="1")
    def answer() -> str:
        assert go_on.wait(30)
        return "answer"

    @task(name="impatient", check_valid="shallow")
    async def impatient() -> str:
        try:
            return await asyncio.wait_for(answer_task(), 0.05)  # type: ignore[arg-type]
        except TimeoutError:
            return "time-out"

    answer_task = answer
    scheduler = Scheduler(backend=MemoryBackend(), executor=LocalExecutor("default"))
    assert scheduler.run(impatient()) == "time-out"
    go_on.set()
    assert scheduler.run(impatient()) == "answer"
