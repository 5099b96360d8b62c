"""Where two values differ: that it is told however deep it lies, and that equal failures are none."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from redun import task
from redun.backends.records import StoredValue
from redun.provenance.places import places
from redun.scheduler.subrun import PackedExpression
from redun.value import encode

if TYPE_CHECKING:
    from provenance_bench import Bench


def stored(value: Any) -> StoredValue:
    return StoredValue(*encode(value)[:4])


def differing(before: Any, after: Any) -> list[str]:
    return places(stored(before), stored(after), "x")


NUMBERS = list(range(5000))
TABLE = {f"key{i}": {"v": list(range(20)), "i": i} for i in range(30)}


def edited(value: Any, *path: Any, to: Any) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return changed


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (NUMBERS, edited(NUMBERS, 4000, to=-1), ["x[4000]: 4000 became -1"]),
        (TABLE, edited(TABLE, "key25", "v", 7, to=8), ["x['key25']['v'][7]: 7 became 8"]),
        (TABLE, edited(TABLE, "key25", "v", 7, to=7.0), ["x['key25']['v'][7]: 7 became 7.0"]),
        (TABLE, edited(TABLE, "key30", to=1), ["x['key30']: 1 is new"]),
        (NUMBERS, [*NUMBERS[:3000], "new", *NUMBERS[3000:]], ["x[3000]: 'new' is new"]),
        (NUMBERS, NUMBERS[1:], ["x[0]: 0 is there no more"]),
        ({"a": {1, 2}}, {"a": {2, 3}}, ["x['a']: 1 is there no more", "x['a']: 3 is new"]),
        ([float("nan"), 1], [float("nan"), True], ["x[1]: 1 became True"]),
        ("é" * 3000 + "[1]", "é" * 3000 + "[2]", ["- ..." + "é" * 19 + "[1]'", "+ ..." + "é" * 19 + "[2]'"]),
    ],
)
def test_the_place_is_named(before: Any, after: Any, expected: list[str]) -> None:
    found = differing(before, after)
    if isinstance(before, str):
        assert [line[:5] + line[-8:] for line in found] == [line[:5] + line[-8:] for line in expected]
    else:
        assert found == expected


@task(namespace="places")
def part(x: int, y: Any = None) -> int:
    return x


def test_an_argument_of_the_call_that_a_sub_run_is_given_is_named() -> None:
    before, after = (PackedExpression([part(part(x), y={"a": [x]})]) for x in (1, 2))
    assert differing(before, after) == [
        "x.expression[0](0)(0): 1 became 2",
        "x.expression[0].y['a'][0]: 1 became 2",
    ]


def test_many_places_are_cut_short() -> None:
    found = differing(NUMBERS, [-1] * 5000)
    assert len(found) == 9
    assert found[-1] == "and more"


def test_equal_values_differ_nowhere() -> None:
    assert differing(TABLE, copy.deepcopy(TABLE)) == []


def test_an_explanation_and_a_comparison_name_the_place(bench: Bench) -> None:
    bench.write("@task\ndef size(d):\n    return len(d)\n\n\n@task\ndef main(d):\n    return size(d)\n")
    for path in (("key25", "v", 7), ("key29", "i")):
        bench.run("main", TABLE)
        bench.run("main", edited(TABLE, *path, to=-1))
        place = "d" + "".join(f"[{step!r}]" for step in path)
        [reason] = bench.explain("size").reasons
        assert reason.text == "the argument d differs"
        assert reason.lines == (f"{place}: {path[-1] if path[-1] == 7 else 29} became -1",)
        jobs = bench.repository.execution("~2").diff(bench.repository.execution("-")).jobs
        assert [change.details for change in jobs[0].arguments] == [reason.lines]


def test_what_cannot_be_shown_is_said_to_differ(bench: Bench) -> None:
    bench.write("@task\ndef size(text):\n    return len(text)\n")
    bench.run("size", ["x" * 2_000_000, 1])
    bench.run("size", ["x" * 2_000_000, 2])
    [reason] = bench.explain("size").reasons
    assert reason.lines == ("text: what differs lies beyond what can be shown",)


# -- comparing executions ---------------------------------------------------------------------------------------------

CONTEXT = """
@task
def leaf(x):
    return x


@task
def other(x, m=get_context("m")):
    return x


@task
def middle(x):
    return [leaf(x), other(x)]


@task
def main():
    return [middle(1), leaf(2)]
"""


def listed(bench: Bench, before: str = "~2", after: str = "-") -> list[tuple[str, tuple[str, ...]]]:
    jobs = bench.repository.execution(before).diff(bench.repository.execution(after)).jobs
    return [((each.after or each.before).task_name.removeprefix("bench."), each.what) for each in jobs]  # type: ignore[union-attr]


def test_a_context_that_nobody_took_is_told_where_it_begins(bench: Bench) -> None:
    bench.write(CONTEXT)
    bench.run("main")
    bench.run("main", context={"q": 1})
    assert listed(bench) == [("main", ("context",))]
    [root] = bench.repository.execution("~2").diff(bench.repository.execution("-")).jobs
    assert root.context is not None
    assert root.context.after == "{'q': 1}"


def test_a_context_that_was_taken_is_told_where_it_was(bench: Bench) -> None:
    bench.write(CONTEXT)
    bench.run("main")
    bench.run("main", context={"m": 1})
    assert listed(bench) == [("main", ("context",)), ("middle", ("calls below",)), ("other", ("argument m",))]


def test_equal_failures_do_not_differ(bench: Bench) -> None:
    bench.write(
        "@task\ndef fail(x):\n    return 1 // (x - x)\n\n\n@task\ndef rescue(error):\n    return -1\n\n\n"
        "@task\ndef middle(x):\n    return catch(fail(x), ZeroDivisionError, rescue)\n\n\n"
        "@task\ndef main(x):\n    return [middle(x)]\n"
    )
    bench.run("main", 1)
    bench.run("main", 1)
    assert listed(bench) == []
    bench.edit("1 // (x - x)", "1 % (x - x)")
    bench.run("main", 1)
    found = dict(listed(bench))
    assert found["fail"] == ("code", "result")
    assert found["main"] == ("calls below",)


def test_a_job_that_was_cancelled_is_told_from_one_that_was_not(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return x\n\n\n@task\ndef main():\n    return f(1)\n")
    bench.run("main")
    bench.run("main")
    jobs = bench.repository.execution("~2").diff(bench.repository.execution("-")).jobs
    assert jobs == []
    from redun.backends.records import JobRecord, RecordBatch, Status

    done = bench.job("main", "~2").row
    execution = bench.repository.execution("-").record
    cancelled = execution._replace(id="00000000-0000-4000-8000-000000000001", start_time=execution.start_time + 1)
    row = JobRecord(
        cancelled.id, 1, None, done.task_hash, done.eval_hash, None, Status.CANCELLED, done.start_time, 1e10, "", 1
    )
    bench.backend.record(RecordBatch(executions=[cancelled], jobs=[row]))
    assert listed(bench, done.execution_id, cancelled.id)[0] == ("main", ("DONE became CANCELLED",))
