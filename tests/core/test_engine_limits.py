"""Who runs when not everybody can: limits, and a backlog on one executor."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from redun import Scheduler, task
from redun.executors.inline import InlineExecutor
from redun.scheduler.limits import Limits
from small_executors import ThreadPerCall

redun_namespace = "test_engine_limits"
released = threading.Event()


def job(name: str, *limits: tuple[str, int]) -> Any:
    info, options = SimpleNamespace(fullname=name), SimpleNamespace(limits=limits)
    return SimpleNamespace(info=info, options=options, holds_limits=False)


def test_those_that_wait_are_served_in_order_and_overtaken_only_by_what_fits() -> None:
    limits = Limits({"a": 2, "b": 1})
    holds = [job("first", ("a", 1)), job("second", ("a", 1), ("b", 1))]
    assert all(map(limits.take, holds))
    waiting = [job("big", ("a", 2)), job("small", ("a", 1)), job("other", ("b", 1)), job("small too", ("a", 1))]
    for one in waiting:
        assert not limits.take(one)
        limits.wait(one)
    assert len(limits) == 4
    served = limits.release(holds[1])
    assert [one.info.fullname for one in served] == ["small", "other"]
    assert [one.info.fullname for one in limits.release(served[0])] == ["small too"]
    assert limits.release(holds[0]) == []
    assert [one.info.fullname for one in limits.release(waiting[3])] == ["big"]
    assert len(limits) == 0
    assert limits.release(waiting[0]) == []


def test_a_call_looks_at_the_different_requests_that_wait_and_not_at_every_call() -> None:
    asked = []

    class Counting(Limits):
        def _has(self, request: Any) -> bool:
            asked.append(request)
            return super()._has(request)

    limits = Counting({})
    holder = job("holder", ("a", 1))
    limits.take(holder)
    for number in range(1_000):
        limits.wait(job(str(number), ("a", 1)))
    asked.clear()
    assert [one.info.fullname for one in limits.release(holder)] == ["0"]
    assert len(asked) < 10


def test_a_backlog_on_one_executor_does_not_keep_work_from_another() -> None:
    @task(name="held", executor="slow")
    def held(number: int) -> int:
        assert released.wait(60)
        return number

    @task(name="release", executor="fast")
    def release() -> bool:
        released.set()
        return True

    scheduler = Scheduler(executor=InlineExecutor("default"))
    slow = ThreadPerCall("slow")
    slow.slots = 1
    scheduler.add_executor(slow)
    scheduler.add_executor(InlineExecutor("fast"))
    assert scheduler.run([*map(held, range(3_000)), release()])[-1] is True
