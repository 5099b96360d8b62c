"""Why a job ran, or did not have to: each reason, on repositories made by running workflows and editing them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from provenance_bench import Bench
from redun import Scheduler
from redun.backends.records import Status
from redun.provenance.explain import explain
from redun.provenance.reasons import Explanation, ReasonKind

FAN_OUT = """
@task
def f(a):
    return a


@task
def main(first, n):
    return [f(a) for a in range(first, first + n)]
"""


def kinds(explanation: Explanation) -> list[ReasonKind]:
    return [reason.kind for reason in explanation.reasons]


ADD = """
@task
def add(x, y):
    return x + y


@task
def main(x, y=10):
    return add(x, y)
"""


def test_the_first_call_of_a_task_has_nothing_to_be_compared_with(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    explanation = bench.explain("add")
    assert kinds(explanation) == [ReasonKind.FIRST_CALL]
    assert explanation.summary == "no earlier call of bench.add is recorded"
    assert explanation.earlier is None


def test_a_changed_argument_is_named_with_both_values(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    bench.run("main", 2)
    explanation = bench.explain("add")
    assert kinds(explanation) == [ReasonKind.ARGUMENT]
    assert explanation.summary == "the argument x was 1 and is 2"
    assert explanation.earlier == bench.job("add", "~2").row
    assert bench.explain("main").summary == "the argument x was 1 and is 2"


def test_where_long_values_differ_is_shown(bench: Bench) -> None:
    bench.write("@task\ndef size(words):\n    return len(words)\n")
    words = [f"word {number}" for number in range(100)]
    bench.run("size", words)
    bench.run("size", [*words[:50], "another", *words[51:]])
    [reason] = bench.explain("size").reasons
    assert reason.value is not None
    removed, added = reason.lines
    assert "'word 49', 'word 50', 'word 51'" in removed.replace("...", "")
    assert "'word 49', 'another', 'word 51'" in added
    assert max(len(removed), len(added)) < 100


def test_an_edit_is_shown_as_the_lines_that_differ(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    bench.edit("return x + y", "total = x + y\n    return total")
    bench.run("main", 1)
    explanation = bench.explain("add")
    assert kinds(explanation) == [ReasonKind.CODE]
    lines = explanation.reasons[0].lines
    assert "-    return x + y" in lines
    assert "+    total = x + y" in lines
    assert " def add(x, y):" in lines
    main = bench.explain("main")
    assert kinds(main) == [ReasonKind.CACHED]
    assert "below it ran" in main.reasons[0].lines[0]


def test_a_new_version_counts_as_an_edit(bench: Bench) -> None:
    bench.write('@task(version="1")\ndef one():\n    return 1\n')
    bench.run("one")
    bench.edit('version="1"', 'version="2"')
    bench.run("one")
    [reason] = bench.explain("one").reasons
    assert reason.kind is ReasonKind.CODE
    assert reason.code is not None
    assert reason.code.note == "version '1' became '2'"


def test_what_differs_beside_the_source_is_guessed_as_such(bench: Bench) -> None:
    bench.write('@task(hash_includes=["a"])\ndef one():\n    return 1\n')
    bench.run("one")
    bench.edit('"a"', '"b"')
    bench.run("one")
    [reason] = bench.explain("one").reasons
    assert reason.kind is ReasonKind.CODE
    assert "hash_includes" in reason.lines[0]


def test_an_edit_and_a_changed_argument_are_both_told(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    bench.edit("x + y", "y + x")
    bench.run("main", 2)
    assert kinds(bench.explain("add")) == [ReasonKind.CODE, ReasonKind.ARGUMENT]


FILES = """
@task
def write(path, text):
    file = File(path)
    file.write(text)
    return file


@task
def read(file):
    return file.read()


@task
def main(path, text):
    return read(write(path, text))
"""


def test_a_changed_file_is_named_and_where_it_came_from(bench: Bench) -> None:
    bench.write(FILES)
    bench.run("main", "a.txt", "one")
    bench.edit("file.write(text)", "file.write(text + '!')")
    bench.run("main", "a.txt", "one")
    explanation = bench.explain("read")
    assert explanation.summary == "the argument file is another state of the file a.txt"
    [reason] = explanation.reasons
    assert reason.lines[0].startswith("a.txt: state ")
    [cause] = reason.causes
    assert cause.job == bench.job("write").row
    assert cause.summary.startswith("the code of bench.write differs from")


def test_an_input_file_that_somebody_changed_is_compared_with_its_earlier_state(bench: Bench) -> None:
    bench.write(
        "@task\ndef read(file):\n    return file.read()\n\n\n"
        "@task\ndef main(paths):\n    return [read(File(path)) for path in paths]\n"
    )
    paths = [f"{number}.txt" for number in range(5)]
    for path in paths:
        Path(path).write_text("before")
    bench.run("main", paths)
    Path("3.txt").write_text("changed")
    bench.run("main", paths)
    [job] = [
        job for job in bench.repository.execution("-").jobs() if job.task_name == "bench.read" and job.status == "DONE"
    ]
    assert job.explain().summary == "the argument file is another state of the file 3.txt"


def test_a_chain_of_changes_is_followed_to_its_root(bench: Bench) -> None:
    bench.write(
        "".join(f"@task\ndef f{n}(x):\n    return x + {n}\n\n\n" for n in range(3))
        + "@task\ndef inner(x):\n    return f2(x)\n\n\n@task\ndef main():\n    return inner(f1(f0(1)))\n"
    )
    bench.run("main")
    bench.edit("return x + 0", "return x + 100")
    bench.run("main")
    [reason] = bench.explain("f2").reasons
    assert [cause.job.task_name for cause in reason.causes] == ["bench.f1", "bench.f0"]
    assert reason.causes[-1].summary.startswith("the code of bench.f0 differs")


def test_a_result_whose_file_was_changed_does_not_hold(bench: Bench) -> None:
    bench.write(FILES)
    bench.run("write", "a.txt", "one")
    Path("a.txt").write_text("somebody else's")
    bench.run("write", "a.txt", "one")
    [reason] = bench.explain("write").reasons
    assert reason.kind is ReasonKind.RESULT_CHANGED
    assert "holds a.txt, which was no longer there as it was recorded" in reason.text
    assert reason.lines[0].startswith("a.txt: was in state ")


def test_a_result_whose_file_is_gone_does_not_hold(bench: Bench) -> None:
    bench.write(
        "@task\ndef make():\n    for path in ('a.txt', 'b.txt'):\n        File(path).write('x')\n"
        "    return {'files': [File('a.txt'), File('b.txt')]}\n"
    )
    bench.run("make")
    os.utime("b.txt", (1, 1))
    Path("a.txt").unlink()
    bench.run("make")
    [reason] = bench.explain("make").reasons
    assert reason.kind is ReasonKind.RESULT_CHANGED
    assert [line.partition(":")[0] for line in reason.lines] == ["a.txt", "b.txt"]


def test_an_old_job_is_compared_with_what_came_before_it(bench: Bench) -> None:
    """However often the same evaluation came out differently since."""
    bench.write(FILES)
    for number in range(40):
        Path("a.txt").write_text("x" * (100 + number))
        bench.run("write", "a.txt", "one")
        os.utime("a.txt", (number, number))
    explanation = bench.job("write", "~38").explain()
    assert kinds(explanation) == [ReasonKind.RESULT_CHANGED]
    assert explanation.earlier == bench.job("write", "~39").row


def test_a_failure_is_not_cached(bench: Bench) -> None:
    bench.write("@task\ndef fail(x):\n    return 1 // x\n")
    bench.run("fail", 0)
    bench.run("fail", 0)
    [reason] = bench.explain("fail").reasons
    assert reason.kind is ReasonKind.FAILED_BEFORE
    assert "ZeroDivisionError" in reason.lines[0]


@pytest.mark.parametrize(
    "option", ["cache=False", 'cache_scope="NONE"', 'cache_scope="CSE"', 'cache=False, executor="default"']
)
def test_options_that_switch_the_cache_off_are_recognized(bench: Bench, option: str) -> None:
    bench.write(f"@task({option})\ndef one():\n    return 1\n")
    bench.run("one")
    bench.run("one")
    [reason] = bench.explain("one").reasons
    assert reason.kind is ReasonKind.NO_CACHE_TASK
    assert option.partition("=")[0] in reason.text


def test_a_run_without_the_cache_is_recognized_by_its_command(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    bench.run("main", 1, cache=False, exec_argv=["redun", "run", "wf.py", "main", "--no-cache"])
    assert kinds(bench.explain("add")) == [ReasonKind.NO_CACHE_RUN]


def test_a_run_without_the_cache_from_python_is_recognized(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    bench.run("main", 1, cache=False)
    assert kinds(bench.explain("add")) == [ReasonKind.NO_CACHE_RUN]
    assert bench.explain("add").summary == "the execution was started with cache=False"


def test_a_task_may_have_an_argument_of_that_name(bench: Bench) -> None:
    bench.write("@task\ndef fail(no_cache):\n    return 1 // 0\n")
    for _ in range(2):
        bench.run("fail", True, exec_argv=["redun", "run", "wf.py", "fail", "--no-cache", "true"])
    assert kinds(bench.explain("fail")) == [ReasonKind.FAILED_BEFORE]


MOODY = """
from redun.value import Value


class Moody(Value):
    def is_valid(self):
        return False

    def __getstate__(self):
        return {"x": 1}

    def __setstate__(self, state):
        pass


@task
def make():
    return Moody()
"""


def test_what_the_facts_cannot_tell_is_said(bench: Bench) -> None:
    bench.write(MOODY)
    bench.run("make")
    bench.run("make")
    explanation = bench.explain("make")
    assert kinds(explanation) == [ReasonKind.UNKNOWN]
    assert "the stored facts do not say" in explanation.summary


def test_other_options_are_told_apart_without_being_recorded(bench: Bench) -> None:
    bench.write('@task(cache=False, secret="{}")\ndef one():\n    return 1\n'.format("first password"))
    bench.run("one")
    bench.edit("first", "second")
    bench.run("one")
    [reason] = bench.explain("one").reasons
    assert reason.kind is ReasonKind.OPTIONS
    assert "password" not in reason.text
    assert "only a hash" in reason.text


def test_a_context_that_differs_is_shown(bench: Bench) -> None:
    bench.write('@task(cache=True)\ndef show(x, mode=get_context("mode")):\n    return mode\n')
    bench.run("show", 1, context={"mode": "a"})
    bench.run("show", 1, context={"mode": "b"})
    explanation = bench.explain("show")
    assert kinds(explanation) == [ReasonKind.ARGUMENT, ReasonKind.CONTEXT]
    assert explanation.reasons[0].text == "the argument mode was 'a' and is 'b'"
    assert explanation.reasons[1].text == "the context was {'mode': 'a'} and is {'mode': 'b'}"


@pytest.mark.standard
def test_an_edit_below_a_task_whose_final_result_alone_counts_is_named(bench: Bench) -> None:
    bench.write(
        "@task\ndef below(x):\n    return x\n\n\n"
        "@task(check_valid='shallow', cache=True)\nasync def above(x):\n    return await below(x)\n"
    )
    Async(bench).run("above", 1)
    bench.edit("def below(x):\n    return x", "def below(x):\n    return x + 0")
    Async(bench).run("above", 1)
    [reason] = bench.explain("above").reasons
    assert reason.kind is ReasonKind.CODE_BELOW
    assert "bench.below" in reason.text
    assert "+    return x + 0" in reason.lines


class Async:
    """Runs on an executor that can await."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def run(self, name: str, *args: object) -> None:
        Scheduler(backend=self._bench.backend).run(getattr(self._bench.module, name)(*args))


def test_attempts_are_listed(bench: Bench) -> None:
    bench.write(
        "tries = []\n\n\n@task(max_retries=2, retry_delay=0)\ndef flaky():\n    tries.append(1)\n"
        "    return 1 // (len(tries) - 1)\n"
    )
    bench.run("flaky")
    explanation = bench.explain("flaky")
    assert kinds(explanation) == [ReasonKind.FIRST_CALL, ReasonKind.RETRIED]
    [line] = explanation.reasons[1].lines
    assert line.startswith("attempt 1: ZeroDivisionError: ")


def test_a_cached_job_names_the_job_that_computed_its_result(bench: Bench) -> None:
    bench.write(ADD)
    for _ in range(3):
        bench.run("main", 1)
    for name in ("add", "main"):
        explanation = bench.explain(name)
        assert kinds(explanation) == [ReasonKind.CACHED]
        assert explanation.earlier == bench.job(name, "~3").row


def test_a_final_result_that_was_used_is_told_from_one_that_was_looked_into(bench: Bench) -> None:
    bench.write(ADD.replace("@task\ndef main", '@task(check_valid="shallow")\ndef main'))
    bench.run("main", 1)
    bench.run("main", 1)
    assert "its final result is known" in bench.explain("main").summary


def test_an_equal_call_of_the_same_execution_is_named(bench: Bench) -> None:
    bench.write(
        "@task\ndef f(x):\n    return x\n\n\n@task\ndef g(x):\n    return f(x)\n\n\n"
        "@task\ndef main():\n    return [f(1), g(1)]\n"
    )
    bench.run("main")
    explanations = [bench.explain("f", nth) for nth in range(2)]
    assert kinds(explanations[0]) == [ReasonKind.FIRST_CALL]
    assert kinds(explanations[1]) == [ReasonKind.SHARED]
    assert explanations[1].earlier == bench.job("f").row
    bench.run("main")
    assert [kinds(bench.explain("f", nth)) for nth in range(2)] == [[ReasonKind.CACHED], [ReasonKind.SHARED]]


def test_a_job_that_failed_below_says_so(bench: Bench) -> None:
    bench.write("@task\ndef fail(x):\n    return 1 // x\n\n\n@task\ndef main(x):\n    return fail(x)\n")
    bench.run("main", 0)
    assert bench.explain("main").notes == (f"{bench.job('fail').id[:8]}.2 bench.fail below it failed",)
    bench.run("main", 0)
    explanation = bench.explain("main")
    assert kinds(explanation) == [ReasonKind.FAILED_BELOW]
    assert kinds(bench.explain("fail")) == [ReasonKind.FAILED_BEFORE]


def test_a_job_that_has_not_ended_is_told_as_far_as_it_is_known(bench: Bench) -> None:
    bench.write(ADD)
    bench.run("main", 1)
    row = bench.job("add").row._replace(
        call_hash=None, status=Status.RUNNING, number=99, eval_hash=b"e" * 20, child_count=0
    )
    explanation = explain(bench.backend, row)
    assert kinds(explanation) == [ReasonKind.NOT_ENDED, ReasonKind.UNKNOWN]
    assert "an argument must differ" in explanation.reasons[1].text


def test_explaining_asks_few_questions_in_a_large_execution(bench: Bench) -> None:
    """Their number does not grow with the number of calls."""
    bench.write(FAN_OUT)
    counts = []
    for n in (30, 1_500):
        bench.run("main", 0, n)
        bench.edit("return a\n" if n == 30 else "return a + 0\n", f"return a + {n - 30}\n")
        bench.run("main", 0, n)
        asked: list[str] = []
        explain(Counting(bench.backend, asked), bench.job("f", nth=n - 1).row)  # type: ignore[arg-type]
        counts.append(len(asked))
    assert counts[1] <= counts[0] + 15


class Counting:
    """A backend that notes what it is asked."""

    def __init__(self, backend: object, asked: list[str]) -> None:
        self._backend = backend
        self._asked = asked

    def __getattr__(self, name: str) -> object:
        self._asked.append(name)
        return getattr(self._backend, name)
