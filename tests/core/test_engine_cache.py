"""What runs again, and what does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redun import File, Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, Status
from redun.errors import InvalidValueError
from redun.functools import map_
from redun.scheduler import DryRunResult
from redun.task import CacheResult, Task
from redun.value import Value

NAMESPACE = "test_engine_cache"

ran: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    ran.clear()


def define(name: str, func: Callable[..., Any], source: str | None = None, **options: Any) -> Task[..., Any]:
    """A task that notes when its body runs; `source` stands for its text, as editing a file would change it."""

    def body(*args: Any, **kwargs: Any) -> Any:
        ran.append(name)
        return func(*args, **kwargs)

    body.__name__ = name
    import inspect

    body.__signature__ = inspect.signature(func)  # type: ignore[attr-defined]
    made: Task[..., Any] = task(name=name, namespace=NAMESPACE, source=source or name, **options)(body)
    return made


def run(scheduler: Scheduler, expr: Any, **options: Any) -> tuple[Any, list[str]]:
    """The value, and the names of the tasks whose bodies ran."""
    ran.clear()
    value = scheduler.run(expr, **options)
    return value, sorted(ran)


def define_tree(leaf_source: str = "leaf", middle_source: str = "middle", **top_options: Any) -> Task[..., Any]:
    suffix = leaf_source.removeprefix("leaf")
    leaf = define("leaf", lambda x: f"{x}{suffix}", leaf_source)
    other = define("other", lambda x: f"other {x}")
    middle = define("middle", lambda x: leaf(x), middle_source)
    return define("top", lambda x: [middle(x), other(x)], "top", **top_options)


def test_everything_is_cached_the_second_time(scheduler: Scheduler) -> None:
    top = define_tree()
    assert run(scheduler, top(1)) == (["1", "other 1"], ["leaf", "middle", "other", "top"])
    assert run(scheduler, top(1)) == (["1", "other 1"], [])


def test_results_outlive_the_scheduler(backend: MemoryBackend, scheduler: Scheduler) -> None:
    top = define_tree()
    run(scheduler, top(1))
    assert run(Scheduler(backend=backend), top(1)) == (["1", "other 1"], [])


def test_an_edit_runs_exactly_the_edited_task_again(scheduler: Scheduler) -> None:
    run(scheduler, define_tree()(1))
    assert run(scheduler, define_tree("leaf changed")(1)) == (["1 changed", "other 1"], ["leaf"])
    assert run(scheduler, define_tree("leaf changed", "middle changed")(1))[1] == ["middle"]


def test_going_back_to_earlier_code_runs_nothing(scheduler: Scheduler) -> None:
    run(scheduler, define_tree()(1))
    run(scheduler, define_tree("leaf changed")(1))
    assert run(scheduler, define_tree()(1)) == (["1", "other 1"], [])


def test_an_edit_is_found_below_a_cached_parent_twice_in_a_row(scheduler: Scheduler) -> None:
    # A cached parent must go on remembering the expression that its body returned, not what it came to.
    for suffix in ("", " b", " c"):
        value, _ = run(scheduler, define_tree(f"leaf{suffix}")(1))
        assert value == [f"1{suffix}", "other 1"]
        assert run(scheduler, define_tree(f"leaf{suffix}")(1))[1] == []


def test_a_shallow_check_looks_at_the_result_alone(scheduler: Scheduler) -> None:
    top = define_tree(check_valid="shallow")
    run(scheduler, top(1))
    assert run(scheduler, top(1)) == (["1", "other 1"], [])
    assert scheduler.job_counts() == {top.fullname: [0, 0, 0, 1, 0]}


def test_a_shallow_check_notices_an_edit_of_any_task_below(scheduler: Scheduler) -> None:
    run(scheduler, define_tree(check_valid="shallow")(1))
    edited = define_tree("leaf changed", check_valid="shallow")
    # The body of the shallow task itself is as good as it was: only the edited task runs.
    assert run(scheduler, edited(1)) == (["1 changed", "other 1"], ["leaf"])


def test_a_shallow_check_notices_an_edit_below_an_unrecorded_call(scheduler: Scheduler) -> None:
    def define_all(leaf_source: str) -> Task[..., Any]:
        leaf = define("leaf", lambda: leaf_source, leaf_source)
        hidden = define("hidden", lambda: leaf(), prov=False)
        return define("top", lambda: hidden(), check_valid="shallow")

    assert run(scheduler, define_all("a")()) == ("a", ["hidden", "leaf", "top"])
    assert run(scheduler, define_all("a")()) == ("a", [])
    assert run(scheduler, define_all("b")())[0] == "b"


def test_every_spelling_of_a_call_is_one(scheduler: Scheduler) -> None:
    f = define("spelled", lambda a, b=2, *c, **d: [a, b, c, d])
    run(scheduler, f(1))
    for spelling in (f(1, 2), f(a=1), f(b=2, a=1), f(1, b=2)):
        assert run(scheduler, spelling)[1] == []
    run(scheduler, f(1, 2, x=1, y=2))
    assert run(scheduler, f(1, 2, y=2, x=1))[1] == []


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (1, 1.0), (0.0, -0.0), ([1], (1,)), ("a", b"a"), ({1: 2}, [1, 2])]
)
def test_different_arguments_are_different_calls(scheduler: Scheduler, first: Any, second: Any) -> None:
    f = define("typed", lambda x: repr(x))
    run(scheduler, f(first))
    assert run(scheduler, f(second)) == (repr(second), ["typed"])


def test_config_args_do_not_count(scheduler: Scheduler) -> None:
    f = define("configured", lambda a, threads=1: a, config_args=["threads"])
    run(scheduler, f(1, threads=2))
    assert run(scheduler, f(1, threads=8))[1] == []
    assert run(scheduler, f(2, threads=8))[1] == ["configured"]


def test_a_version_stands_for_the_source(scheduler: Scheduler) -> None:
    run(scheduler, define("versioned", lambda: 1, "one", version="1")())
    assert run(scheduler, define("versioned", lambda: 2, "two", version="1")()) == (1, [])
    assert run(scheduler, define("versioned", lambda: 2, "two", version="2")()) == (2, ["versioned"])


def test_hash_includes_count_in_any_order(scheduler: Scheduler) -> None:
    run(scheduler, define("including", lambda: 1, hash_includes=["a", 1])())
    assert run(scheduler, define("including", lambda: 1, hash_includes=[1, "a"])())[1] == []
    assert run(scheduler, define("including", lambda: 1, hash_includes=[1, "b"])())[1] == ["including"]


@pytest.mark.parametrize(
    ("options", "within", "again"),
    [
        ({}, 1, 0),
        ({"cache": True}, 1, 0),
        ({"cache": False}, 1, 1),
        ({"cache_scope": "CSE"}, 1, 1),
        ({"cache_scope": "NONE"}, 2, 2),
        ({"allowed_cache_results": {CacheResult.CSE}}, 1, 1),
        ({"allowed_cache_results": {CacheResult.SINGLE}}, 2, 0),
    ],
)
def test_the_cache_scope_says_where_results_are_looked_for(
    scheduler: Scheduler, options: dict[str, Any], within: int, again: int
) -> None:
    f = define("scoped", lambda x: x, **options)
    # Under two parents: under one parent, equal expressions are one whatever the scope.
    left = define("left", lambda: f(1))
    right = define("right", lambda _: f(1))
    both = define("both", lambda: right(left()))
    assert run(scheduler, both())[1].count("scoped") == within
    assert run(scheduler, both())[1].count("scoped") == again


def test_equal_expressions_in_one_body_run_once_even_without_any_cache(scheduler: Scheduler) -> None:
    draw = define("draw", lambda x: random.random(), cache_scope="NONE")
    same = define("same", lambda x: x)
    body = define("body", lambda: [draw(1), draw(1), draw(same(1))])
    first, second, third = run(scheduler, body())[0]
    assert first == second != third


def test_options_of_a_call_win_over_the_decorator(scheduler: Scheduler) -> None:
    f = define("optional", lambda: 1, cache=False)
    run(scheduler, f())
    assert run(scheduler, f())[1] == ["optional"]
    assert run(scheduler, f.options(cache=True)())[1] == []
    assert run(scheduler, f.options(cache_scope="BACKEND")())[1] == []


def test_exported_options_hold_for_everything_below(scheduler: Scheduler) -> None:
    leaf = define("leaf", lambda: 1)
    middle = define("middle", lambda: leaf())
    top = define("top", lambda: middle())
    run(scheduler, top())
    assert run(scheduler, top.export_options(cache=False)())[1] == ["leaf", "middle", "top"]
    assert run(scheduler, top.options(cache=False)())[1] == ["top"]
    exporting = define("top", lambda: middle(), export_options={"cache": False})
    assert run(scheduler, exporting())[1] == ["leaf", "middle", "top"]


def test_cache_off_ignores_earlier_executions_and_still_records(scheduler: Scheduler) -> None:
    top = define_tree()
    run(scheduler, top(1))
    assert run(scheduler, top(1), cache=False)[1] == ["leaf", "middle", "other", "top"]
    assert run(scheduler, top(1))[1] == []


def test_a_dry_run_stops_where_something_would_have_to_run(scheduler: Scheduler) -> None:
    top = define_tree()
    with pytest.raises(DryRunResult):
        run(scheduler, top(1), dryrun=True)
    assert ran == []
    run(scheduler, top(1))
    assert run(scheduler, top(1), dryrun=True) == (["1", "other 1"], [])


def test_a_changed_input_file_runs_what_reads_it(scheduler: Scheduler, tmp_path: Path) -> None:
    read = define("read", lambda file: file.read())
    path = tmp_path / "input.txt"
    path.write_text("one")
    assert run(scheduler, read(File(str(path)))) == ("one", ["read"])
    assert run(scheduler, read(File(str(path)))) == ("one", [])
    path.write_text("three")
    assert run(scheduler, read(File(str(path)))) == ("three", ["read"])


def test_a_missing_output_file_is_made_again(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "output.txt"

    def write_file() -> File:
        file = File(str(path))
        file.write("made")
        return file

    write = define("write", write_file)
    read = define("read", lambda file: file.read())
    top = define("top", lambda: read(write()))
    assert run(scheduler, top()) == ("made", ["read", "top", "write"])
    assert run(scheduler, top()) == ("made", [])
    path.unlink()
    assert run(scheduler, top())[1][-1] == "write"
    path.write_text("meddled with")
    assert run(scheduler, top())[0] == "made"


def test_an_invalid_final_result_falls_back_to_the_body(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "output.txt"

    def write_file() -> File:
        file = File(str(path))
        file.write("made")
        return file

    write = define("write", write_file)
    top = define("top", lambda: write(), check_valid="shallow")
    run(scheduler, top())
    path.unlink()
    assert run(scheduler, top())[1] == ["write"]


def test_a_large_result_is_not_kept_in_memory_and_is_found_again(scheduler: Scheduler) -> None:
    large = define("large", lambda: list(range(10_000)))
    length = define("length", lambda items, _: len(items))
    left = define("left", lambda: length(large(), 1))
    right = define("right", lambda _: length(large(), 2))
    both = define("both", lambda: right(left()))
    value, names = run(scheduler, both())
    assert value == 10_000
    assert names.count("large") == 1


def test_a_result_that_cannot_be_stored_fails_the_job_and_names_the_task(scheduler: Scheduler) -> None:
    bad = define("bad", lambda: lambda: 1)
    with pytest.raises(Exception, match=f"the result of task '{NAMESPACE}.bad' cannot be stored"):
        run(scheduler, bad())


def test_an_argument_that_cannot_be_stored_fails_the_job_and_names_the_argument(scheduler: Scheduler) -> None:
    takes = define("takes", lambda thing: 1)
    with pytest.raises(Exception, match=f"^argument 'thing' of {NAMESPACE}.takes: a lambda"):
        run(scheduler, takes(lambda: 1))


def test_a_result_above_the_repositorys_bound_fails_its_job_alone(scheduler: Scheduler, backend: MemoryBackend) -> None:
    backend.max_value_size = 10_000
    big = define("big", lambda n: "x" * n)
    recover = define("recover", lambda error: str(error))
    value, _ = run(scheduler, [catch(big(20_000), InvalidValueError, recover), big(10)])
    assert value == [
        f"the result of task '{NAMESPACE}.big' has 20,005 bytes, more than the 10,000 that the repository takes "
        "(max_value_size): pass large data as a File instead",
        "x" * 10,
    ]
    with pytest.raises(InvalidValueError, match=r"^argument 'n' of .* has 20,005 bytes, more than the 10,000"):
        run(scheduler, big("y" * 20_000))


def test_tags_of_a_task_are_recorded_with_it_and_with_its_jobs(scheduler: Scheduler, backend: MemoryBackend) -> None:
    f = define("tagged", lambda: 1, tags=[("team", "genomics"), ("level", 2)])
    run(scheduler, f())
    job = f"{scheduler.execution_id}.1"
    pairs = [("team", "genomics"), ("level", 2)]
    for kind, entity in ((EntityKind.TASK, f.hash), (EntityKind.JOB, job)):
        assert [(tag.key, tag.value) for tag in backend.tags(kind, [entity])[entity]] == pairs
    with pytest.raises(ValueError, match=r"tags must be a list of .* and 'team' is not such a pair"):
        f.options(tags=["team"])


def test_a_jobs_row_tells_the_options_apart(scheduler: Scheduler, backend: MemoryBackend) -> None:
    f = define("with_options", lambda: 1, cache=False)
    hashes = []
    for memory in (1, 1, 2):
        run(scheduler, f.options(memory=memory)())
        hashes.append(next(iter(backend._jobs[scheduler.execution_id].values())).options_hash)
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    "shape",
    [lambda file: file, lambda file: [file], lambda file: {"a": (file, 1)}, lambda file: Holder(file)],
    ids=["alone", "list", "nested", "dataclass"],
)
def test_a_file_named_in_a_body_is_looked_at_again(scheduler: Scheduler, tmp_path: Path, shape: Any) -> None:
    path = tmp_path / "input.txt"
    path.write_text("one")
    read = define("read", lambda _: path.read_text())
    middle = define("middle", lambda: read(shape(File(str(path)))))
    top = define("top", lambda: middle())
    assert run(scheduler, top()) == ("one", ["middle", "read", "top"])
    assert run(scheduler, top()) == ("one", [])
    path.write_text("second")
    assert run(scheduler, top()) == ("second", ["middle", "read"])
    path.unlink()
    with pytest.raises(FileNotFoundError):
        run(scheduler, top())


def test_a_task_passed_as_a_value_is_looked_at_again(scheduler: Scheduler) -> None:
    def define_all(source: str) -> Task[..., Any]:
        leaf = define("leaf", lambda: source, source)
        take = define("take", lambda given: given.source)
        return define("top", lambda: take(leaf))

    assert run(scheduler, define_all("a")())[0] == "a"
    assert run(scheduler, define_all("a")())[1] == []
    # The body still means the task by its name: only what takes the task as a value has to run.
    assert run(scheduler, define_all("b")()) == ("b", ["take"])


def test_a_task_in_a_result_is_valid_as_long_as_its_code_is_the_same(scheduler: Scheduler) -> None:
    def define_all(source: str) -> Task[..., Any]:
        leaf = define("leaf", lambda: source, source)
        return define("gives", lambda: leaf)

    run(scheduler, define_all("a")())
    assert run(scheduler, define_all("a")())[1] == []
    value, names = run(scheduler, define_all("b")())
    assert (value.source, names) == ("b", ["gives"])


def test_a_file_in_a_partial_task_is_looked_at_again(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("one")
    read = define("read", lambda file, _: file.read())
    top = define("top", lambda: map_(read.partial(File(str(path))), [1, 2]))
    assert run(scheduler, top())[0] == ["one", "one"]
    assert run(scheduler, top())[1] == []
    path.write_text("second")
    assert run(scheduler, top()) == (["second", "second"], ["read", "read", "top"])


@dataclass
class Holder:
    file: File


class Doubtful(Value):
    type_name = "test_engine_cache.Doubtful"

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        pass

    def is_valid(self) -> bool:
        raise RuntimeError("validity broke")


def test_a_value_that_cannot_say_whether_it_is_valid_is_made_again(scheduler: Scheduler) -> None:
    make = define("make", Doubtful)
    take = define("take", lambda _: 1)
    top = define("top", lambda: take(Doubtful()))
    for _ in range(2):
        assert run(scheduler, make())[1] == ["make"]
        assert "top" in run(scheduler, top())[1]


def test_an_error_above_the_repositorys_bound_is_recorded_with_less_text(
    scheduler: Scheduler, backend: MemoryBackend
) -> None:
    backend.max_value_size = 1000

    def body(n: int) -> None:
        raise ValueError("\N{GRINNING FACE}" * n)

    fail = define("fail", body)
    with pytest.raises(ValueError, match=r"^[^ ]{5000}$"):
        run(scheduler, fail(5000))
    [execution] = backend.executions(limit=1)
    assert {job.status for job, _ in backend.job_records(execution.id, after=0, limit=9)} == {Status.FAILED}
