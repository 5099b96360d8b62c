"""What values do on their way into tasks and out of them."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.errors import InvalidValueError
from redun.executors.inline import InlineExecutor
from redun.value import ProxyValue, Value

redun_namespace = "test_engine_hooks"
seen: list[Any] = []


class Stamped(Value):
    """Counts how often it went into a task, and keeps a hash of the call that it came out of."""

    type_name = "test_engine_hooks.Stamped"

    def __init__(self, name: str, inward: int = 0, call: str = "") -> None:
        self.name, self.inward, self.call = name, inward, call

    def preprocess(self, preprocess_args: dict[str, Any]) -> Stamped:
        if self.name == "bad in":
            raise RuntimeError("no way in")
        return Stamped(self.name, self.inward + 1, self.call)

    def postprocess(self, postprocess_args: dict[str, Any]) -> Stamped:
        if self.name == "bad out":
            raise RuntimeError("no way out")
        return Stamped(self.name, self.inward, postprocess_args["pre_call_hash"])


class Plain:
    """Known to redun by a proxy."""

    def __init__(self, times: int = 0) -> None:
        self.times = times


class PlainProxy(ProxyValue):
    type = Plain
    type_name = "test_engine_hooks.Plain"

    def preprocess(self, preprocess_args: dict[str, Any]) -> Plain:
        seen.append(preprocess_args["call_order"])
        return Plain(self.instance.times + 1)


@pytest.fixture
def scheduler() -> Scheduler:
    seen.clear()
    return Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))


@task
def make(name: str) -> Stamped:
    return Stamped(name)


@task
def look(values: list[Any]) -> Any:
    return [(value.inward, bool(value.call)) for value in values]


@task
def pass_on(value: Any) -> Any:
    seen.append("ran")
    return {"nested": [value]}


@task
def times(value: Plain) -> int:
    return value.times


def test_every_leaf_of_an_argument_is_prepared_once_a_call(scheduler: Scheduler) -> None:
    assert scheduler.run(look([make("a"), make("a")])) == [(1, True), (1, True)]
    assert scheduler.run(look(pass_on(make("a"))["nested"])) == [(2, True)]


def test_a_proxy_speaks_for_its_class(scheduler: Scheduler) -> None:
    assert scheduler.run([times(Plain()), times(Plain(5))]) == [1, 6]
    assert seen == [1, 2]


def test_a_cached_result_is_as_it_was_recorded(scheduler: Scheduler) -> None:
    first = scheduler.run(pass_on(make("a")))["nested"][0]
    second = scheduler.run(pass_on(make("a")))["nested"][0]
    assert seen == ["ran"]
    assert (second.call, second.inward) == (first.call, 1)


@pytest.mark.parametrize(("name", "message"), [("bad in", "no way in"), ("bad out", "no way out")])
def test_a_hook_that_raises_fails_the_job(name: str, message: str, scheduler: Scheduler) -> None:
    with pytest.raises(InvalidValueError, match=f"test_engine_hooks.*RuntimeError: {message}"):
        scheduler.run(pass_on(make(name)))
