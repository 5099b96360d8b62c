"""Small programs that the engine once got wrong, found by the generated ones."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, Task, catch, get_context, task
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor
from redun.functools import no_prov, seq
from redun.task_registry import get_task_registry
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "truth_regressions"
ran: list[str] = []


@task
def numbers() -> list[int]:
    return [1]


@task
def recover(error: TypeError) -> str:
    return str(error)


@task
def size(items: Any, extra: Any = 0) -> int:
    return len(items)


@task
def defaulting(items: Any, extra: Any = {numbers()}) -> int:  # noqa: B006 - evaluated for each call
    return len(items)


@task
def unhashable() -> Any:
    return {numbers()}


@task(cache_scope="NONE")
def never_shared(x: Any = numbers()) -> int:
    ran.append("never_shared")
    return 1


@task
def calls_twice() -> Any:
    return [never_shared(), never_shared()]


@pytest.fixture
def scheduler() -> Scheduler:
    ran.clear()
    return Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))


@pytest.mark.parametrize(
    "expr",
    [
        {numbers()},
        [{numbers()}],
        {numbers(): 1},
        unhashable(),
        size({numbers()}),
        size([1], extra=[{numbers(): 2}]),
        defaulting([1]),
        seq([{numbers()}]),
    ],
    ids=["set", "nested", "key", "result", "argument", "nested argument", "default", "in a sequence"],
)
def test_a_container_that_refuses_a_value_is_an_error_of_the_workflow(scheduler: Scheduler, expr: Any) -> None:
    assert scheduler.run(catch(expr, TypeError, recover)) == "unhashable type: 'list'"
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        scheduler.run(expr)


def test_the_same_expression_is_one_call_although_its_default_is_lazy(scheduler: Scheduler) -> None:
    assert scheduler.run(calls_twice()) == [1, 1]
    assert ran == ["never_shared"]


def test_an_ended_run_is_garbage_as_soon_as_nobody_holds_it(scheduler: Scheduler) -> None:
    scheduler.run(numbers())
    gc.collect()
    gc.disable()
    try:
        later = Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))
        later.run(numbers())
        known = weakref.ref(later)
        del later
        gc.collect(1)  # the young; among the old it would stay for long
        assert known() is None
    finally:
        gc.enable()


def test_a_shallow_result_is_found_again_when_an_edit_below_it_was_taken_back(scheduler: Scheduler) -> None:
    @task(name="above", check_valid="shallow")
    def above() -> Any:
        return below()

    for version in ("1", "2", "1"):

        @task(name="below", version=version, cache=False)
        def below() -> str:
            ran.append(version)  # noqa: B023
            return version  # noqa: B023

        assert scheduler.run(above()) == version
    assert ran == ["1", "2"]


def test_a_result_without_provenance_is_found_again_after_an_edit_below_that_gives_an_equal_value(
    scheduler: Scheduler,
) -> None:
    for version in ("1", "2", "2", "2"):

        @task(name="below", version=version)
        def below() -> int:
            ran.append(version)  # noqa: B023
            return 5

        assert scheduler.run(no_prov(below())) == 5
    assert ran == ["1", "2"]


@task(cache_scope="CSE")
def counted() -> int:
    ran.append("counted")
    return 1


@task
def calls_counted() -> int:
    return counted()


@task(export_options={"cache_scope": "NONE"})
def exports_twice() -> int:
    return calls_counted.export_options(cache=True)()


def test_of_two_exports_that_say_the_same_thing_the_inner_one_holds_below(scheduler: Scheduler) -> None:
    assert [scheduler.run(exports_twice()) for _ in range(2)] == [1, 1]
    assert ran == ["counted"]


@task
def fails() -> int:
    raise TypeError("not yet")


@task
def with_a_default_that_fails(x: int = fails()) -> int:
    return x


def test_a_repository_with_a_call_whose_default_failed_is_whole(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "redun.db")
    with pytest.raises(TypeError, match="not yet"):
        Scheduler(backend=backend, executor=InlineExecutor("default")).run(with_a_default_that_fails())
    backend.close()
    assert not list(check_repository(tmp_path / "redun.db"))


@task
def first(items: Any) -> Any:
    return items[0]


@task
def gives_a_list_of_tasks() -> Any:
    ran.append("body")
    return first([later_edited, 1])


@task
def gives_a_partial_task() -> Any:
    ran.append("body")
    return size([1], first.partial([later_edited]))


@task(version="1")
def later_edited() -> None:
    pass


@pytest.mark.parametrize("body", [gives_a_list_of_tasks, gives_a_partial_task], ids=["list", "partial"])
def test_an_expression_means_tasks_by_name_however_deep_they_stand_in_it(
    scheduler: Scheduler, body: Task[[], Any]
) -> None:
    scheduler.run(body())

    @task(name="later_edited", version="2")
    def edited() -> None:
        pass

    try:
        scheduler.run(body())
    finally:
        get_task_registry().add(later_edited)
    assert ran == ["body"]


@task
def depth() -> Any:
    return get_context("depth", 0)


def test_a_repository_with_calls_in_a_context_is_whole(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "redun.db")
    executor = InlineExecutor("default")
    assert Scheduler(backend=backend, executor=executor).run(depth(), context={"depth": 3}) == 3
    backend.close()
    assert not list(check_repository(tmp_path / "redun.db"))
