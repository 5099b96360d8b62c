"""Where a value came from, and what was made from it, all the way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance_bench import Bench
    from redun.provenance.lineage import Step, Use

PIPELINE = """
@task
def extract(source):
    table = File("table.txt")
    table.write(source.read().upper())
    return table


@task
def count(table):
    return len(table.read())


@task
def report(table, size, title):
    file = File("report.txt")
    file.write(f"{title} {size} {table.read()}")
    return {"report": file}


@task
def analyse(table, title="Words"):
    return report(table, count(table), title)


@task
def main(path):
    return analyse(extract(File(path)))


@task
def publish(file):
    page = File("page.html")
    page.write(f"<p>{file.read()}</p>")
    return page
"""


def prepared(bench: Bench) -> None:
    Path("in.txt").write_text("words")
    bench.write(PIPELINE)
    bench.run("main", "in.txt")


def told(steps: list[Step]) -> list[tuple[int, str | None, str]]:
    """Depth, parameter, and the task that made it or the place where it was set."""
    found = []
    for step in steps:
        task_name = step.job.task_name.removeprefix("bench.") if step.job is not None else "root"
        found.append((step.depth, step.name, task_name if step.call is not None else f"in {task_name}"))
    return found


def test_a_file_is_derived_from_the_calls_that_made_it_and_what_they_took(bench: Bench) -> None:
    prepared(bench)
    [state] = bench.repository.file("report.txt")
    assert told(list(state.upstream())) == [
        (0, None, "report"),
        (1, "table", "extract"),
        (2, "source", "in main"),
        (1, "size", "count"),
        (2, "table", "extract"),
        (1, "title", "in main"),
    ]
    again = list(state.upstream())[4]
    assert again.was_shown


def test_a_derivation_goes_on_through_files_of_earlier_executions(bench: Bench) -> None:
    prepared(bench)
    bench.write(PIPELINE + '\n\n@task\ndef second():\n    return publish(File("report.txt"))\n')
    bench.run("second")
    [page] = bench.repository.file("page.html")
    steps = told(list(page.upstream()))
    assert steps[:3] == [(0, None, "publish"), (1, "file", "report"), (2, "table", "extract")]


def test_a_result_put_together_from_several_calls_leads_to_each(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return x * 2\n\n\n@task\ndef main():\n    return [f(1), {'two': f(2)}]\n")
    execution = bench.run("main")
    assert execution.root is not None
    assert execution.root.result is not None
    steps = told(list(execution.root.result.upstream()))
    assert steps == [(0, None, "main"), (1, None, "f"), (2, "x", "in main"), (1, None, "f"), (2, "x", "in main")]


def test_a_long_derivation_is_read_as_far_as_asked(bench: Bench) -> None:
    bench.write(
        "@task\ndef f(x):\n    return x + 1\n\n\n"
        "@task\ndef main(n):\n    x = 0\n    for _ in range(n):\n        x = f(x)\n    return x\n"
    )
    execution = bench.run("main", 300)
    assert execution.root is not None
    assert execution.root.result is not None
    steps = list(execution.root.result.upstream(limit=1000))
    assert [step.depth for step in steps] == list(range(301))
    assert len(list(execution.root.result.upstream(limit=7))) == 7


def test_what_nobody_made_is_an_origin(bench: Bench) -> None:
    prepared(bench)
    [state] = bench.repository.file("in.txt")
    [step] = state.upstream()
    assert (step.call, step.job) == (None, None)


def uses(found: list[Use]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(use.depth, use.job.task_name.removeprefix("bench.") if use.job else "?", use.took) for use in found]


def test_what_was_made_from_a_file_is_followed_to_the_end(bench: Bench) -> None:
    prepared(bench)
    [state] = bench.repository.file("in.txt")
    found = list(state.downstream())
    names = [name for _, name, _ in uses(found)]
    assert names[0] == "extract"
    assert set(names) == {"extract", "analyse", "count", "report", "main"}
    assert [use.job.task_name for use in found if use.is_end and use.job is not None] == ["bench.main"]
    report = next(each for each in uses(found) if each[1] == "report")
    assert "table" in report[2] or "size" in report[2]


def test_the_files_made_from_a_file_are_found(bench: Bench) -> None:
    prepared(bench)
    [state] = bench.repository.file("in.txt")
    made = [file for use in state.downstream() for file in use.made]
    assert sorted(file.path for file in made) == ["report.txt", "table.txt"]
    assert all(file.upstream() for file in made)


def test_what_later_executions_made_from_a_file_is_found(bench: Bench) -> None:
    prepared(bench)
    bench.write(PIPELINE + '\n\n@task\ndef second():\n    return publish(File("report.txt"))\n')
    bench.run("second")
    [state] = bench.repository.file("in.txt")
    assert "publish" in [name for _, name, _ in uses(list(state.downstream()))]


def test_what_was_made_from_a_result_is_not_what_was_made_from_an_equal_value(bench: Bench) -> None:
    bench.write(
        "@task\ndef two():\n    return 2\n\n\n@task\ndef f(x):\n    return x\n\n\n@task\ndef g(x):\n    return -x\n\n\n"
        "@task\ndef main():\n    return [f(two()), g(2)]\n"
    )
    bench.run("main")
    call = bench.job("two").call
    assert call is not None
    assert uses(list(call.downstream())) == [(1, "f", ("x",)), (2, "main", ())]
    assert {name for _, name, _ in uses(list(call.result.downstream()))} == {"f", "g", "main"}


def test_what_was_made_is_read_as_far_as_asked(bench: Bench) -> None:
    bench.write(
        "@task\ndef f(file, n):\n    return n\n\n\n"
        "@task\ndef main(n):\n    file = File('in.txt')\n    return [f(file, i) for i in range(n)]\n"
    )
    Path("in.txt").write_text("x")
    bench.run("main", 60)
    [state] = bench.repository.file("in.txt")
    assert len(list(state.downstream(limit=10))) == 10
    assert list(bench.repository.value("00" * 20).downstream()) == []


def test_a_value_that_was_only_passed_on_is_derived_from_who_made_it(bench: Bench) -> None:
    bench.write(
        "@task\ndef make(x):\n    return [x]\n\n\n@task\ndef outer(x):\n    return make(x)\n\n\n"
        "@task\ndef use(y):\n    return len(y)\n\n\n@task\ndef main(x):\n    return use(outer(x))\n"
    )
    execution = bench.run("main", 5)
    assert execution.root is not None
    assert execution.root.result is not None
    assert told(list(execution.root.result.upstream())) == [(0, None, "use"), (1, "y", "make"), (2, "x", "in root")]
