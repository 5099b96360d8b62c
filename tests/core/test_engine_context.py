"""The context: inherited, changed for a call and below, and part of what makes two calls the same."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, get_context, task
from redun.backends.memory import MemoryBackend
from redun.config import Config
from redun.context import get_context_value
from redun.errors import SchedulerError
from redun.executors.inline import InlineExecutor

redun_namespace = "test_engine_context"
ran: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


def run(expr: Any, backend: MemoryBackend, **options: Any) -> Any:
    return Scheduler(backend=backend, executor=InlineExecutor("default")).run(expr, **options)


@task
def note(value: Any) -> Any:
    ran.append(value)
    return value


@task
def leaf(path: str) -> Any:
    return note(get_context(path, "nothing"))


@task
def branch(path: str) -> Any:
    return leaf(path)


@task
def with_default(x: int, depth: Any = get_context("model.depth", 3)) -> tuple[int, Any]:
    return x, depth


@task(check_valid="shallow")
def shallow(path: str) -> Any:
    return leaf(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [("a", {"b": {"c": 1}}), ("a.b.c", 1), ("a.b.c.d", "no"), ("a.x", "no"), ("", "no"), ("none", None)],
)
def test_a_path_leads_through_nested_dicts(path: str, found: Any) -> None:
    assert get_context_value({"a": {"b": {"c": 1}}, "none": None}, path, "no") == found


def test_calls_inherit_the_context_of_the_run(backend: MemoryBackend) -> None:
    assert run(branch("a.b"), backend, context={"a": {"b": 7}}) == 7
    assert run(branch("a.c"), backend, context={"a": {"b": 7}}) == "nothing"


def test_without_a_context_the_default_is_found(backend: MemoryBackend) -> None:
    assert run(branch("a.b"), backend) == "nothing"


def test_a_changed_context_holds_for_the_call_and_below(backend: MemoryBackend) -> None:
    exprs = [
        branch.update_context({"a": {"b": 2}})("a"),
        branch("a"),
        branch.update_context(a=1).update_context(c=3)("c"),
    ]
    assert run(exprs, backend, context={"a": {"x": 1}}) == [{"x": 1, "b": 2}, {"x": 1}, 3]


def test_a_default_argument_sees_the_context_of_its_own_call(backend: MemoryBackend) -> None:
    exprs = [with_default(1), with_default.update_context(model={"depth": 9})(1), with_default(1, 5)]
    assert run(exprs, backend) == [(1, 3), (1, 9), (1, 5)]


def test_a_context_may_be_lazy(backend: MemoryBackend) -> None:
    assert run(branch.update_context(a=note(5))("a"), backend) == 5
    assert run(get_context(note("a"), note("other")), backend, context={"b": 1}) == "other"


def test_a_partial_task_changes_the_context_too(backend: MemoryBackend) -> None:
    assert run(branch.partial("a").update_context(a=4)(), backend) == 4


def test_equal_calls_in_two_contexts_are_two_calls(backend: MemoryBackend) -> None:
    exprs = [branch.update_context(a=value)("a") for value in (1, 2, 1)]
    assert run(exprs, backend) == [1, 2, 1]
    assert ran == [1, 2]


@pytest.mark.parametrize("called", [branch, shallow])
def test_an_earlier_run_in_another_context_does_not_answer(called: Any, backend: MemoryBackend) -> None:
    for value in (1, 2, 1):
        assert run(called("a"), backend, context={"a": value}) == value
    assert ran == [1, 2]


def test_what_does_not_ask_for_the_context_is_cached_in_any(backend: MemoryBackend) -> None:
    for value in (1, 2):
        assert run(note(0), backend, context={"a": value}) == 0
    assert ran == [0]


def test_the_configured_context_is_below_that_of_the_run(backend: MemoryBackend) -> None:
    config = Config({"scheduler": {"context": '{"a": {"b": 1, "c": 2}}'}})
    scheduler = Scheduler(config, backend=backend, executor=InlineExecutor("default"))
    assert scheduler.run(branch("a"), context={"a": {"c": 3}}) == {"b": 1, "c": 3}


@pytest.mark.parametrize("wrong", [[1], "text", 5])
def test_a_context_that_is_no_dict_is_refused(wrong: Any, backend: MemoryBackend) -> None:
    with pytest.raises(SchedulerError, match="must be a dict"):
        run(leaf("a"), backend, context=wrong)
    with pytest.raises(SchedulerError, match="must be a dict"):
        run(leaf.options(_context_override=wrong)("a"), backend)


def test_a_context_that_cannot_be_stored_is_refused(backend: MemoryBackend) -> None:
    with pytest.raises(SchedulerError, match="context cannot be stored"):
        run(leaf("a"), backend, context={"a": lambda: 0})
    with pytest.raises(TypeError, match="get_context"):
        run(get_context(5), backend)
