"""Tasks that are given tasks, and decorators for tasks."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from redun import PartialTask, Task, task, wraps_task
from redun.functools import as_task, compose, flat_map, map_

redun_namespace = "higher_order"

P = ParamSpec("P")
R = TypeVar("R")


@task
def words(line: str) -> list[str]:
    return line.split()


@task
def shorten(word: str, length: int) -> str:
    return word[:length]


@task
def shout(word: str) -> str:
    return word.upper() + "!"


@task
def on_each(change: Task[..., str], line: str) -> list[str]:
    """A task is a value: it can be an argument, and it is part of what this call is cached by."""
    return map_(change, words(line))


@wraps_task()
def framed(inner_task: Task[P, str]) -> Callable[P, str]:
    """A decorator for tasks: what it returns runs in place of the task, with the task's own name and parameters."""

    def run(*args: P.args, **kwargs: P.kwargs) -> str:
        return f"| {inner_task.func(*args, **kwargs)} |"

    return run


@framed
@task
def title(text: str) -> str:
    return text.title()


def longest(texts: list[str]) -> str:
    """A plain function, which `as_task` makes a task where one is needed."""
    return max(texts, key=len)


@task
def main(line: str = "to be or not to be") -> dict[str, object]:
    shorten_to_two: PartialTask[str] = shorten.partial(length=2)
    return {
        "shouted": on_each(shout, line),
        "both": on_each(compose(shout, shorten_to_two), line),
        "nested": map_(shout, map_(shorten_to_two, words(line))),
        "all words": flat_map(words, [line, "that is the question"]),
        "longest": as_task(longest)(words(line)),
        "framed": title(line),
    }
