"""Where values came from, and what was made from them, in a repository that has not all of the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redun.backends.copying import copy_records
from redun.backends.memory import MemoryBackend
from redun.cli.log.derivation_view import downstream_lines, upstream_data, upstream_lines
from redun.provenance import Repository
from redun.provenance.namers import Namers

if TYPE_CHECKING:
    from provenance_bench import Bench

SHALLOW = """
@task
def blob(i):
    return ["x" * i]


@task
def write(i, data):
    file = File(f"f{i}.txt")
    file.write(str(data))
    return file


@task
def size(file):
    return len(file.read())


@task
def pair(a, b):
    return {"a": a, "b": b}


@task(check_valid="shallow")
def sub(i):
    return pair(size(write(i, blob(i))), 77)


@task
def main(lo, hi):
    return [sub(i) for i in range(lo, hi)]
"""


@pytest.fixture
def partial(bench: Bench) -> Repository:
    """A copy of the second execution alone, which took what `sub` returned from the cache, and no job below it."""
    bench.write(SHALLOW)
    bench.run("main", 0, 4)
    execution = bench.run("main", 1, 4)
    target = MemoryBackend()
    copy_records(bench.backend, target, [execution.id])
    return Repository(target)


def test_what_the_code_of_a_call_set_was_not_given_to_the_root(partial: Repository) -> None:
    [state] = partial.file("f2.txt")
    steps = list(state.upstream())
    assert [(step.depth, step.name, step.call and step.call.task and step.call.task.record.name) for step in steps] == [
        (0, None, "write"),
        (1, "i", None),
        (1, "data", "blob"),
        (2, "i", None),
    ]
    assert steps[0].job is None
    for step in (steps[1], steps[3]):
        assert not step.is_given
        assert step.job is not None
        assert step.job.task_name == "bench.main"
    text = "\n".join(upstream_lines(partial.backend, state.value_hash, None))
    assert text.count("set in ") == 2
    assert "its job is not in this repository" in text
    assert "given to the root" not in text


def test_what_is_not_known_is_said_not_to_be(partial: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Namers, "above", lambda *_: None)
    monkeypatch.setattr(Namers, "takers", lambda *_: [])
    [state] = partial.file("f2.txt")
    text = "\n".join(upstream_lines(partial.backend, state.value_hash, None))
    assert text.count("set by a call whose job is not in this repository") == 2
    origins = [step for step in upstream_data(partial.backend, state.value_hash, None) if step["is_origin"]]
    assert [(step["set_in"], step["is_given"]) for step in origins] == [(None, False)] * 2
    assert "(what took its result is not known)" in "\n".join(downstream_lines(partial.backend, state.value_hash, None))


def test_what_a_call_without_a_job_set_is_told_with_that_call(bench: Bench) -> None:
    bench.write(SHALLOW + "\n\n@task(check_valid='shallow')\ndef top(n):\n    return [sub(n)]\n")
    bench.run("top", 1)
    execution = bench.run("top", 1)
    target = MemoryBackend()
    copy_records(bench.backend, target, [execution.id])
    [pair] = [call for call in Repository(target).job("-").call.children()[0].children() if "b" in call.arguments]  # type: ignore[union-attr]
    steps = list(pair.result.upstream())
    [origin] = [step for step in steps if step.name == "b"]
    assert origin.job is None
    assert origin.set_in is not None
    assert origin.set_in.task is not None
    assert origin.set_in.task.record.name == "sub"
    text = "\n".join(upstream_lines(target, pair.result.value_hash, None))
    assert f"b <- 77 (set in CallNode {origin.set_in.id[:8]} bench.sub, its job is not in this repository)" in text
    assert "(given to the root)" in text  # the i of sub is the n of top


def test_what_was_made_is_followed_through_calls_whose_jobs_are_gone(partial: Repository) -> None:
    [state] = partial.file("f2.txt")
    uses = list(state.downstream())
    names = [use.call.task.record.name for use in uses if use.call.task is not None]
    assert names == ["size", "pair", "sub", "main"]
    assert [use.job is None for use in uses] == [True, True, False, False]
    assert [use.is_end for use in uses] == [False, False, False, True]


def test_each_use_has_the_call_that_it_went_on_from(bench: Bench) -> None:
    bench.write(
        "@task\ndef extra(x):\n    return x + 1\n\n\n@task\ndef num(x):\n    return x * 2\n\n\n"
        "@task\ndef scale(n):\n    return n * 3\n\n\n@task\ndef report(a, b):\n    return [a, b]\n\n\n"
        "@task\ndef main():\n    x = extra(1)\n    n = num(x)\n    return report(x, scale(n))\n"
    )
    bench.run("main")
    call = bench.job("extra").call
    assert call is not None
    lines = [line for line in downstream_lines(bench.backend, call.record, None) if "Job " in line]
    shown = [(line.partition("Job")[0], line.partition("bench.")[2].partition("(")[0]) for line in lines]
    assert [(len(indent) // 2, name) for indent, name in shown] == [
        (1, "num"),
        (2, "scale"),
        (1, "report"),
        (2, "main"),
    ]
    uses = {use.call.task.record.name: use for use in call.downstream() if use.call.task is not None}
    parents = {name: use.parent and use.parent.task and use.parent.task.record.name for name, use in uses.items()}
    assert parents == {"num": None, "report": None, "scale": "num", "main": "report"}


def test_a_lineage_leads_on_to_jobs_calls_and_values(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return x * 2\n\n\n@task\ndef main():\n    return f(f(21))\n")
    bench.run("main")
    first, second = bench.job("f"), bench.job("f", nth=1)
    assert second.result is not None
    steps = list(second.result.upstream())
    assert [step.job and step.job.id for step in steps] == [second.id, first.id, bench.job("main").id]
    assert [step.value.preview() for step in steps] == ["84", "42", "21"]
    assert steps[0].call == second.call
    assert steps[-1].is_origin
    assert first.call is not None
    [taker, passed] = first.call.downstream()
    assert taker.job == second
    assert taker.call.arguments["x"].preview() == "42"
    assert taker.call.result.preview() == "84"
    assert passed.parent == taker.call
