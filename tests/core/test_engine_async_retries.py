"""A new attempt of an async task awaits anew what failed, and keeps what did not."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from small_executors import AsyncioExecutor

redun_namespace = "test_engine_async_retries"
pytestmark = pytest.mark.timeout(60)
ran: list[str] = []


@pytest.fixture
def scheduler(backend: MemoryBackend) -> Scheduler:
    ran.clear()
    return Scheduler(backend=backend, executor=AsyncioExecutor("default"))


@task
def flaky() -> str:
    ran.append("flaky")
    if ran.count("flaky") < 3:
        raise ValueError("not yet")
    return "at last"


@task(cache_scope="NONE")
def flaky_without_cache() -> str:
    return flaky.func()


@task
def steady() -> str:
    ran.append("steady")
    return "steady"


@task
def between(steps: int) -> Any:
    return between(steps - 1) if steps else flaky()


@task
def recover(error: Exception) -> Any:
    return str(error)


ONE_EXPRESSION = flaky()


@task(cache=False, max_retries=2, retry_delay=0)
async def trying(kind: str) -> Any:
    first = await steady()
    if kind == "same expression":
        return first, await ONE_EXPRESSION
    return first, await {"one": flaky, "uncached": flaky_without_cache}.get(kind, between.partial(3))()


@task(cache=False, max_retries=2, retry_delay=0)
async def trying_beside(kind: str) -> Any:
    return await trying.options(max_retries=0)(kind)


@pytest.mark.parametrize("kind", ["one", "uncached", "below", "same expression"])
@pytest.mark.parametrize("tried", [trying, trying_beside], ids=["itself", "one below"])
def test_a_new_attempt_makes_again_what_failed_and_nothing_else(scheduler: Scheduler, tried: Any, kind: str) -> None:
    assert scheduler.run(tried(kind)) == ("steady", "at last")
    assert ran == ["steady", "flaky", "flaky", "flaky"]


@task(cache=False, max_retries=1, retry_delay=0)
async def trying_after_another() -> Any:
    return await flaky()


@task
def one_after_the_other() -> Any:
    return [catch(flaky(), ValueError, recover), trying_after_another.options(max_retries=2)()]


def test_a_failure_that_another_call_has_had_is_tried_again_as_well(scheduler: Scheduler) -> None:
    assert scheduler.run(one_after_the_other()) == ["not yet", "at last"]
    assert ran == ["flaky"] * 3


@task(cache=False)
def recovering() -> Any:
    return catch(between_uncached(), ValueError, recover)


@task(cache=False)
def between_uncached() -> Any:
    ran.append("between")
    return flaky()


@task(cache=False, max_retries=2, retry_delay=0)
async def trying_after_its_own_call() -> Any:
    first = await recovering()
    return first, await between_uncached()


def test_below_a_failure_that_another_call_has_had_everything_is_tried_again_that_failed(scheduler: Scheduler) -> None:
    assert scheduler.run(trying_after_its_own_call()) == ("not yet", "at last")
    assert ran == ["between", "flaky"] * 3


def test_without_a_retry_what_failed_is_remembered(scheduler: Scheduler) -> None:
    @task(name="caught_twice")
    def caught_twice() -> Any:
        return [catch(between(1), ValueError, recover), catch(between(2), ValueError, recover)]

    assert scheduler.run(caught_twice()) == ["not yet", "not yet"]
    assert ran == ["flaky"]
