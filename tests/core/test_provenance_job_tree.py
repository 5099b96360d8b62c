"""The tree of an execution's jobs, walked with few queries."""

from __future__ import annotations

import pytest
from redun.backends.records import Status
from redun.provenance.job_tree import path_to_root, walk_jobs
from written_repository import EXEC_1, Repository, tree_backend


def recursive_walk(parents: list[int | None]) -> list[tuple[int, int]]:
    children: dict[int | None, list[int]] = {}
    for number, parent in enumerate(parents, start=1):
        children.setdefault(parent, []).append(number)
    result: list[tuple[int, int]] = []

    def visit(number: int, depth: int) -> None:
        result.append((depth, number))
        for child in children.get(number, ()):
            visit(child, depth + 1)

    visit(1, 0)
    return result


@pytest.mark.parametrize(
    "parents",
    [
        [None],
        [None, 1, 1, 2, 3, 2, 3],
        [None, *[1] * 120],
        [None, *range(1, 60)],
        [None, *[1] * 40, *[number for number in range(2, 42) for _ in range(3)]],
        [None, 1, 1, *range(2, 400)],
        # More jobs between a parent and its children than one page holds.
        [None, *[1] * 1500, *[number for number in range(2, 1502) for _ in range(2)]],
    ],
)
def test_the_walk_is_the_tree_in_order(parents):
    walked = [(depth, job.number) for depth, job in walk_jobs(tree_backend(parents), EXEC_1)]
    assert walked == recursive_walk(parents)


def test_a_deep_chain_is_walked_with_few_queries():
    backend = tree_backend([None, *range(1, 20_000)])
    depths = [depth for depth, _ in walk_jobs(backend, EXEC_1)]
    assert depths == list(range(20_000))
    assert backend.queries < 50


def test_a_wide_tree_is_walked_with_few_queries_and_its_first_page_with_one():
    backend = tree_backend([None, *[1] * 20_000])
    walk = walk_jobs(backend, EXEC_1)
    for _ in range(40):
        next(walk)
    assert backend.queries == 1
    assert sum(1 for _ in walk) == 20_001 - 40
    assert backend.queries < 50


def test_jobs_without_a_recorded_root_are_listed():
    repository = Repository()
    repository.execution(EXEC_1, 1.0)
    for number in (2, 3):
        repository.job(EXEC_1, number, 1, "t", None, Status.CANCELLED)
    assert [(depth, job.number) for depth, job in walk_jobs(repository.write(), EXEC_1)] == [(0, 2), (0, 3)]


def test_the_path_to_the_root_begins_with_the_parent():
    backend = tree_backend([None, 1, 2, 3])
    assert [job.number for job in path_to_root(backend, backend.job(EXEC_1, 4))] == [3, 2, 1]
