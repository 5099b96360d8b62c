"""A past worth asking about: many shapes of workflows, run into one repository. See `questions.py`."""

from __future__ import annotations

import os
from pathlib import Path

from redun import File, apply_tags, catch, task
from redun.scheduler import catch_all

redun_namespace = "past"
# Another edition has edited tasks.
EDITION = os.environ.get("PAST_EDITION", "1")


# -- wide: some hundred thousand calls, of which a few fail --------------------------------------------------------------


@task()
def measure(x: int) -> int:
    if x % 5000 == 4999:
        raise ValueError(f"no measurement at {x}")
    return x + 1


@task()
def leave_out(values: list) -> list:
    return [value for value in values if not isinstance(value, Exception)]


@task()
def total(values: list) -> int:
    return sum(values)


@task()
def stretch(start: int, size: int) -> int:
    numbers = [measure(number) for number in range(start, start + size)]
    return total(catch_all(numbers, ValueError, leave_out))


@task()
def wide(count: int, size: int) -> int:
    """`count` calls, each of which makes `size` calls."""
    return total([stretch(index * size, size) for index in range(count)])


# -- variants: two executions that differ here and there -----------------------------------------------------------------


@task()
def simulate(seed: int, strength: int) -> list:
    return [seed * strength, seed]


@task()
def ensemble(start: int, size: int, strength: int) -> list:
    return [simulate(seed, strength if seed % 1000 == 0 else 1) for seed in range(start, start + size)]


@task()
def count_all(parts: list) -> int:
    return sum(map(len, parts))


@task()
def variants(count: int, size: int, strength: int) -> int:
    return count_all([ensemble(index * size, size, strength) for index in range(count)])


# -- checks: one result and two arguments that a hundred thousand calls share --------------------------------------------


@task()
def check(reference: File, is_strict: bool, x: int) -> bool:
    return True


@task()
def all_of(values: list) -> bool:
    return all(values)


@task()
def checks(reference: File, size: int) -> bool:
    return all_of([check(reference, True, x) for x in range(size)])


# -- files: each made from another, and from one that all share ----------------------------------------------------------


@task()
def download(folder: str, index: int) -> File:
    file = File(f"{folder}/in/{index}.txt")
    file.write(f"{index}\n")
    return file


@task()
def convert(source: File, reference: File, folder: str) -> File:
    file = File(f"{folder}/out/{Path(source.path).name}")
    file.write(f"converted {source.read()}")
    return file


@task()
def collect(files: list, folder: str) -> File:
    file = File(f"{folder}/collected.txt")
    file.write(f"{len(files)}\n")
    return file


@task()
def files(reference: File, folder: str, size: int) -> File:
    return collect([convert(download(folder, index), reference, folder) for index in range(size)], folder)


# -- chain, and tags on jobs and values ----------------------------------------------------------------------------------


@task()
def increment(x: int) -> int:
    return x + 1


@task()
def chain(depth: int) -> int:
    value = 0
    for _ in range(depth):
        value = increment(value)
    return value


@task()
def label(x: int) -> list:
    return [x, "labelled"]


@task()
def labels(size: int) -> int:
    tagged = [label.options(tags=[("sample", x % 100), ("kind", "label")])(x) for x in range(size)]
    return count_all([*tagged, apply_tags([size], tags=[("size", size)])])


# -- nightly: a small workflow that runs every day, with ten inputs that are traced back ---------------------------------


@task()
def fetch(source: int, day: int) -> list:
    # Not all sources have something new every day.
    return [source, day // (source + 1)]


@task(version=EDITION)
def reading(rows: list) -> list:
    return [*rows, "read"]


@task()
def report(a: list, b: list, c: list, d: list, e: list, f: list, g: list, h: list, i: list, j: list) -> list:
    return [a, b, c, d, e, f, g, h, i, j]


@task()
def doubt(day: int) -> int:
    if day % 10 == 9:
        raise RuntimeError(f"nothing came in on day {day}")
    return day


@task()
def ignore(error: Exception) -> int:
    return 0


@task()
def nightly(day: int) -> list:
    inputs = [reading(fetch(source, day)) for source in range(10)]
    return [report(*inputs), doubt(day) if day % 20 == 19 else catch(doubt(day), RuntimeError, ignore)]
