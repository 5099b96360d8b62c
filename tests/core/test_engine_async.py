"""Async tasks: what they await becomes child jobs, and waiting takes up no slot."""

from __future__ import annotations

import asyncio
import threading

import pytest
from redun import Scheduler, task
from redun.backends.records import EntityKind, Status
from redun.errors import SchedulerError
from redun.executors.base import Capabilities
from redun.executors.inline import InlineExecutor
from redun.functools import seq
from small_executors import AsyncioExecutor, ThreadPerCall

redun_namespace = "engine_async"


@task()
def add(a, b=1):
    return a + b


@task()
def make_list(size):
    return list(range(size))


@task()
def fail(message):
    raise ValueError(message)


@task(cache=False)
async def both(a):
    first, second = await asyncio.gather(add(a), add(a, 10))
    return [first, second, await (add(a) + add(second))]


@task(cache=False)
async def returns_an_expression(a):
    return add(await add(a), 100)


@task(cache=False)
async def recover(message):
    try:
        await fail(message)
    except ValueError as error:
        return f"caught {error}"


class OwnError(BaseException):
    """No `Exception`."""


UNUSUAL = {"own": OwnError, "cancelled": asyncio.CancelledError}
HARMFUL = {"stop": StopIteration, "interrupt": KeyboardInterrupt, "generator": GeneratorExit}


@task(cache=False)
def fail_unusually(kind):
    raise {**UNUSUAL, **HARMFUL}[kind]("no luck")


@task(cache=False)
async def recover_unusually(kind):
    try:
        await fail_unusually(kind)
    except UNUSUAL[kind] as error:
        return f"caught {error}"


@task(cache=False)
async def recover_wrapped(kind):
    try:
        await asyncio.gather(fail_unusually(kind), add(1))
    except RuntimeError as error:
        return type(error.__cause__)


@task(cache=False)
async def pass_on(message):
    return await fail(message)


@task(cache=False)
async def nested(depth):
    return 0 if depth == 0 else 1 + await nested(depth - 1)


@task(cache=False)
async def change_what_comes():
    first = await make_list(3)
    first.append("changed")
    return [first, await make_list(3)]


@task(check_valid="shallow")
async def remembered(a):
    ran.append(a)
    return await add(a)


ran = []


@pytest.fixture
def scheduler(backend):
    return Scheduler(backend=backend, executor=AsyncioExecutor("default"))


def test_what_is_awaited_is_a_child_of_the_job(scheduler, backend):
    assert scheduler.run(both(1)) == [2, 11, 14]
    jobs = backend.jobs(scheduler.execution_id)
    assert (jobs[0].task_name, jobs[0].parent) == ("engine_async.both", None)
    assert {job.parent for job in jobs[1:]} == {1}
    call = backend.call(jobs[0].call_hash)
    assert set(call.children) == {job.call_hash for job in jobs[1:]}


def test_an_async_task_may_return_an_expression_too(scheduler):
    assert scheduler.run(returns_an_expression(1)) == 102


def test_an_error_is_raised_where_it_is_awaited(scheduler, backend):
    assert scheduler.run(recover("no luck")) == "caught no luck"
    assert [job.status for job in backend.jobs(scheduler.execution_id)] == [Status.DONE, Status.FAILED]
    with pytest.raises(ValueError, match="no luck"):
        scheduler.run(pass_on("no luck"))


@pytest.mark.parametrize("kind", UNUSUAL)
def test_an_error_that_is_no_exception_is_raised_where_it_is_awaited(scheduler, kind):
    assert scheduler.run(recover_unusually(kind)) == "caught no luck"


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_would_end_the_event_loop_is_the_cause_of_another_error(scheduler, kind):
    assert scheduler.run(recover_wrapped(kind)) is HARMFUL[kind]


def test_calls_that_await_take_up_no_slot(scheduler):
    """The executor has three slots; each of these calls needs one more while it waits."""
    assert scheduler.run(nested(300)) == 300
    assert scheduler.run([nested(3) for _ in range(200)]) == [3] * 200


def test_what_a_task_does_to_an_awaited_value_is_its_own_business(scheduler):
    assert scheduler.run(change_what_comes()) == [[0, 1, 2, "changed"], [0, 1, 2]]


def test_an_async_task_is_remembered_with_everything_below_it(scheduler, backend):
    ran.clear()
    assert scheduler.run(remembered(5)) == 6
    again = Scheduler(backend=backend, executor=AsyncioExecutor("default"))
    assert again.run(remembered(5)) == 6
    assert ran == [5]


def test_an_executor_without_async_tasks_refuses_them(backend):
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    with pytest.raises(SchedulerError, match=r"'engine_async\.both' is async, which the executor 'default' does not"):
        scheduler.run(both(1))


class TalkativeExecutor(ThreadPerCall):
    """Says more than it has to, from its own threads."""

    capabilities = Capabilities(in_process=True)

    def run(self, call, sink):
        sink.started(call.job_id)
        sink.tag(call.job_id, "machine", {"name": threading.current_thread().name[:6], "cores": 2})
        sink.tag(call.job_id, "machine", object())
        sink.log(call.job_id, "on its way")
        super().run(call, sink)


def test_what_an_executor_tells_of_a_job_is_recorded_and_shown(backend, caplog):
    scheduler = Scheduler(backend=backend, executor=TalkativeExecutor("default"))
    with caplog.at_level("INFO", logger="redun"):
        assert scheduler.run(seq([add(number) for number in range(20)])) == list(range(1, 21))
    names = [f"{scheduler.execution_id}.{job.number}" for job in backend.jobs(scheduler.execution_id)]
    tags = backend.tags(EntityKind.JOB, names)
    told = [tag.value for found in tags.values() for tag in found if tag.key == "machine"]
    assert told == [{"name": "Thread", "cores": 2}] * 20
    assert caplog.text.count("on its way") == 20
    assert "an executor's tag is left out" in caplog.text


def test_a_task_group_gives_its_error_or_lets_it_be_handled() -> None:
    @task(name="misses", version="1")
    def misses(x: int) -> int:
        raise ValueError(x)

    @task(name="group", cache=False)
    async def group(handles: bool) -> str:
        async def ask(x: int) -> None:
            await misses(x)  # type: ignore[misc]

        try:
            async with asyncio.TaskGroup() as tasks:
                for x in range(3):
                    tasks.create_task(ask(x))
        except* ValueError:
            if not handles:
                raise
        return "handled"

    scheduler = Scheduler(executor=AsyncioExecutor("default"))
    assert scheduler.run(group(True)) == "handled"
    with pytest.raises(ExceptionGroup) as caught:
        scheduler.run(group(False))
    assert {type(error) for error in caught.value.exceptions} == {ValueError}
