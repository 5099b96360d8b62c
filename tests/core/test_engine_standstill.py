"""Nothing runs: the workflow waits for somebody else, or for itself."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.errors import SchedulerError
from redun.expression import SchedulerExpression
from redun.promise import Promise
from redun.scheduler import standstill
from redun.scheduler.job import Job
from redun.task import scheduler_task
from small_executors import AsyncioExecutor

redun_namespace = "standstill"
pytestmark = pytest.mark.timeout(30)


@task
def inc(x: int) -> int:
    return x + 1


@scheduler_task(namespace=redun_namespace)
def elsewhere(scheduler: Scheduler, parent_job: Job, sexpr: SchedulerExpression[Any], how: str) -> Promise[Any]:
    """Settled by another thread, which has waited until nothing else is to be done."""
    own, promise = threading.get_ident(), Promise[Any]()
    settle = {
        "resolve": lambda: promise.do_resolve(5),
        "reject": lambda: promise.do_reject(ValueError("from elsewhere")),
        "follow": lambda: promise.do_resolve(Promise(lambda resolve, _: resolve(5))),
    }[how]
    threading.Timer(0.05, settle).start()
    return promise.then(lambda value: (threading.get_ident() == own, value))


@task
def recover(error: Exception) -> str:
    return str(error)


@pytest.mark.parametrize("how", ["resolve", "follow"])
def test_a_promise_may_be_settled_by_another_thread(scheduler: Scheduler, how: str) -> None:
    assert scheduler.run(elsewhere(how)) == (True, 5)
    assert scheduler.run([elsewhere(how), inc(1)]) == [(True, 5), 2]
    assert scheduler.run(catch(elsewhere("reject"), ValueError, recover)) == "from elsewhere"


def test_many_promises_are_settled_by_many_threads(scheduler: Scheduler) -> None:
    @scheduler_task(namespace=redun_namespace)
    def sum_of_many(scheduler: Scheduler, parent_job: Job, sexpr: Any) -> Promise[Any]:
        promises: list[Promise[int]] = [Promise() for _ in range(2000)]

        def settle(start: int) -> None:
            for number in range(start, 2000, 4):
                promises[number].do_resolve(number)

        threads = [threading.Thread(target=settle, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        chained = [promise.then(lambda value: value + 1) for promise in promises]
        return Promise.all(chained).then(sum)

    assert scheduler.run(sum_of_many()) == sum(range(1, 2001))


def test_a_run_that_waits_for_somebody_else_says_so_once_and_can_be_interrupted(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "PATIENCE", 0.01)

    @scheduler_task(namespace=redun_namespace)
    def never(scheduler: Scheduler, parent_job: Job, sexpr: Any) -> Promise[Any]:
        return Promise()

    class Interrupting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Nothing runs" in record.getMessage():
                signal.raise_signal(signal.SIGINT)

    handler = Interrupting()
    scheduler.logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            scheduler.run([never(), inc(1)])
    finally:
        scheduler.logger.removeHandler(handler)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 1
    assert "a promise that a scheduler task has returned" in lines[0]
    assert "(standstill.never)" in lines[0]


@task
def itself(n: int = 1) -> Any:
    return itself(n)


@task
def ping(n: int) -> Any:
    return [inc(n), pong(n)]


@task
def pong(n: int) -> Any:
    return ping(n)[0]


@task
def careful(n: int) -> Any:
    return catch(careful(n), SchedulerError, recover)


@task(cache=False)
async def awaits_itself(n: int) -> Any:
    return await awaits_itself(n)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (lambda: itself(), r"task 'standstill.itself' \(n = 1\) waits for its own result$"),
        (lambda: [inc(1), itself()], r"task 'standstill.itself' \(n = 1\) waits for its own result$"),
        (
            lambda: ping(3),
            r"task 'standstill.ping' \(n = 3\) waits for its own result: "
            r"standstill.ping -> standstill.pong -> standstill.ping$",
        ),
        (lambda: [ping(3), pong(3)], r"task 'standstill.p[io]ng' \(n = 3\) waits for its own result"),
    ],
)
def test_a_call_that_waits_for_itself_fails(
    scheduler: Scheduler, backend: MemoryBackend, expr: Any, message: str
) -> None:
    with pytest.raises(SchedulerError, match=message):
        scheduler.run(expr())
    failed = [row for row in backend.jobs(scheduler.execution_id) if row.status is Status.FAILED]
    assert len(failed) > 1
    assert scheduler.traceback is not None
    assert "waits for its own result" in "\n".join(scheduler.traceback.format())


def test_a_call_that_waits_for_itself_may_be_caught(scheduler: Scheduler) -> None:
    assert scheduler.run(careful(1)) == "task 'standstill.careful' (n = 1) waits for its own result"


def test_an_async_call_that_awaits_itself_fails(backend: MemoryBackend) -> None:
    scheduler = Scheduler(backend=backend, executor=AsyncioExecutor("default"))
    with pytest.raises(SchedulerError, match=r"'standstill.awaits_itself' \(n = 1\) waits for its own result"):
        scheduler.run(awaits_itself(1))


def test_others_that_wait_for_the_same_call_get_its_failure(scheduler: Scheduler) -> None:
    @task(namespace=redun_namespace, name="others")
    def others(x: int) -> Any:
        return catch([itself(7), x], SchedulerError, recover)

    told = "task 'standstill.itself' (n = 7) waits for its own result"
    assert scheduler.run([others(1), others(2), others(3)]) == [told] * 3
