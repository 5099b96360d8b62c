"""Runs after which a repository holds everything that a run may leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redun import File, Handle, Scheduler, merge_handles, task
from redun.backends.base import Backend
from redun.executors.inline import InlineExecutor

redun_namespace = "whole_repository"


def fill(backend: Backend, folder: Path) -> None:
    """Run all of it twice, and what fails once. The folder gets a file."""
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    for _ in range(2):
        scheduler.run(main(str(folder / "file.txt")), tags=[("user", "somebody")])
        scheduler.run(with_handles())
    for expression in (failing(), impossible()):
        with pytest.raises((ValueError, TypeError)):
            scheduler.run(expression)


@task(tags=[("kind", "leaf")])
def increment(x: int, more: list[int] | None = None) -> int:
    return x + 1


@task(prov=False)
def unrecorded(x: int) -> Any:
    return increment(x)


@task(check_valid="shallow")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task
def write(path: str) -> File:
    file = File(path)
    file.write("text")
    return file


@task
def describe(file: File, words: str) -> dict[str, Any]:
    return {"file": file, "words": [words, {1, 2}, b"bytes"], "again": [file]}


@task
def fail(x: int) -> int:
    raise ValueError(x)


@task(config_args=["memory"])
def configured(x: int, memory: int) -> int:
    return x


@task
def lazy(x: Any = increment(50)) -> Any:
    return x


@task
def large() -> list[Any]:
    return ["t" * 1_100_000, [[1, "shared" * 100]] * 2000]


@task
def text() -> bytes:
    return b"text" * 100


@task
def main(path: str) -> Any:
    return [
        total([increment(i, [i]) for i in range(20)]),
        unrecorded(100),
        describe(write(path), "words" * 30),
        [configured(1, 2), configured(1, 3)],
        lazy(),
        large(),
        text(),
    ]


@task
def failing() -> Any:
    return [increment(1), fail(1)]


class Conn(Handle):
    """Something with a state."""


@task
def change(conn: Any, x: int) -> Any:
    return conn


@task
def with_handles() -> Any:
    conn = change(Conn("db"), 0)
    return change(merge_handles([change(conn, 1), change(conn.fork("two"), 2)]), 3)


@task
def impossible() -> Any:
    return increment(1, 2, 3, 4, 5)
