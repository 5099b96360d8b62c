"""`hash_includes`: what else counts in a task's hash, and what is said of what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.errors import InvalidValueError
from redun.task import get_task_registry

redun_namespace = "test_hash_includes"


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    tasks = dict(get_task_registry()._tasks)
    yield
    get_task_registry()._tasks = tasks


def define(includes: Any) -> Any:
    @task(hash_includes=includes)
    def including(x: int) -> int:
        return x

    return including


@task
def kept() -> str:
    return "kept"


@task
def main() -> Any:
    return [kept(), get_task_registry().get("test_hash_includes.including")(1)]


@task(check_valid="shallow")
def above() -> str:
    return kept()


@task
def recover(error: Exception) -> str:
    return str(error)


def test_what_is_no_list_is_refused_where_the_task_is_defined() -> None:
    message = r"task 'test_hash_includes.including': hash_includes is a list of values, not 5"
    with pytest.raises(TypeError, match=message):
        define(5)


def test_a_text_and_a_dict_count_as_a_whole() -> None:
    hashes = [define(value).hash for value in ("ab", "ba", {"a": 1}, {"a": 2})]
    assert len(set(hashes)) == 4


def test_values_that_come_one_by_one_count_each_time() -> None:
    made = define(iter([1, 2]))
    before = made.hash
    made.forget_hash()
    assert made.hash == before == define([2, 1]).hash


def test_what_cannot_be_hashed_is_an_error_of_who_calls_the_task(scheduler: Scheduler, backend: MemoryBackend) -> None:
    define([lambda: 1])
    told = scheduler.run(catch(main(), InvalidValueError, recover))
    assert told.startswith("task 'test_hash_includes.including': an item of its hash_includes: a lambda")
    with pytest.raises(InvalidValueError, match="an item of its hash_includes"):
        scheduler.run(main())
    rows = backend.jobs(scheduler.execution_id)
    assert [row.status for row in rows if row.task_name.endswith(".main")] == [Status.FAILED]


def test_tasks_that_do_not_call_it_are_none_the_worse(scheduler: Scheduler, backend: MemoryBackend) -> None:
    define([lambda: 1])
    for _ in range(2):
        assert scheduler.run(above()) == "kept"
    assert [row.status for row in backend.jobs(scheduler.execution_id)] == [Status.CACHED]
