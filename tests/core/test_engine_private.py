"""What a task does to its arguments and results in place is its own affair."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from redun import Scheduler, task

redun_namespace = "test_engine_private"


@dataclass
class Record:
    items: list[int] = field(default_factory=list)


class Plain:
    def __init__(self, items: list[int]) -> None:
        self.items = items


def items_of(x: Any) -> list[int]:
    return x["k"] if isinstance(x, dict) else getattr(x, "items", x)


@task
def make() -> list[int]:
    return [0]


@task
def mutate(x: Any, after: Any = None) -> int:
    items = items_of(x)
    items.append(1)
    return len(items)


@task
def length(x: Any, after: Any = None) -> int:
    return len(items_of(x))


@task
def shared(kind: str) -> Any:
    x = {"list": [0], "dict": {"k": [0]}, "record": Record([0]), "plain": Plain([0])}[kind]
    changed = mutate(x)
    return [changed, length(x, changed)]


@task
def returned_and_mutated() -> Any:
    x = make()
    return [x, mutate(x)]


@task
def default(x: int, items: list[int] = []) -> int:  # noqa: B006 - that is the point
    items.append(x)
    return len(items)


kept: list[int] = []


@task
def returns_what_it_keeps() -> list[int]:
    kept.append(len(kept))
    return kept


@task
def changes_what_it_kept(after: Any) -> int:
    kept.append(99)
    return 1


@task
def keeps() -> Any:
    x = returns_what_it_keeps()
    return [x, changes_what_it_kept(x)]


@task
def spoils(x: list[Any]) -> int:
    x.append(threading.Lock())
    return 1


@task
def spoiled() -> Any:
    x = make()
    return [spoils(x), x]


@pytest.mark.parametrize("kind", ["list", "dict", "record", "plain"])
def test_a_task_cannot_change_the_argument_of_another(scheduler: Scheduler, kind: str) -> None:
    assert scheduler.run(shared(kind)) == [2, 1]
    assert scheduler.run(shared(kind)) == [2, 1]
    assert scheduler.run(length([0])) == 1


@pytest.mark.parametrize(
    ("workflow", "value"),
    [
        (returned_and_mutated, [[0], 2]),
        (spoiled, [1, [0]]),
        (lambda: [default(1), default(2), default(2, [5])], [1, 1, 2]),
    ],
)
def test_a_task_cannot_change_a_result_or_a_default(scheduler: Scheduler, workflow: Any, value: Any) -> None:
    assert scheduler.run(workflow()) == value
    assert scheduler.run(workflow()) == value


def test_a_task_cannot_change_what_it_has_returned(scheduler: Scheduler) -> None:
    kept.clear()
    assert scheduler.run(keeps()) == [[0], 1]
