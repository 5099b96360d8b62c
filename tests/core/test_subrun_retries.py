"""Sub-runs that fail and are tried again."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, Status
from redun.executors.base import Capabilities
from redun.executors.inline import InlineExecutor
from redun.scheduler import subrun
from redun.scheduler.attempts import FAILED_ATTEMPT

redun_namespace = "test_subrun_retries"
pytestmark = pytest.mark.timeout(60)

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


class HasOwnRetries(InlineExecutor):
    """Would try again by itself what it sees fail. Of what a sub-scheduler reports it sees nothing."""

    capabilities = Capabilities(retries=True)


@pytest.fixture(params=[InlineExecutor, HasOwnRetries])
def scheduler(request: pytest.FixtureRequest, backend: MemoryBackend) -> Scheduler:
    made = Scheduler(backend=backend, executor=InlineExecutor("default"))
    made.add_executor(request.param("sub"))
    return made


@task(cache=False)
def flaky(failures: int) -> int:
    ran.append("flaky")
    if len(ran) <= failures:
        raise ValueError(f"failure {len(ran)}")
    return len(ran)


def attempts(scheduler: Scheduler) -> list[Any]:
    rows = scheduler.backend.jobs(scheduler.execution_id)
    job = next(row for row in rows if row.task_name == "redun.subrun_root_task")
    name = f"{scheduler.execution_id}.{job.number}"
    tags = scheduler.backend.tags(EntityKind.JOB, [name]).get(name, [])
    return sorted((tag.value["attempt"], tag.value["error"]) for tag in tags if tag.key == FAILED_ATTEMPT)


@pytest.mark.parametrize("by_options", [False, True])
def test_a_sub_run_is_tried_again_and_each_attempt_is_recorded(scheduler: Scheduler, by_options: bool) -> None:
    retries = {"max_retries": 3, "retry_delay": 0}
    if by_options:
        expr = subrun.options(**retries)(flaky(2), executor="sub")
    else:
        expr = subrun(flaky(2), executor="sub", **retries)
    assert scheduler.run(expr) == 3
    assert attempts(scheduler) == [(1, "ValueError: failure 1"), (2, "ValueError: failure 2")]
    rows = scheduler.backend.jobs(scheduler.execution_id)
    inner = [row.status for row in sorted(rows, key=lambda row: row.number) if row.task_name.endswith(".flaky")]
    assert inner == [Status.FAILED, Status.FAILED, Status.DONE]
    outer = next(row for row in rows if row.task_name == "redun.subrun_root_task")
    assert (outer.status, outer.attempt, outer.child_count) == (Status.DONE, 3, 3)
    assert scheduler.job_counts()["test_subrun_retries.flaky"] == [0, 0, 2, 0, 1]


def test_the_last_error_is_raised_when_no_attempt_is_left(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match=r"^failure 2$"):
        scheduler.run(subrun(flaky(9), executor="sub", max_retries=1, retry_delay=0))
    assert len(ran) == 2
    assert scheduler.traceback is not None
    names = [frame.task_name for frame in scheduler.traceback.frames]
    assert names[-2:] == ["redun.subrun_root_task", "test_subrun_retries.flaky"]
    assert {row.status for row in scheduler.backend.jobs(scheduler.execution_id)} == {Status.FAILED}


def test_another_error_than_those_of_retry_on_is_raised_at_once(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match=r"^failure 1$"):
        scheduler.run(subrun(flaky(1), executor="sub", max_retries=3, retry_delay=0, retry_on=OSError))
    assert len(ran) == 1
    assert attempts(scheduler) == []
