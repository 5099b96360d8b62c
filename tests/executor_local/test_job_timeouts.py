"""Time-outs of jobs on the local executor: what is stopped, what is abandoned, and who runs the next call."""

from __future__ import annotations

import asyncio
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.errors import JobTimeoutError
from redun.scheduler import catch
from redun_executor_local.executor import LocalExecutor

redun_namespace = "test_job_timeouts"
go_on = threading.Event()


@pytest.fixture(autouse=True)
def held_back() -> Any:
    go_on.clear()
    yield
    go_on.set()


def run(expr: Any, **options: Any) -> Any:
    executor = LocalExecutor("default", max_workers=1, **options)
    return Scheduler(backend=MemoryBackend(), executor=executor).run(expr)


@task(job_timeout=0.05)
def hangs() -> None:
    go_on.wait(60)


@task(job_timeout=0.05, cache=False)
async def dozes() -> None:
    await asyncio.sleep(60)


@task(job_timeout=0.05, script=True)
def waits() -> str:
    return "sleep 60"


@task
def message(error: BaseException) -> str:
    return str(error)


@task(job_timeout=30)
def quick(number: int) -> int:
    return number


def test_a_thread_that_hangs_is_abandoned_and_replaced() -> None:
    said, *numbers = run([catch(hangs(), JobTimeoutError, message), *(quick(number) for number in range(10))])
    assert "ran longer than its job_timeout of 0.05 s. Its code cannot be stopped: it was abandoned" in said
    assert numbers == list(range(10))


STOPPED = r"ran longer than its job_timeout of [0-9.]+ s$"


@pytest.mark.parametrize("slow", [dozes, waits])
def test_a_script_and_an_async_task_are_stopped(slow: Any) -> None:
    with pytest.raises(JobTimeoutError, match=STOPPED):
        run(slow())


def test_a_worker_process_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    tasks = import_module("local_executor_tasks")
    with pytest.raises(JobTimeoutError, match=STOPPED):
        run(tasks.sleep_a_minute(), mode="process")


def test_the_time_in_the_queue_does_not_count() -> None:
    @task(name="short", job_timeout=0.4)
    def short(number: int) -> int:
        time.sleep(0.15)
        return number

    assert run([short(number) for number in range(5)]) == list(range(5))
