"""Decisions, errors and order: what to evaluate at all, and what to do about what fails."""

from redun import catch, cond, task, throw
from redun.functools import seq
from redun.scheduler import catch_all

redun_namespace = "control_flow"


@task
def parse(text: str) -> int:
    return int(text)


@task
def is_even(number: int) -> bool:
    return number % 2 == 0


@task
def halve(number: int) -> int:
    return number // 2


@task
def triple(number: int) -> int:
    return 3 * number + 1


@task
def collatz(number: int) -> int:
    """How many steps it takes to come to 1: a loop, written as a task that calls itself."""
    return cond(
        number == 1,
        0,
        is_even(number),
        1 + collatz(halve(number)),
        1 + collatz(triple(number)),
    )


@task
def use_zero(error: ValueError) -> int:
    return 0


@task
def without_failures(numbers: list[int | ValueError]) -> list[int]:
    return [number for number in numbers if isinstance(number, int)]


@task
def announce(text: str) -> str:
    print(text)
    return text


@task
def main(texts: list[str] = ["6", "seven", "8"]) -> dict[str, object]:
    return {
        # Only the branch that is chosen is ever evaluated: the error of the other one is not raised.
        "chosen": cond(is_even(2), "even", throw(ValueError("never"))),
        "steps": collatz(6),
        "each recovered": [catch(parse(text), ValueError, use_zero) for text in texts],
        "those that worked": catch_all([parse(text) for text in texts], ValueError, without_failures),
        "in this order": seq([announce("first"), announce("second")]),
    }
