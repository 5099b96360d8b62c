"""What is measured. The same file runs under this project's redun and under the reference."""

from redun import task

redun_namespace = "bench"


@task()
def one() -> int:
    return 1


@task()
def increment(x: int) -> int:
    return x + 1


@task()
def total(values: list) -> int:
    return sum(values)


@task()
def fan_out(size: int) -> int:
    """`size` calls that do not depend on each other."""
    return total([increment(number) for number in range(size)])


@task()
def stretch(start: int, size: int) -> int:
    """`size` calls that do not depend on each other, on numbers of their own."""
    return total([increment(number) for number in range(start, start + size)])


@task()
def stretches(count: int, size: int) -> int:
    """`count` calls, each of which makes `size` calls."""
    return total([stretch(index * size, size) for index in range(count)])


@task()
def chain(depth: int) -> int:
    """`depth` calls, each of which takes the result of the one before."""
    value = 0
    for _ in range(depth):
        value = increment(value)
    return value


@task()
def descend(depth: int) -> int:
    """A task that calls itself `depth` times over."""
    return descend(depth - 1) if depth else 0
