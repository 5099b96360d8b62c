"""What type checkers have to accept: every way of writing a workflow that works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from redun import (
    AliasExecutor,
    Dir,
    DockerExecutor,
    File,
    LocalExecutor,
    PartialTask,
    Scheduler,
    Task,
    catch,
    cond,
    get_context,
    register_executor,
    script,
    task,
    throw,
    wraps_task,
)
from redun.config import Config
from redun.executors.base import Executor
from redun.executors.inline import InlineExecutor
from redun.expression import quote
from redun.functools import as_task, compose, const, delay, flat_map, flatten, force, identity, map_, seq, starmap, zip_
from redun.hashing import hash_struct
from redun.logging import logger
from redun.scheduler import JobInfo, catch_all
from redun.typing import awaitable
from redun.value import Value

redun_namespace = "typed"

P = ParamSpec("P")
R = TypeVar("R")


class Size(NamedTuple):
    width: int
    height: int


@task
def increase(x: int, by: int = 1) -> int:
    return x + by


@task(memory=4, check_valid="shallow", limits=["web"])
def name(x: int) -> str:
    return str(x)


@task()
def pair(x: int) -> tuple[int, str]:
    return x, str(x)


@task(nout=2)
def two(x: int) -> list[int]:
    return [x, x]


@task
def size(file: File) -> Size:
    return Size(increase(1), 2)


@task
def recover(error: ValueError) -> int:
    return 0


@task
def recover_all(results: list[int | ValueError]) -> list[int]:
    return [result for result in results if isinstance(result, int)]


@task
def describe(error: object) -> str:
    return str(error)


@task(cache=False)
async def gather(x: int) -> int:
    first: int = await awaitable(increase(x))
    both: list[int] = await awaitable([increase(first), increase(x)])
    return sum(both)


T = TypeVar("T")


@task
def first_of(items: list[T]) -> T:
    return items[0]


@task(version="1")
def last_of(items: Sequence[T]) -> T:
    return items[-1]


@task(cache=False)
async def slow_first_of(items: list[T]) -> T:
    return items[0]


@task
def of_any_type() -> tuple[int, str, list[int], int, str]:
    number: int = first_of([1, 2])
    text: str = last_of(["a", name(1)])
    later: int = slow_first_of([1])
    return number, text, identity([increase(1)]), identity(3) + later, cond(cond_expr=1, then_expr="a")


@task
def of_async_tasks() -> tuple[list[int], int, int]:
    gathered: list[int] = map_(gather, [1, 2])
    return gathered, gather.partial(1)(), gather.options(memory=1)(2)


@task
def inside(job: JobInfo = JobInfo(), depth: int = get_context("model.depth", 3)) -> str | None:
    return job.job_id


@wraps_task()
def logged(inner_task: Task[P, R]) -> Callable[P, R]:
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return inner_task.func(*args, **kwargs)

    return run


@logged
@task
def wrapped(x: int) -> str:
    return str(x)


@task
def countdown(x: int) -> int | str:
    return cond(x == 0, "done", countdown(x - 1))


@task
def steps(x: int) -> int:
    return cond(x == 1, 0, x > 1, steps(x - 1), catch(increase(x), ValueError, recover))


@task
def each(change: Task[[int], int], values: list[int]) -> list[int]:
    return map_(change, seq(values))


def setup_scheduler(config: Config, workers: int = 4) -> Scheduler:
    scheduler = Scheduler(config=config)
    small: Executor = LocalExecutor("small", mode="process", max_workers=workers)
    scheduler.add_executor(small)
    scheduler.add_executor(LocalExecutor("other", scheduler, config["executors"]["other"]))
    scheduler.add_executor(AliasExecutor("gpu", target=small))
    scheduler.add_executor(DockerExecutor("docker", scheduler=scheduler, config={"image": "base"}))
    if isinstance(small, LocalExecutor):
        logger.info("%s", small.name)
    return scheduler


@register_executor("mine")
class MyExecutor(InlineExecutor):
    pass


mine: MyExecutor = MyExecutor("mine")


class Coordinate(Value):
    def __init__(self, x: int) -> None:
        self.x = x

    def get_hash(self, data: bytes | None = None) -> str:
        return hash_struct(["Coordinate", self.x])


def plain(x: int) -> int:
    return x


@task
def main(words: Sequence[str] = ("a",)) -> list[int]:
    nested: int = increase(increase(1), by=increase(2))
    number, text = pair(nested)
    first, second = two(number)
    options: Task[..., int] = increase.options(memory=2)
    partial: PartialTask[int] = increase.partial(1)
    chosen: int = cond(nested > 1, increase(1), 2)
    caught: int = catch(throw(ValueError("no")), ValueError, recover)
    rescued: int | str = catch(increase(1), ValueError, recover, (KeyError, OSError), describe)
    long_caught: int | str = catch(
        name(1), ValueError, recover, KeyError, recover, OSError, describe, ArithmeticError, recover
    )
    several: list[int] = catch_all([increase(1)], ValueError, recover_all)
    others_too: dict[str, int] = catch_all({"a": increase(1)})
    mixed: list[int] | str = catch_all([increase(1)], recover=describe)
    graded: int | str = cond(nested > 3, 3, nested > 2, "two", nested > 1, 1, nested > 0, name(0), increase(0))
    partly: int | str = cond(nested > 3, 3, nested > 2, "two", nested > 1, 1)
    exported: int = increase.export_options(cache=False)(1)
    contextual: int = increase.update_context({"a": 1}, b=2)(1)
    mapped: list[int] = map_(increase, [1, 2])
    others: list[int] = [*flatten([[1], two(2)]), *starmap(increase, [{"x": 1}]), *seq([increase(1)])]
    lists: list[int] = flat_map(two, [1, 2])
    zipped: list[tuple[int, ...]] = zip_([1], two(2))
    composed: int = compose(increase, increase)(1) + force(delay(increase(1))) + const(1, increase(2))
    applied: int = as_task(plain)(1)
    label: str = name(number) + text + wrapped(3)
    area: int = size(File("a")).width * size(File(label)).height
    awaited: int = increase(gather(1))
    shell: object = script("ls", inputs=[File("a").stage("b")], outputs=Dir("c"))
    return [
        first,
        second,
        options(1),
        partial(),
        chosen,
        caught,
        *several,
        exported,
        contextual,
        *mapped,
        *others,
        area,
    ]


def run() -> None:
    result: list[int] = Scheduler().run(main())
    quoted: int = quote(increase(1)).eval()
    print(result, quoted)
