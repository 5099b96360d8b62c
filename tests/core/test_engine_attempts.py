"""Retries and time-outs, which the engine gives to every executor that has none of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, Status
from redun.config import Config
from redun.errors import JobTimeoutError, SchedulerError
from redun.executors.base import Capabilities, Executor, ExecutorContext, JobSink, TaskCall
from redun.executors.calls import run_call
from redun.executors.inline import InlineExecutor
from redun.scheduler import catch
from redun.scheduler.attempts import FAILED_ATTEMPT
from redun.scheduler.retries import read_retries

redun_namespace = "test_engine_attempts"
attempts: list[Any] = []


class Flaky(Exception):
    """Goes away when the call is tried again."""


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    attempts.clear()


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))


@task(max_retries=2, retry_delay=0)
def flaky(failures: int, error: type[Exception] = Flaky) -> str:
    attempts.append(failures)
    if len(attempts) <= failures:
        raise error(f"failure {len(attempts)}")
    return "done"


def test_a_failed_call_is_tried_again(scheduler: Scheduler) -> None:
    assert scheduler.run(flaky(2)) == "done"
    assert len(attempts) == 3
    assert scheduler.run(flaky(2)) == "done"
    assert len(attempts) == 3


def test_the_last_error_is_the_job_s(scheduler: Scheduler) -> None:
    with pytest.raises(Flaky, match="failure 3"):
        scheduler.run(flaky(5))
    assert len(attempts) == 3


def test_every_attempt_is_recorded(scheduler: Scheduler) -> None:
    scheduler.run(flaky(2))
    backend = scheduler.backend
    [job] = backend.jobs(scheduler.execution_id)
    assert (job.status, job.attempt) == (Status.DONE, 3)
    name = f"{scheduler.execution_id}.1"
    tags = [tag.value for tag in backend.tags(EntityKind.JOB, [name])[name] if tag.key == FAILED_ATTEMPT]
    assert [(tag["attempt"], tag["error"]) for tag in tags] == [(1, "Flaky: failure 1"), (2, "Flaky: failure 2")]
    assert all(tag["start_time"] <= tag["end_time"] for tag in tags)


@pytest.mark.parametrize(("error", "count"), [(Flaky, 3), (KeyError, 3), (ValueError, 1)])
def test_only_the_chosen_errors_are_tried_again(error: type[Exception], count: int, scheduler: Scheduler) -> None:
    with pytest.raises(error):
        scheduler.run(flaky.options(retry_on=(Flaky, LookupError))(9, error))
    assert len(attempts) == count


def test_an_error_that_goes_away_is_never_seen_by_catch(scheduler: Scheduler) -> None:
    assert scheduler.run(catch(flaky(1), Flaky, flaky.partial())) == "done"


def test_the_delay_grows_from_one_retry_to_the_next() -> None:
    policy = read_retries({"max_retries": 3, "retry_delay": 2, "retry_backoff": 3})
    assert policy is not None
    assert [policy.delay_after(attempt) for attempt in (1, 2, 3)] == [2, 6, 18]
    endless = read_retries({"max_retries": 250, "retry_backoff": 1e300})
    assert endless is not None
    assert endless.delay_after(1) == 1
    assert 0 < endless.delay_after(2) < float("inf")


def test_other_calls_take_the_limits_while_one_waits_for_its_next_attempt() -> None:
    @task(name="limited", limits=["slot"])
    def limited(name: str) -> str:
        attempts.append(name)
        if attempts == ["first"]:
            raise Flaky
        return name

    scheduler = Scheduler(Config({"limits": {"slot": "1"}}), MemoryBackend(), InlineExecutor("default"))
    first = limited.options(max_retries=1, retry_delay=0.2)("first")
    assert scheduler.run([first, limited("second"), limited("third")]) == ["first", "second", "third"]
    assert attempts == ["first", "second", "third", "first"]


class ThreadExecutor(Executor):
    """A thread for each call; cancelling does what `on_cancel` does."""

    def __init__(self, on_cancel: Callable[[], None] | None = None, capabilities: Capabilities | None = None) -> None:
        super().__init__("default")
        self.capabilities = capabilities or Capabilities(in_process=True, cancel=on_cancel is not None)
        self.on_cancel = on_cancel
        self.sink: JobSink | None = None
        self.calls: list[TaskCall] = []

    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        self.sink = sink

    def submit(self, calls: Sequence[TaskCall]) -> None:
        self.calls += calls
        for call in calls:
            threading.Thread(target=self.run, args=(call,), daemon=True).start()

    def run(self, call: TaskCall) -> None:
        assert self.sink is not None
        if self.capabilities.reports_started:
            self.sink.started(call.job_id)
        try:
            self.sink.done(call.job_id, run_call(call))
        except Exception as error:
            self.sink.failed(call.job_id, error)

    def cancel(self, job_ids: Sequence[int]) -> None:
        if self.on_cancel is not None:
            self.on_cancel()

    def stop(self) -> None:
        pass


go_on = threading.Event()


@pytest.fixture(autouse=True)
def held_back() -> Any:
    go_on.clear()
    yield
    go_on.set()


@task(job_timeout=0.05)
def slow(name: str) -> str:
    attempts.append(name)
    if len(attempts) == 1:
        assert go_on.wait(60)
    return name


@pytest.mark.parametrize("starts", [False, True])
def test_a_call_that_takes_too_long_fails(starts: bool) -> None:
    executor = ThreadExecutor(capabilities=Capabilities(in_process=True, reports_started=starts))
    scheduler = Scheduler(backend=MemoryBackend(), executor=executor)
    with pytest.raises(
        JobTimeoutError,
        match=r"^job [0-9a-f]{8}\.\d+ of task .*slow.* ran longer than its job_timeout of 0.05 s.*abandoned",
    ):
        scheduler.run(slow("a"))


def test_it_is_stopped_where_that_is_possible() -> None:
    scheduler = Scheduler(backend=MemoryBackend(), executor=ThreadExecutor(on_cancel=go_on.set))
    with pytest.raises(TimeoutError) as caught:
        scheduler.run(slow("a"))
    assert "abandoned" not in str(caught.value)
    assert go_on.is_set()


def test_a_late_end_of_an_abandoned_attempt_is_not_taken_for_that_of_the_next() -> None:
    @task(name="late", job_timeout=0.05, max_retries=1, retry_delay=0)
    def late() -> str:
        attempts.append("late")
        if len(attempts) == 1:
            assert go_on.wait(60)
            return "the first attempt"
        go_on.set()
        return "the second attempt"

    scheduler = Scheduler(backend=MemoryBackend(), executor=ThreadExecutor())
    assert scheduler.run(late()) == "the second attempt"


def test_an_executor_with_mechanisms_of_its_own_is_handed_the_options() -> None:
    executor = ThreadExecutor(capabilities=Capabilities(in_process=True, retries=True, timeouts=True))
    scheduler = Scheduler(backend=MemoryBackend(), executor=executor)
    with pytest.raises(Flaky):
        scheduler.run(flaky.options(job_timeout=1e-9)(5))
    [call] = executor.calls
    assert (call.options["max_retries"], call.options["job_timeout"]) == (2, 1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_retries": True},
        {"max_retries": 1000},
        {"retry_delay": -1},
        {"retry_delay": "1"},
        {"retry_delay": float("nan")},
        {"retry_backoff": 0.5},
        {"retry_on": "ValueError"},
        {"retry_on": [int]},
        {"job_timeout": 0},
        {"job_timeout": "3"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match=f"flaky.*{next(iter(options))}"):
        scheduler.run(flaky.options(**options)(0))
