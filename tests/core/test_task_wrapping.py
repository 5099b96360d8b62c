"""Decorators for tasks: names, hashes, signatures and options of what `wraps_task` makes."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler
from redun.errors import UsageError
from redun.job_info import JobInfo
from redun.task import Task, get_task_registry, scheduler_task, task, wraps_task

redun_namespace = "test_wrapping"


def multiplied(name: str, factor: int = 10, **options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    @wraps_task(wrapper_name=name, wrapper_hash_includes=[factor], **options)
    def wrapper(inner_task: Task[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any):  # type: ignore[no-untyped-def]
            return factor * inner_task.func(*args, **kwargs)

        return run

    return wrapper


def wrapped_three_times() -> Task[..., Any]:
    @multiplied("outer", memory=1)
    @multiplied("middle")
    @multiplied("near")
    @task(vcpus=3)
    def add(x: int, y: int = 2) -> int:
        """Adds."""
        return x + y

    return add


def test_the_wrapped_task_keeps_its_name_and_what_it_wraps_is_renamed() -> None:
    add = wrapped_three_times()
    names = []
    one: Task[..., Any] | None = add
    while one is not None:
        names.append(one.fullname)
        assert get_task_registry().get(one.fullname) is one
        one = one.wrapped_task
    assert names == [
        "test_wrapping.add",
        "test_wrapping.outer.add",
        "test_wrapping.middle.outer.add",
        "test_wrapping.near.middle.outer.add",
    ]
    assert add.inner_task.fullname == names[-1]
    assert add.get_task_option("wrapped_task") == names[1]
    assert add.wrapped_task is not None
    assert add.wrapped_task.get_task_option("wrapped_task") == names[2]


def test_every_wrapper_runs_around_the_body(scheduler: Scheduler) -> None:
    add = wrapped_three_times()
    assert scheduler.run(add(1)) == 3000
    assert scheduler.run(add(1, y=4)) == 5000


def test_the_signature_is_that_of_the_innermost_function(scheduler: Scheduler) -> None:
    add = wrapped_three_times()
    assert list(add.signature.parameters) == ["x", "y"]
    assert add.load_module == __name__
    assert scheduler.run(add(1)) == scheduler.run(add(y=2, x=1))
    assert scheduler.job_counts()["test_wrapping.add"] == [0, 0, 0, 1, 0]
    with pytest.raises(TypeError, match="missing"):
        scheduler.run(add())


def test_a_wrapper_may_have_parameters_of_its_own(scheduler: Scheduler) -> None:
    @wraps_task(use_wrapper_signature=True)
    def repeated(inner_task: Task[..., Any]) -> Callable[..., Any]:
        def run(x: int, times: int) -> list[int]:
            return [inner_task.func(x)] * times

        return run

    @repeated
    @task
    def square(x: int) -> int:
        return x * x

    assert list(square.signature.parameters) == ["x", "times"]
    assert scheduler.run(square(3, times=2)) == [9, 9]


def test_a_wrapper_may_call_the_task_as_jobs_of_their_own(scheduler: Scheduler) -> None:
    @wraps_task()
    def twice(inner_task: Task[..., Any]) -> Callable[..., Any]:
        def run(x: int) -> list[int]:
            return [inner_task(x), inner_task(x + 1)]

        return run

    @twice
    @task
    def square(x: int) -> int:
        return x * x

    assert scheduler.run(square(3)) == [9, 16]
    assert scheduler.job_counts()["test_wrapping.twice.square"] == [0, 0, 0, 0, 2]


def test_a_plain_function_becomes_a_task_first(scheduler: Scheduler) -> None:
    @multiplied("tenfold")
    def plain(x: int) -> int:
        return x

    assert scheduler.run(plain(4)) == 40
    assert get_task_registry().get("test_wrapping.tenfold.plain") is plain.wrapped_task


def test_options_belong_to_the_task_that_they_were_given_to() -> None:
    add = wrapped_three_times()
    assert add.get_task_option("memory") == 1
    assert not add.has_task_option("vcpus")
    assert add.inner_task.get_task_option("vcpus") == 3
    derived = add.options(memory=5)
    assert derived.get_task_option("memory") == 5
    assert derived.hash == add.hash
    assert derived.wrapped_task is add.wrapped_task


def test_options_do_not_change_the_hash_of_the_code(scheduler: Scheduler) -> None:
    @task(hash_includes=["v1"], export_options={"memory": 1})
    def plain() -> int:
        return 1

    derived = plain.options(vcpus=2)
    assert derived.hash == plain.hash
    assert derived.export_names == ("memory",)
    assert derived.is_valid()


def test_what_functools_wraps_has_disguised_still_counts_as_the_wrapper() -> None:
    def make(factor_text: str) -> str:
        @wraps_task()
        def disguised(inner_task: Task[..., Any]) -> Callable[..., Any]:
            @functools.wraps(inner_task.func)
            def run(*args: Any) -> Any:
                return inner_task.func(*args)

            return run

        @disguised
        @task(version=factor_text)
        def plain(x: int) -> int:
            return x

        assert "functools.wraps" in plain.source
        return plain.hash

    assert make("1") != make("2")


def test_a_value_that_the_wrapper_depends_on_can_be_hashed_in() -> None:
    def make(factor: int) -> str:
        @multiplied("by", factor)
        @task
        def plain(x: int) -> int:
            return x

        return plain.hash

    assert make(2) == make(2)
    assert make(2) != make(3)


def test_the_length_is_that_of_the_wrapper_or_else_of_the_task() -> None:
    @multiplied("pairs")
    @task
    def pair() -> tuple[int, int]:
        return 1, 2

    @wraps_task()
    def counted(inner_task: Task[..., Any]) -> Callable[..., Any]:
        def run() -> tuple[int, int, int]:
            return (*inner_task.func(), 3)

        return run

    assert pair.nout == 2
    assert counted(pair).nout == 3


def test_a_copy_with_options_can_be_wrapped(scheduler: Scheduler) -> None:
    @task
    def plain(x: int) -> int:
        return x

    assert scheduler.run(multiplied("copied")(plain.options(memory=1))(2)) == 20


def test_what_is_no_task_and_no_function_is_refused() -> None:
    @scheduler_task(namespace="test_wrapping")
    def control(scheduler: Any, parent_job: Any, sexpr: Any) -> Any: ...

    @task
    def plain(x: int) -> int:
        return x

    for wrong in (control, plain.partial(1), 3):
        with pytest.raises(UsageError, match="decorates tasks and functions"):
            multiplied("wrong")(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs parentheses"):
        wraps_task(lambda inner: inner)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="must return the function to run"):
        wraps_task()(lambda inner: None)(plain)  # type: ignore[arg-type,return-value]


WORKFLOW = """
    from redun.task import task, wraps_task

    redun_namespace = "edited_wrapping"

    @wraps_task()
    def logged(inner_task):
        def run(*args, **kwargs):
            return ["around", inner_task.func(*args, **kwargs)]
        return run

    @logged
    @task
    def measure(word):
        return len(word)

    @task
    def main():
        return [measure("lazy"), other()]

    @task
    def other():
        return 0
"""


@pytest.mark.parametrize(
    ("old", "new", "reran"),
    [
        ("", "", []),
        ("len(word)", "len(word) + 0", ["measure"]),
        ('"around"', '"about"', ["measure"]),
        ("return 0", "return 1", ["other"]),
    ],
)
def test_an_edit_of_the_task_or_of_its_wrapper_runs_it_again(
    old: str, new: str, reran: list[str], scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody can import these tasks afterwards.
    monkeypatch.setattr(get_task_registry(), "_tasks", dict(get_task_registry()._tasks))
    text = textwrap.dedent(WORKFLOW)
    scheduler.run(load(text, tmp_path / "before.py")["main"]())
    edited = text.replace(old, new)
    assert (edited != text) is bool(old)
    scheduler.run(load(edited, tmp_path / "after.py")["main"]())
    counts = scheduler.job_counts()
    assert [name.rpartition(".")[2] for name, (*_, done) in counts.items() if done] == reran


IN_PROCESSES = """
from redun.task import task, wraps_task

redun_namespace = "wrapped_away"

def framed(mark):
    @wraps_task(wrapper_name="framed", wrapper_hash_includes=[mark], executor="process")
    def wrapper(inner_task):
        def run(*args, **kwargs):
            import os
            return [mark, inner_task.func(*args, **kwargs), os.getpid()]
        return run
    return wrapper

@framed("*")
@framed("#")
@task
def measure(word: str = "lazy") -> int:
    return len(word)

@task
def main() -> list:
    import os
    return [os.getpid(), measure()]
"""


@pytest.mark.standard
def test_a_wrapped_task_runs_in_worker_processes(tmp_path: Path) -> None:
    (tmp_path / "wrapped_away.py").write_text(IN_PROCESSES)
    (tmp_path / ".redun").mkdir()
    command = [sys.executable, "-m", "redun", "run", "wrapped_away.py", "main"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    here, (outer, (inner, length, near), there) = ast.literal_eval(result.stdout)
    assert (outer, inner, length) == ("*", "#", 4)
    assert near == there != here
    command[-1:] = ["measure", "--help"]
    described = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "--word" in described.stdout


def load(text: str, path: Path) -> dict[str, Any]:
    """Run a file's text, as an import would, without keeping the module."""
    path.write_text(text)
    scope: dict[str, Any] = {"__name__": "edited_wrapping"}
    exec(compile(text, str(path), "exec"), scope)
    return scope


def remade(text: str, **options: Any) -> Task[..., Any]:
    """A task whose wrapper adds a text, of which its code does not tell."""

    @wraps_task(**options)
    def adding(inner_task: Task[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any):  # type: ignore[no-untyped-def]
            return inner_task.func(*args, **kwargs) + text

        return run

    @adding
    @task
    def word() -> str:
        return "word"

    return word


def test_a_new_version_of_the_wrapper_runs_the_task_again(scheduler: Scheduler) -> None:
    assert scheduler.run(remade("1", version="1")()) == "word1"
    assert scheduler.run(remade("2", version="1")()) == "word1"
    assert scheduler.run(remade("2", version="2")()) == "word2"


def test_a_wrapper_may_make_the_task_a_script(scheduler: Scheduler) -> None:
    made = remade("", script=True)
    assert made.script
    assert not made.inner_task.script


def test_what_a_wrapper_exports_holds_below_the_task(scheduler: Scheduler) -> None:
    @wraps_task(export_options={"memory": 5})
    def exporting(inner_task: Task[..., Any]) -> Callable[..., Any]:
        return lambda: inner_task.func()

    @task
    def memory(job: JobInfo = JobInfo()) -> Any:
        return job.options["memory"]

    @exporting
    @task
    def above() -> Any:
        return memory()

    assert scheduler.run(above()) == 5


def test_a_wrapper_s_task_has_the_source_and_the_hash_that_it_is_given() -> None:
    assert remade("", source="run").source == "run"
    assert remade("", compat=["one"]).hash == remade("other", compat=["one"]).hash


@pytest.mark.parametrize("name", ["name", "namespace", "hash_includes"])
def test_what_the_wrapped_task_decides_cannot_be_given_to_the_wrapper(name: str) -> None:
    with pytest.raises(TypeError, match=f"wraps_task\\(\\) takes no '{name}'"):
        wraps_task(**{name: "x"})
