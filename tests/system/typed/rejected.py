"""What type checkers have to report: exactly the lines that end in a comment, and no other."""

from __future__ import annotations

from redun import LocalExecutor, catch, cond, task
from redun.scheduler import catch_all
from redun.typing import awaitable


@task
def increase(x: int, by: int = 1) -> int:
    return x + by


@task(memory=4)
def name(x: int) -> str:
    return str(x)


@task(cache=False)
async def gather(x: int) -> int:
    text: str = await awaitable(increase(x))  # wrong: the result is an int
    return len(text)


@task
def choose(x: int) -> str:
    return cond(x == 0, "zero", increase(x))  # wrong: may give an int


@task
def recover(error: Exception) -> int:
    return 0


@task
def grade(x: int) -> str:
    return cond(x > 2, "two", x > 1, "one", x > 0, name(0), increase(x))  # wrong: may give an int


@task
def rescue(x: int) -> str:
    return catch(name(x), ValueError, name, KeyError, recover)  # wrong: may give an int


@task
def rescue_all(x: int) -> list[str]:
    return catch_all([increase(x)])  # wrong: gives a list of int


@task
def main() -> str:
    LocalExecutor(3)  # wrong: the name is a str
    increase("a")  # wrong: takes an int
    increase()  # wrong: needs an argument
    increase(1, to=2)  # wrong: no such parameter
    name(name(1))  # wrong: the inner call gives a str
    increase(gather("a"))  # wrong: takes an int
    increase.options(memory=1)("a")  # wrong: options change no parameters
    first, second = increase(1)  # wrong: an int has no items
    return increase(1)  # wrong: gives an int
