"""Which earlier call a new one is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redun.provenance.reasons import ReasonKind

if TYPE_CHECKING:
    from provenance_bench import Bench


def test_the_nearest_call_is_that_with_the_fewest_differences(bench: Bench) -> None:
    bench.write(
        "@task\ndef f(a, b, c):\n    return a\n\n\n@task\ndef main(rows):\n    return [f(*row) for row in rows]\n"
    )
    rows = [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    bench.run("main", rows)
    bench.run("main", [[2, 2, 9], *rows])
    new = next(
        job for job in bench.repository.execution("-").jobs() if job.status == "DONE" and job.task_name != "bench.main"
    )
    assert new.explain().summary == "the argument c was 2 and is 9"


def test_of_equally_near_calls_the_one_at_the_same_place_is_taken(bench: Bench) -> None:
    bench.write("@task\ndef f(a):\n    return a\n\n\n@task\ndef main(n):\n    return [f(n), f(n + 1), f(n + 2)]\n")
    bench.run("main", 10)
    bench.run("main", 20)
    assert [bench.explain("f", nth).summary for nth in range(3)] == [
        f"the argument a was {n} and is {n + 10}" for n in (10, 11, 12)
    ]


GRID = """
@task
def f(a, b):
    return a


@task
def grid(n):
    return [f(a, b) for a in range(n) for b in range(n)]


@task
def one(a, b):
    return f(a, b)
"""


def test_exactly_the_same_arguments_are_found_wherever_they_were(bench: Bench) -> None:
    """Also where there are hundreds of newer calls that have one of them."""
    bench.write(GRID)
    bench.run("grid", 30)
    bench.edit("return a", "return a + 0")
    bench.run("one", 3, 5)
    explanation = bench.explain("f")
    assert [reason.kind for reason in explanation.reasons] == [ReasonKind.CODE]
    assert explanation.earlier == bench.job("f", "~2", nth=3 * 30 + 5).row


def test_an_earlier_state_of_the_same_file_is_found_wherever_it_was_taken(bench: Bench) -> None:
    bench.write(
        "@task\ndef read(file):\n    return 1\n\n\n"
        "@task\ndef all(n):\n    return [read(File(f'{i}.txt')) for i in range(n)]\n\n\n"
        "@task\ndef one(path):\n    return read(File(path))\n"
    )
    for number in range(60):
        Path(f"{number}.txt").write_text("before")
    bench.run("all", 60)
    Path("7.txt").write_text("changed")
    bench.run("one", "7.txt")
    assert bench.explain("read").summary == "the argument file is another state of the file 7.txt"


def test_a_context_that_an_execution_had_between_is_no_difference(bench: Bench) -> None:
    bench.write(
        "@task\ndef leaf(i, x):\n    return i * x\n\n\n"
        "@task\ndef main(x, n):\n    return [leaf(i, x) for i in range(n)]\n"
    )
    bench.run("main", 1, 60)
    bench.run("main", 1, 60, context={"q": 1})
    bench.run("main", 3, 60, context={"q": 1})
    bench.run("main", 2, 60)
    for nth in (0, 59):
        [reason] = bench.explain("leaf", nth=nth).reasons
        assert reason.text == "the argument x was 1 and is 2"
