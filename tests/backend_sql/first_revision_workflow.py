"""What was run to make `first_revision.sql`, the text of a repository of the first revision, by the code of that time.

Its tasks go by the source of their functions: where one of them changes, what that repository remembers of it does not
count any more.
"""

from __future__ import annotations

from typing import Any

from redun import task

redun_namespace = "first_revision"


@task(tags=[("kind", "leaf")])
def square(x: int) -> int:
    return x * x


@task()
def large(word: str) -> list:
    return [f"{word} {number}" for number in range(30)] + [{1, 2}]


@task(check_valid="shallow")
def total(numbers: list) -> int:
    return sum(numbers)


@task()
def middle(start: int, end: int) -> list:
    return [square(number) for number in range(start, end)]


@task()
def fail(x: int) -> int:
    raise ValueError(x)


@task()
def main(end: int = 4) -> Any:
    return [total(middle(0, end)), large("word"), square(square(3))]


@task()
def failing() -> Any:
    return [square(2), fail(square(2))]
