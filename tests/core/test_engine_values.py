"""What the engine makes of expressions: the same values as plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from redun import Scheduler, cond, task, throw
from redun.errors import InvalidValueError, SchedulerError
from redun.expression import quote
from redun.functools import map_, seq
from redun.job_info import JobInfo

redun_namespace = "test_engine_values"


@task
def inc(x: int) -> int:
    return x + 1


@task
def add(a: Any, b: Any) -> Any:
    return a + b


@task
def identity(value: Any) -> Any:
    return value


@task
def pair(a: int, b: int) -> tuple[int, int]:
    return a, b


@task
def fan(n: int) -> list[int]:
    return [inc(i) for i in range(n)]


@task
def chain(n: int) -> int:
    x: Any = 0
    for _ in range(n):
        x = inc(x)
    return x


@task
def countdown(n: int) -> int:
    return n if n == 0 else countdown(n - 1)


@task
def doublings(n: int) -> int:
    x: Any = 1
    for _ in range(n):
        x = add(x, x)
    return x


@task
def options_of(x: int = 0, info: JobInfo = JobInfo()) -> Any:
    return info.options.get("memory"), info.job_id.count("."), len(info.eval_hash)


@task
def spread(a: int, *rest: int, scale: int = 1, **named: int) -> list[Any]:
    return [a, rest, scale, named]


@task
def positional(a: int, /, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
    return a, b, c


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Box:
    content: Any
    label: str = "box"
    derived: int = field(init=False, default=0)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (lambda: 5, 5),
        (lambda: [1, [2, 3]], [1, [2, 3]]),
        (lambda: inc(1), 2),
        (lambda: inc(inc(inc(0))), 3),
        (lambda: [inc(1), {"a": inc(2)}, (inc(3),), {inc(4), inc(5)}], [2, {"a": 3}, (4,), {5, 6}]),
        (lambda: identity([inc(1), {inc(2): inc(3)}]), [2, {3: 4}]),
        (lambda: Point(inc(1), [inc(2)]), Point(2, [3])),
        (lambda: identity(Box(inc(1))), Box(2)),
        (lambda: inc(1) + inc(2) * 3 - 1, 10),
        (lambda: 10 - inc(1), 8),
        (lambda: inc(3) / 2, 2.0),
        (lambda: (inc(1) == 2) & (inc(1) != 3), True),
        (lambda: (inc(1) < 2) | (inc(1) >= 2), True),
        (lambda: identity({"k": [10, 20]})["k"][1], 20),
        (lambda: identity("text").upper(), "TEXT"),
        (lambda: identity(Point(1, 2)).y, 2),
        (lambda: [*pair(1, 2)], [1, 2]),
        (lambda: pair(1, 2)[0:2], [1, 2]),
        (lambda: fan(5), [1, 2, 3, 4, 5]),
        (lambda: cond(inc(0) > 5, throw(ValueError("no")), inc(1) == 2, inc(10), 0), 11),
        (lambda: cond(False, 1, identity([inc(1)])), [2]),
        (lambda: seq([inc(1), inc(2)]), [2, 3]),
        (lambda: seq([]), []),
        (lambda: map_(inc, fan(3)), [2, 3, 4]),
        (lambda: map_(identity(inc), [1]), [2]),
        (lambda: map_(inc, map_(inc, [1, 2])), [3, 4]),
        (lambda: add.partial(inc(1))(2), 4),
        (lambda: quote(inc(1)).eval(), 2),
        (lambda: spread(1, 2, inc(2), scale=inc(1), b=inc(0), a2=5), [1, (2, 3), 2, {"a2": 5, "b": 1}]),
        (lambda: positional(1, c=inc(4)), (1, 2, 5)),
        (lambda: options_of.options(memory=7)(), (7, 1, 40)),
    ],
)
def test_an_expression_reduces_to_the_value_of_plain_python_cold_and_cached(
    scheduler: Scheduler, expr: Any, value: Any
) -> None:
    first = scheduler.run(expr())
    second = scheduler.run(expr())
    assert first == value
    assert type(first) is type(value)
    assert second == value


@pytest.mark.parametrize("workflow", [chain, countdown])
def test_depth_costs_no_stack(scheduler: Scheduler, workflow: Any) -> None:
    expected = 5_000 if workflow is chain else 0
    assert scheduler.run(workflow(5_000)) == expected
    assert scheduler.run(workflow(5_000)) == expected
    assert scheduler.job_counts()[workflow.fullname][4] == 0


def test_a_long_sequence_costs_no_stack(scheduler: Scheduler) -> None:
    assert scheduler.run(seq([inc(i) for i in range(3_000)]))[-1] == 3_000


def test_a_shared_expression_counts_once(scheduler: Scheduler) -> None:
    assert scheduler.run(doublings(80)) == 2**80
    assert scheduler.job_counts()[add.fullname] == [0, 0, 0, 0, 80]
    assert scheduler.run(doublings(80)) == 2**80
    assert scheduler.job_counts()[add.fullname] == [0, 0, 0, 80, 0]


def test_a_default_may_be_an_expression(scheduler: Scheduler) -> None:
    @task(name="lazy_default")
    def lazy_default(a: int, b: Any = inc(1)) -> Any:
        return [a, b]

    assert scheduler.run(lazy_default(5)) == [5, 2]
    assert scheduler.run(lazy_default(5, 6)) == [5, 6]
    assert scheduler.run(lazy_default(5)) == [5, 2]
    assert scheduler.job_counts()[lazy_default.fullname] == [0, 0, 0, 1, 0]


def test_options_may_be_expressions(scheduler: Scheduler) -> None:
    assert scheduler.run(options_of.options(memory=inc(3))()) == (4, 1, 40)


def test_cond_without_a_true_condition_says_so(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="no condition is true"):
        scheduler.run(cond(False, 1, inc(0) == 5, 2))


def test_an_expression_in_a_container_that_holds_itself_is_refused(scheduler: Scheduler) -> None:
    @task(name="cyclic")
    def cyclic() -> Any:
        items: list[Any] = [inc(1)]
        items.append(items)
        return items

    with pytest.raises(InvalidValueError, match="holds itself"):
        scheduler.run(cyclic())


def test_unfitting_arguments_fail_the_job_with_pythons_message(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match=r"inc\(\) missing 1 required positional argument: 'x'"):
        scheduler.run(inc())


def test_an_undefined_task_is_named(scheduler: Scheduler) -> None:
    from redun.expression import TaskExpression

    with pytest.raises(SchedulerError, match=r"'nowhere\.nothing' is not defined"):
        scheduler.run(TaskExpression("nowhere.nothing", (), {}))


def test_wide_workflows_unfold_depth_first(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    # Other tests of this process define tasks of executors of their own.
    monkeypatch.setattr(scheduler, "executors_of_tasks", lambda: {"default"})

    @task(name="leaf", namespace=redun_namespace + ".depth")
    def leaf(i: int, j: int) -> int:
        order.append(f"leaf {i}")
        return j

    @task(name="branch", namespace=redun_namespace + ".depth")
    def branch(i: int) -> Any:
        order.append(f"branch {i}")
        return [leaf(i, j) for j in range(2)]

    @task(name="tree", namespace=redun_namespace + ".depth")
    def tree() -> Any:
        return [branch(i) for i in range(5_000)]

    assert len(scheduler.run(tree())) == 5_000
    # Were it breadth first, all branches would have run before the first leaf.
    assert order.index("leaf 0") < 4_000
