"""Async tasks on an executor that is asked for processes: they run in a thread, and a warning says so."""

from __future__ import annotations

import os

import pytest
from redun import Scheduler, task
from redun_executor_local.executor import LocalExecutor

redun_namespace = "test_async_in_processes"
pytestmark = pytest.mark.timeout(60)


@task(cache=False)
async def where(number: int) -> tuple[int, int]:
    return number, os.getpid()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "is async" in record.getMessage()]


@pytest.mark.parametrize(("mode", "option"), [("process", None), ("thread", "process")])
def test_a_task_that_asks_for_a_process_in_vain_is_warned_about_once(
    caplog: pytest.LogCaptureFixture, mode: str, option: str | None
) -> None:
    scheduler = Scheduler(executor=LocalExecutor("default", mode=mode))
    called = where if option is None else where.options(mode=option)
    for _ in range(2):
        assert scheduler.run([called(number) for number in range(3)]) == [(n, os.getpid()) for n in range(3)]
    (warning,) = warnings(caplog)
    assert warning.startswith("task 'test_async_in_processes.where' is async: it runs in a thread of this process")


def test_a_task_that_asks_for_none_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    Scheduler(executor=LocalExecutor("default")).run(where(1))
    Scheduler(executor=LocalExecutor("default", mode="process")).run(where.options(mode="thread")(1))
    assert warnings(caplog) == []
