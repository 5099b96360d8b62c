"""Executors that the workflow brings along: one made in `setup_scheduler`, and one with a class of its own."""

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from redun import LocalExecutor, Scheduler, register_executor, task
from redun.config import Config
from redun.executors.base import TaskCall
from redun.executors.inline import InlineExecutor

redun_namespace = "own_executors"


def setup_scheduler(config: Config, workers: int = 2) -> Scheduler:
    """Called by `redun run`, because config/redun.ini says so; `--setup workers=4` is its argument."""
    scheduler = Scheduler(config=config)
    scheduler.add_executor(LocalExecutor("crunch", mode="process", max_workers=workers))
    return scheduler


class DiarySettings(BaseModel):
    """What a section with `type = diary` may set."""

    file: str


@register_executor("diary", settings="workflow:DiarySettings")
class DiaryExecutor(InlineExecutor):
    """Runs tasks one after the other, and writes their names down."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__(name)
        self.file = Path(file)

    def submit(self, calls: Sequence[TaskCall]) -> None:
        with self.file.open("a") as diary:
            diary.writelines(f"{call.target.full_name}{call.args}\n" for call in calls)
        super().submit(calls)


@task(executor="crunch")
def square(number: int) -> tuple[int, int]:
    """The square, and the process that it was worked out in."""
    return number * number, os.getpid()


@task(executor="diary")
def total(squares: list[tuple[int, int]]) -> int:
    return sum(value for value, _ in squares)


@task
def main(count: int = 3) -> int:
    return total([square(number) for number in range(1, count + 1)])
