"""That an explanation names the true cause: wherever it stands in the execution, and whatever else went on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redun.backends.records import ExecutionRecord, RecordBatch, Status
from redun.provenance.reasons import ReasonKind

if TYPE_CHECKING:
    from provenance_bench import Bench
    from redun.provenance.reasons import Explanation

FAN_IN = """
@task
def leaf(i, bias):
    return i + bias


@task
def fan_in(xs):
    return len(xs)


@task
def main(changed, n=20):
    return fan_in([leaf(i, 100 if i in changed else 0) for i in range(n)])
"""


def told(explanation: Explanation) -> list[ReasonKind]:
    return [reason.kind for reason in explanation.reasons]


# -- where an argument came from --------------------------------------------------------------------------------------


def test_the_one_source_that_changed_is_found_among_many_that_did_not(bench: Bench) -> None:
    bench.write(FAN_IN)
    for changed in (2, 18):
        bench.run("main", [])
        bench.run("main", [changed])
        [reason] = bench.explain("fan_in").reasons
        [cause] = reason.causes
        assert cause.job == bench.job("leaf", nth=changed).row
        assert cause.summary == "the argument bias was 0 and is 100"
        assert reason.more_causes == 0


def test_of_many_sources_that_changed_the_rest_is_counted(bench: Bench) -> None:
    bench.write(FAN_IN)
    bench.run("main", [])
    bench.run("main", list(range(3, 12)))
    [reason] = bench.explain("fan_in").reasons
    assert len(reason.causes) == 3
    assert reason.more_causes == 6


def test_a_list_that_was_passed_on_is_followed_to_what_changed_in_it(bench: Bench) -> None:
    bench.write(
        FAN_IN.replace("return fan_in([", "return outer([") + "\n\n@task\ndef outer(xs):\n    return fan_in(xs)\n"
    )
    bench.run("main", [])
    bench.run("main", [15])
    [reason] = bench.explain("fan_in").reasons
    assert [cause.job for cause in reason.causes] == [bench.job("leaf", nth=15).row]


def test_a_source_that_was_cached_but_came_out_differently_is_one(bench: Bench) -> None:
    bench.write(
        "@task\ndef leaf(x):\n    return x + 1\n\n\n@task\ndef middle(x):\n    return leaf(x)\n\n\n"
        "@task\ndef use(y):\n    return y\n\n\n@task\ndef main():\n    return use(middle(1))\n"
    )
    bench.run("main")
    bench.edit("x + 1", "x + 2")
    bench.run("main")
    [reason] = bench.explain("use").reasons
    [cause] = reason.causes
    assert cause.job == bench.job("middle").row
    assert "the calls in that came out differently" in cause.summary
    assert "below it ran" in cause.summary
    assert "bench.leaf" in cause.summary


def test_a_source_that_came_out_the_same_is_no_cause(bench: Bench) -> None:
    bench.write(
        "@task\ndef leaf(i):\n    return i\n\n\n@task\ndef top(i):\n    return leaf(i)\n\n\n"
        "@task\ndef tot(xs):\n    return sum(xs)\n\n\n"
        "@task\ndef main(x):\n    return tot([*[top(i) for i in range(3)], *[leaf(0) for _ in range(x)]])\n"
    )
    bench.run("main", 0)
    bench.edit("return i\n\n\n@task\ndef top", "return i * 2\n\n\n@task\ndef top")
    bench.run("main", 0)
    [reason] = bench.explain("tot").reasons
    named = [cause.job.number for cause in reason.causes if cause.job.task_name == "bench.top"]
    assert sorted(named) == [bench.job("top", nth=each).number for each in (1, 2)]


def test_a_source_that_had_another_context_and_came_out_the_same_is_no_cause(bench: Bench) -> None:
    bench.write(
        "@task\ndef top(i):\n    return i\n\n\n@task\ndef tot(xs):\n    return sum(xs)\n\n\n"
        "@task\ndef main(x):\n    return tot([top(0), top(1), top(2), x])\n"
    )
    bench.run("main", 1)
    bench.run("main", 1, context={"q": 1})
    bench.run("main", 2, context={"q": 2})
    [reason, *_] = bench.explain("tot").reasons
    assert reason.kind is ReasonKind.ARGUMENT
    assert (reason.causes, reason.more_causes) == ((), 0)


# -- why it did not run -----------------------------------------------------------------------------------------------

DEEP = """
@task
def leaf(x):
    return x + 1


@task
def middle(x):
    return leaf(x)


@task
def main():
    return [middle(1), middle(2)]
"""


def test_what_ran_is_found_below_what_was_cached(bench: Bench) -> None:
    bench.write(DEEP)
    bench.run("main")
    bench.edit("x + 1", "x + 2")
    bench.run("main")
    [reason] = bench.explain("main").reasons
    assert [line.split()[-1] for line in reason.lines] == ["bench.leaf", "bench.leaf"]
    assert "came out differently" in reason.text


def test_calls_below_that_came_out_the_same_are_said_to(bench: Bench) -> None:
    bench.write(DEEP)
    bench.run("main")
    bench.edit("x + 1", "1 + x")
    bench.run("main")
    assert "calls in that ran, and it came out the same" in bench.explain("main").summary


def test_another_context_that_nobody_took_is_no_difference_below(bench: Bench) -> None:
    bench.write(DEEP)
    bench.run("main")
    bench.run("main", context={"q": 1})
    for name in ("main", "middle", "leaf"):
        explanation = bench.explain(name)
        assert told(explanation) == [ReasonKind.CACHED]
        assert "its result is known from" in explanation.summary
        assert "the context is another one made no difference" in explanation.summary


# -- files ------------------------------------------------------------------------------------------------------------

FOLDER = """
from redun import Dir
from redun.file import FileSet


@task
def make(n):
    for i in range(n):
        File(f"d/f{i}.txt").write(str(i))
    return %s


@task
def use(files):
    return 1


@task
def main(n):
    return use(make(n))
"""


def test_the_file_that_came_into_a_directory_is_named(bench: Bench) -> None:
    for number, made in enumerate(('Dir("d")', 'FileSet("d/*.txt")', '[Dir("d"), 1]')):
        bench.write(FOLDER % made)
        bench.run("make", 2)
        Path(f"d/x{number}.txt").write_text("by hand")
        bench.run("make", 2)
        [reason] = bench.explain("make").reasons
        assert reason.kind is ReasonKind.RESULT_CHANGED
        assert reason.text.endswith(f"no longer as recorded: d/x{number}.txt came")
        assert reason.lines[0] == f"d/x{number}.txt: not in the earlier result"
        assert "f0.txt" not in reason.text


def test_a_directory_that_changed_some_other_way_is_told_as_such(bench: Bench) -> None:
    bench.write(FOLDER % 'Dir("d")')
    bench.run("make", 2)
    Path("d/f1.txt").unlink()
    bench.run("make", 2)
    [reason] = bench.explain("make").reasons
    assert "the directory d, no longer as recorded: a file in it was changed, or gone" in reason.text
    assert {line.partition(":")[0] for line in reason.lines} <= {"d/f0.txt", "d/f1.txt"}


def test_the_files_in_a_directory_that_is_an_argument_are_named(bench: Bench) -> None:
    bench.write(FOLDER % 'Dir("d")')
    bench.run("main", 2)
    bench.run("main", 3)
    [reason] = bench.explain("use").reasons
    assert reason.text == "the argument files is another state of the directory d"
    assert "d/f2.txt: not in the earlier one" in reason.lines


# -- handles ----------------------------------------------------------------------------------------------------------

HANDLES = """
from redun import Handle


class Db(Handle):
    def __init__(self, name):
        pass


@task
def load(db, n):
    return db


@task
def clean(db):
    return db


@task
def main(n):
    return clean(load(Db("db"), n))
"""


def test_that_every_call_has_a_fork_of_its_own_is_no_difference(bench: Bench) -> None:
    bench.write(HANDLES)
    bench.run("main", 1)
    bench.run("main", 2)
    assert [reason.text for reason in bench.explain("load").reasons] == ["the argument n was 1 and is 2"]
    [reason] = bench.explain("clean").reasons
    assert reason.text == "the argument db is another state of the handle bench.db"
    assert [cause.summary for cause in reason.causes] == ["the argument n was 1 and is 2"]
    changes = {
        (each.after or each.before).task_name: each.what  # type: ignore[union-attr]
        for each in bench.repository.execution("~2").diff(bench.repository.execution("-")).jobs
    }
    assert changes["bench.load"] == ("argument n", "result")


def test_the_call_that_rolled_a_handle_back_is_named(bench: Bench) -> None:
    bench.write(HANDLES)
    bench.run("main", 1)
    second = bench.run("main", 2)
    bench.run("main", 1)
    culprit = f"{second.id[:8]}.{bench.job('load', '~2').number} bench.load"
    for name in ("load", "clean"):
        [reason] = bench.explain(name).reasons
        assert reason.kind is ReasonKind.HANDLE_ROLLED_BACK
        assert f"rolled back: {culprit} ran since" in reason.text


def test_an_edit_that_was_taken_back_had_rolled_the_handle_back(bench: Bench) -> None:
    bench.write(HANDLES)
    bench.run("main", 1)
    bench.edit("def load(db, n):\n    return db", "def load(db, n):\n    n += 1\n    return db")
    bench.run("main", 1)
    bench.edit("    n += 1\n", "")
    bench.run("main", 1)
    assert told(bench.explain("load")) == [ReasonKind.HANDLE_ROLLED_BACK]


# -- code -------------------------------------------------------------------------------------------------------------


def test_the_helper_that_was_edited_is_named(bench: Bench) -> None:
    bench.write(
        "def one(x):\n    return x + 1\n\n\ndef two(x):\n    return x * 2\n\n\n"
        "@task(hash_helpers=True)\ndef f(x):\n    return one(two(x))\n"
    )
    bench.run("f", 1)
    bench.edit("x * 2", "x * 3")
    bench.run("f", 1)
    [reason] = bench.explain("f").reasons
    assert reason.kind is ReasonKind.CODE
    assert reason.lines == ("the source of the task itself is the same: its helper two was edited",)


def test_a_change_of_hash_includes_is_told_from_others(bench: Bench) -> None:
    bench.write('@task(hash_includes=["a"])\ndef one():\n    return 1\n')
    bench.run("one")
    bench.edit('"a"', '"b"')
    bench.run("one")
    [reason] = bench.explain("one").reasons
    assert reason.lines == ("the source of the task itself is the same: something in its hash_includes differs",)


def test_a_change_of_a_wrapped_task_is_told_from_others(bench: Bench) -> None:
    bench.write(
        "from redun.task import wraps_task\n\n\n"
        "@wraps_task()\ndef twice(inner):\n    def do(*args):\n        return 2 * inner.func(*args)\n\n    return do\n"
        "\n\n@twice\n@task\ndef f(x):\n    return x + 1\n"
    )
    bench.run("f", 1)
    bench.edit("x + 1", "x + 2")
    bench.run("f", 1)
    explanation = bench.explain("f")
    assert "the task that it wraps, bench" in str(explanation.reasons), explanation


# -- what is lost -----------------------------------------------------------------------------------------------------


def test_a_job_whose_process_is_gone_is_said_to_be_lost(bench: Bench) -> None:
    bench.write(DEEP)
    bench.run("main")
    job = bench.job("leaf")
    gone = ExecutionRecord(
        "0" * 8 + "-0000-4000-8000-" + "0" * 12, ("x",), Status.RUNNING, 1.0, 1.0, None, "nowhere:1:x"
    )
    bench.backend.record(RecordBatch(executions=[gone]))
    row = job.row._replace(execution_id=gone.id, status=Status.RUNNING, call_hash=None, end_time=None, child_count=0)
    from redun.provenance.explain import explain

    assert "was lost with its process" in explain(bench.backend, row).summary
