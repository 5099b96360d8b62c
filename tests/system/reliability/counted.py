"""A workflow whose task bodies leave a line each, for tests that end runs in the middle."""

import os
import signal
import time
from pathlib import Path

from redun import task

redun_namespace = "acme"
GROUP = 100


def leave_line(text):
    """Lines of several threads and processes do not mix: the file is opened to append."""
    with open(os.environ["BODIES"], "ab", buffering=0) as file:
        file.write(f"{text}\n".encode())


def label(i):
    """An argument that is too large for the row of its call: a value of its own."""
    return f"{i} " * 50


@task()
def work(i: int, label: str):
    leave_line(i)
    time.sleep(0.002)  # so that a run takes several batches of records
    return i * i


@task()
def group(start: int, size: int):
    return [work(i, label(i)) for i in range(start, start + size)]


@task()
def total(parts):
    return sum(sum(part) for part in parts)


@task()
def main(n: int):
    return total([group(start, min(GROUP, n - start)) for start in range(0, n, GROUP)])


@task()
def block(numbers):
    leave_line("blocks")
    time.sleep(3600)


@task()
def then_block(n: int):
    """Some work, then a task that never ends."""
    return block([work(i, label(i)) for i in range(n)])


@task()
def stubborn(numbers):
    """Goes on blocking when it is asked to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_line("blocks")
    while True:
        try:
            time.sleep(3600)
        except KeyboardInterrupt:
            leave_line("interrupted")


@task()
def then_stubborn(n: int):
    return stubborn([work(i, label(i)) for i in range(n)])


@task()
def long_text(size: int):
    leave_line("text")
    return ["x" * 100] * (size // 100)


@task()
def padded(i: int):
    """A result of its own that takes room on the disk."""
    leave_line(i)
    time.sleep(0.01)
    return [i, "x" * 20_000]


@task()
def count(parts):
    return len(parts)


@task()
def fill(n: int):
    return count([padded(i) for i in range(n)])


@task()
def write_file(path: str):
    leave_line("write")
    Path(path).write_text("written")
    return path


@task()
def squares(n: int):
    return total([[work(i, label(i)) for i in range(n)]])


@task()
def squares_by_label(n: int):
    return total([[work(i=i, label=label(i))] for i in range(n)])
