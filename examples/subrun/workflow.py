"""Counts words, each book with a scheduler of its own in another process: `redun run workflow.py main`."""

import os

from redun import task
from redun.scheduler import subrun

redun_namespace = "subrun_example"

BOOKS = {
    "north": ["snow and ice", "ice and wind", "wind"],
    "south": ["sun and sand", "sand", "sea and sun"],
}


@task
def count_words(page: str) -> dict[str, int]:
    """The words of one page. There may be very many of these small calls."""
    words = page.split()
    return {word: words.count(word) for word in words}


@task
def add_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    """The counts of several pages in one."""
    total: dict[str, int] = {}
    for each in counts:
        for word, number in each.items():
            total[word] = total.get(word, 0) + number
    return total


@task(cache=False)
def process_id() -> int:
    """Where the tasks of a sub-run are."""
    return os.getpid()


@task
def count_book(pages: list[str]) -> dict[str, int]:
    """The counts of one book: an expression like any other."""
    return add_counts([count_words(page) for page in pages])


@task
def main(executor: str = "process") -> dict[str, dict[str, int]]:
    """The counts of every book. Each sub-run is one job on the executor; its own jobs are below that one."""
    return {name: subrun(count_book(pages), executor=executor) for name, pages in BOOKS.items()}


@task(cache=False)
def processes() -> list[int]:
    """The ids of three processes: of this scheduler, and of two sub-runs."""
    return [process_id(), *(subrun([process_id(), name], executor="process")[0] for name in BOOKS)]
