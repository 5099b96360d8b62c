"""What differs between two executions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redun.backends.records import Status
from redun.errors import UsageError
from redun.provenance.difference import difference

if TYPE_CHECKING:
    from provenance_bench import Bench
    from redun.provenance.difference import ExecutionDifference

WORKFLOW = """
@task
def scale(x, by):
    return x * by


@task
def write(path, values):
    file = File(path)
    file.write(str(values))
    return file


@task
def main(values, by=2):
    return write("out.txt", [scale(value, by) for value in values])
"""


def compared(bench: Bench, before: str = "~2", after: str = "~1") -> ExecutionDifference:
    return bench.repository.execution(before).diff(bench.repository.execution(after))


def listed(found: ExecutionDifference) -> list[tuple[str, tuple[str, ...]]]:
    names = [each.after or each.before for each in found.jobs]
    return [
        (row.task_name.removeprefix("bench."), each.what) for row, each in zip(names, found.jobs, strict=True) if row
    ]


def test_two_equal_executions_do_not_differ(bench: Bench) -> None:
    bench.write(WORKFLOW)
    bench.run("main", [1, 2])
    bench.run("main", [1, 2])
    found = compared(bench)
    assert found.jobs == []
    assert found.is_complete
    assert found.counts["bench.scale"] == ({Status.DONE: 2}, {Status.CACHED: 2})


def test_only_what_differs_is_listed_in_the_order_of_the_tree(bench: Bench) -> None:
    bench.write(WORKFLOW)
    bench.run("main", [1, 2, 3])
    bench.run("main", [1, 7, 3])
    found = compared(bench)
    assert listed(found) == [
        ("main", ("argument values", "result")),
        ("scale", ("argument x", "result")),
        ("write", ("argument values", "result")),
    ]
    scale = found.jobs[1]
    assert [(change.name, change.before, change.after) for change in scale.arguments] == [("x", "2", "7")]
    assert scale.result is not None
    assert (scale.result.before, scale.result.after) == ("4", "14")
    assert [found.number_of(kind) for kind in ("changed", "added", "removed")] == [3, 0, 0]
    assert list(found.files) == ["out.txt"]


def test_edited_tasks_are_listed_once_with_the_lines_that_differ(bench: Bench) -> None:
    bench.write(WORKFLOW)
    bench.run("main", [1, 2, 3])
    bench.edit("return x * by", "return by * x")
    bench.run("main", [1, 2, 3])
    found = compared(bench)
    assert list(found.codes) == ["bench.scale"]
    assert "+    return by * x" in found.codes["bench.scale"].lines
    assert [what for name, what in listed(found) if name == "scale"] == [("code",)] * 3


def test_calls_that_came_or_went_are_told_with_everything_below_them(bench: Bench) -> None:
    bench.write(
        "@task\ndef leaf(x):\n    return x\n\n\n@task\ndef branch(x):\n    return leaf(x)\n\n\n"
        "@task\ndef main(n):\n    return [branch(i) for i in range(n)]\n"
    )
    bench.run("main", 2)
    bench.run("main", 4)
    found = compared(bench)
    assert [found.number_of(kind) for kind in ("changed", "added", "removed")] == [1, 4, 0]
    back = compared(bench, "~1", "~2")
    assert [back.number_of(kind) for kind in ("changed", "added", "removed")] == [1, 0, 4]


def test_calls_in_another_order_are_matched_by_what_they_are(bench: Bench) -> None:
    bench.write("@task\ndef f(a, b):\n    return a\n\n\n@task\ndef main(rows):\n    return [f(*row) for row in rows]\n")
    bench.run("main", [[1, 10], [2, 20], [3, 30]])
    bench.run("main", [[3, 31], [2, 20], [1, 11]])
    found = compared(bench)
    pairs = [[(change.before, change.after) for change in each.arguments] for each in found.jobs[1:]]
    assert pairs == [[("30", "31")], [("10", "11")]]


def test_a_failure_is_a_difference(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return 1 // x\n\n\n@task\ndef main(x):\n    return f(x)\n")
    bench.run("main", 1)
    bench.run("main", 0)
    assert listed(compared(bench)) == [
        ("main", ("argument x", "DONE became FAILED")),
        ("f", ("argument x", "DONE became FAILED")),
    ]


def test_different_workflows_have_nothing_in_common(bench: Bench) -> None:
    bench.write("@task\ndef one():\n    return 1\n\n\n@task\ndef two():\n    return 2\n")
    bench.run("one")
    bench.run("two")
    assert listed(compared(bench)) == [("one", ("removed",)), ("two", ("added",))]


def test_calls_below_a_final_result_did_not_go(bench: Bench) -> None:
    """They were not made again, because nobody had to look."""
    bench.write(
        "@task\ndef leaf(x):\n    return File('a.txt')\n\n\n"
        "@task(check_valid='shallow')\ndef middle(x, mode=get_context('m')):\n    return leaf(x)\n\n\n"
        "@task\ndef main(n):\n    return [middle(1), n]\n"
    )
    Path("a.txt").write_text("x")
    bench.run("main", 1)
    bench.run("main", 2)
    assert listed(compared(bench)) == [("main", ("argument n", "result"))]


def test_a_comparison_is_bounded_and_says_so(bench: Bench) -> None:
    bench.write(
        "@task\ndef f(x):\n    return x\n\n\n@task\ndef main(n):\n    return [f(i) for i in range(n, n + 50)]\n"
    )
    bench.run("main", 0)
    bench.run("main", 100)
    ids = [bench.repository.execution(each).id for each in ("~2", "~1")]
    found = difference(bench.backend, *ids, most=10)
    assert not found.is_complete
    assert len(found.jobs) == 10
    assert compared(bench).is_complete


def test_an_unknown_execution_is_an_error(bench: Bench) -> None:
    bench.write("@task\ndef one():\n    return 1\n")
    execution = bench.run("one")
    with pytest.raises(UsageError, match="not in the repository"):
        difference(bench.backend, execution.id, "99999999-9999-4999-8999-999999999999")


def test_one_call_more_makes_no_other_differ(bench: Bench) -> None:
    """However many there are side by side."""
    bench.write("@task\ndef f(x):\n    return x\n\n\n@task\ndef main(xs):\n    return [f(x) for x in xs]\n")
    bench.run("main", list(range(100)))
    bench.run("main", [1000, *range(100)])
    found = compared(bench)
    assert listed(found) == [("main", ("argument xs", "result")), ("f", ("added",))]


def test_calls_below_another_final_result_did_not_go(bench: Bench) -> None:
    """An edit was taken back, so that the final result of the first run holds again, and nobody looks below it."""
    bench.write(
        "@task\ndef leaf(x):\n    return x + 1\n\n\n@task(check_valid='shallow')\ndef middle(x):\n    return leaf(x)\n"
        "\n\n@task\ndef main(x):\n    return [middle(x)]\n"
    )
    bench.run("main", 1)
    bench.edit("x + 1", "x + 2")
    bench.run("main", 1)
    bench.edit("x + 2", "x + 1")
    bench.run("main", 1)
    assert listed(compared(bench)) == [("main", ("result",)), ("middle", ("result",))]
