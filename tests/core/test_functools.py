"""Tasks for working with tasks: each gives what plain Python gives, lazily."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import Any

import pytest
from redun import Scheduler
from redun.errors import InvalidValueError
from redun.expression import Expression
from redun.functools import (
    apply_func,
    as_task,
    compose,
    compose_apply,
    const,
    delay,
    eval_,
    flat_map,
    flatten,
    force,
    identity,
    map_,
    seq,
    starmap,
    zip_,
)
from redun.task import PartialTask, task

redun_namespace = "test_functools"


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task
def double(x: int) -> int:
    return 2 * x


@task
def as_is(x: int) -> int:
    return x


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def fail(x: int) -> int:
    raise ValueError(f"no {x}")


def tenfold(x: int, offset: int = 0) -> int:
    return 10 * x + offset


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: compose(add, double)(5), 11),
        (lambda: compose(double, add)(5, y=add(1)), 14),
        (lambda: compose(add)(1), 2),
        (lambda: compose_apply([add, double], add(1)), 5),
        (lambda: identity(add(1)), 2),
        (lambda: const(1, add(2)), 1),
        (lambda: force(delay(add(1))), 2),
        (lambda: apply_func(tenfold, add(1), offset=add(2)), 23),
        (lambda: as_task(tenfold)(add(1)), 20),
        (lambda: as_task(operator.mul)(add(1), 4), 8),
        (lambda: eval_("x + y", x=add(1), y=2), 4),
        (lambda: eval_("a * b", 3, add(3), pos_args=["a", "b"]), 12),
        (lambda: eval_("\n    [x + i for i in range(3)]\n", x=add(1)), [2, 3, 4]),
        (lambda: map_(add, [1, add(1), 3]), [2, 3, 4]),
        (lambda: map_(add.partial(y=5), numbers(3)), [5, 6, 7]),
        (lambda: map_(identity(add), []), []),
        (lambda: starmap(add, [{"x": 1}, {"x": add(1), "y": 5}]), [2, 7]),
        (lambda: starmap(add, []), []),
        (lambda: starmap(add), []),
        (lambda: flatten([[1], numbers(2), []]), [1, 0, 1]),
        (lambda: flat_map(numbers, [2, add(2)]), [0, 1, 0, 1, 2]),
        (lambda: zip_([1, 2], numbers(5), "ab"), [(1, 0, "a"), (2, 1, "b")]),
        (lambda: zip_(), []),
        (lambda: seq([add(1), add(2)]), [2, 3]),
        (lambda: seq([]), []),
    ],
)
def test_each_gives_what_plain_python_gives(make: Callable[[], Any], expected: Any, scheduler: Scheduler) -> None:
    assert scheduler.run(make()) == expected


def test_what_makes_a_task_gives_one_that_takes_more_arguments() -> None:
    for made in (compose(add, double), delay(1), as_task(tenfold)):
        assert isinstance(made, PartialTask)
    partial: Any = as_task(tenfold).partial(1)
    assert isinstance(partial(offset=2), Expression)


def test_what_is_delayed_is_not_evaluated_before_it_is_forced(scheduler: Scheduler) -> None:
    delayed: Any = delay(fail(1))
    assert isinstance(scheduler.run(delayed), PartialTask)
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(force(delayed))


def test_const_evaluates_what_it_throws_away(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no 2"):
        scheduler.run(const(1, fail(2)))


def test_composing_nothing_says_so(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="at least one task"):
        scheduler.run(compose()(1))


def test_eval_refuses_arguments_without_a_name(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match="1 positional arguments and 2 names"):
        scheduler.run(eval_("a + b", 1, pos_args=["a", "b"]))


def test_a_function_that_cannot_be_imported_is_refused(scheduler: Scheduler) -> None:
    def local(x: int) -> int:
        return x

    for function in (local, lambda x: x):
        with pytest.raises(InvalidValueError):
            scheduler.run(as_task(function)(1))


def test_nested_maps_give_the_same_and_make_no_jobs_but_those_of_the_tasks(scheduler: Scheduler) -> None:
    assert scheduler.run(map_(double, map_(add, map_(as_is, numbers(4))))) == [2, 4, 6, 8]
    made = {name: sum(counts) for name, counts in scheduler.job_counts().items() if name.startswith("test_functools")}
    assert made == {
        f"test_functools.{name}": count for name, count in [("numbers", 1), ("as_is", 4), ("add", 4), ("double", 4)]
    }
    assert {name for name in scheduler.job_counts() if name.startswith("redun.")} <= {"redun.root_task"}


@pytest.mark.standard
def test_nested_maps_do_not_wait_for_the_inner_list() -> None:
    one_is_through = threading.Event()

    @task(name="inner")
    def inner(x: int) -> bool:
        # With a list that is waited for, nothing could ever be through here.
        return x == 1 or one_is_through.wait(60)

    @task(name="outer")
    def outer(result: bool) -> bool:
        one_is_through.set()
        return result

    assert Scheduler().run(map_(outer, map_(inner, [1, 2]))) == [True, True]


def test_an_error_in_a_nested_map_is_that_of_the_item(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(map_(double, map_(fail, [1])))
