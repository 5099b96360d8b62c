"""Tasks: names, hashes, options, and tasks as values."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from redun.errors import UsageError
from redun.namespace import get_current_namespace, namespace
from redun.task import (
    CacheScope,
    PartialTask,
    Task,
    get_task_registry,
    get_tuple_type_length,
    scheduler_task,
    split_task_fullname,
    task,
)

redun_namespace = "test_task"


class Pair(NamedTuple):
    a: int
    b: int


@task
def plain(x: int) -> int:
    """What it does."""
    return x


def test_a_task_knows_its_names() -> None:
    assert (plain.name, plain.namespace, plain.fullname) == ("plain", "test_task", "test_task.plain")
    assert get_task_registry().get("test_task.plain") is plain
    assert get_task_registry().get(hash=plain.hash) is plain
    assert plain.hash in get_task_registry().task_hashes
    assert split_task_fullname("a.b.c") == ("a.b", "c")


def test_namespaces_go_from_the_argument_to_the_module_to_the_current_one() -> None:
    def func() -> None:
        pass

    assert Task(func, namespace="given").fullname == "given.func"
    assert Task(func, namespace="").fullname == "func"
    assert Task(func).fullname == "test_task.func"
    func.__module__ = "builtins"
    namespace("current")
    try:
        assert get_current_namespace() == "current"
        assert Task(func).fullname == "current.func"
    finally:
        namespace(None)
    assert Task(func).fullname == "func"


def define(source: str, decorator: str = "@task") -> Task[..., Any]:
    """A task defined by text, as a file would."""
    import linecache

    text = f"{decorator}\n{source}"
    filename = f"<test {hash(text)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"task": task, "__name__": __name__, "redun_namespace": redun_namespace}
    exec(compile(text, filename, "exec"), scope)
    return next(item for item in scope.values() if isinstance(item, Task))


def test_the_hash_is_that_of_name_and_source() -> None:
    first = define("def f(x):\n    return x\n")
    assert define("def f(x):\n    return x\n").hash == first.hash
    assert define("def f(x):\n    return x + 1\n").hash != first.hash
    assert define("def g(x):\n    return x\n").hash != first.hash


def test_decorators_do_not_count_in_the_hash() -> None:
    first = define("def f(x):\n    return x\n")
    assert define("def f(x):\n    return x\n", "@task(memory=4)").hash == first.hash
    assert first.source == "def f(x):\n    return x\n"
    coroutine = define("async def f(x):\n    return x\n", "@task(cache=False)")
    assert coroutine.source == "async def f(x):\n    return x\n"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "1st"}, ValueError, "must be ASCII letters"),
        ({"namespace": "a-b"}, ValueError, "namespace must be names"),
        ({"nout": "2"}, TypeError, "nout must be an int"),
        ({"nout": -1}, TypeError, "must not be negative"),
        ({"tags": "team"}, ValueError, "tags must be a list of"),
        ({"tags": {"team": 1}}, ValueError, "tags must be a list of"),
        ({"tags": [("team", {1, 2})]}, ValueError, "the value of the tag 'team' must be JSON"),
        ({"config_args": ["y"]}, ValueError, r"config_args names \['y'\]"),
    ],
)
def test_options_that_contradict_the_function_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    def func(x: int) -> int:
        return x

    with pytest.raises(error, match=message):
        task(**options)(func)


def test_an_async_task_must_say_how_it_is_cached() -> None:
    async def func() -> None:
        pass

    with pytest.raises(ValueError, match="is async"):
        task(func)
    assert task(cache=False)(func).is_async()
    assert task(check_valid="shallow")(func).is_async()


def test_a_task_is_not_made_a_task_twice() -> None:
    with pytest.raises(UsageError, match="applied to it twice"):
        task(plain)


def test_options_add_up_and_the_original_stays() -> None:
    derived = plain.options(memory=1).options(vcpus=2).options(memory=3)
    assert derived.get_task_options() == {"memory": 3, "vcpus": 2}
    assert plain.get_task_options() == {}
    assert derived.hash == plain.hash
    assert derived.get_hash() != plain.get_hash()
    assert plain.export_options(cache=False).export_names == ("cache", "cache_scope")


@pytest.mark.parametrize(
    ("annotation", "length"),
    [
        (tuple[int, str], 2),
        (tuple[()], 0),
        (tuple[int, ...], None),
        (tuple, None),
        (Pair, 2),
        (list[int], None),
        (None, None),
    ],
)
def test_lengths_are_read_from_annotations(annotation: Any, length: int | None) -> None:
    assert get_tuple_type_length(annotation) == length

    def func() -> None:
        pass

    func.__annotations__["return"] = annotation
    assert Task(func).nout == length
    assert Task(func, task_options_base={"nout": 7}).nout == 7


def test_annotations_as_text_are_resolved() -> None:
    @task
    def gives_pair() -> Pair:
        return Pair(1, 2)

    @task
    def gives_tuple() -> tuple[int, str]:
        return 1, ""

    assert (gives_pair.nout, gives_tuple.nout, plain.nout) == (2, 2, None)


def test_a_pickled_task_finds_its_function_again() -> None:
    copied = pickle.loads(pickle.dumps(plain.options(memory=2)))
    assert copied.func is plain.func
    assert copied.get_task_options() == {"memory": 2}
    assert copied.is_valid()


def test_a_task_whose_code_has_changed_is_no_longer_valid() -> None:
    old = define("def changing():\n    return 1\n")
    stored = pickle.dumps(old)
    define("def changing():\n    return 2\n")
    assert not pickle.loads(stored).is_valid()


def test_a_pickled_task_that_nobody_defines_says_so_when_it_runs() -> None:
    stored = pickle.dumps(Task(lambda: 1, name="gone", namespace="nowhere", version="1"))
    with pytest.raises(ValueError, match=r"'nowhere\.gone' is undefined"):
        pickle.loads(stored).func()


def test_partial_tasks_gather_arguments() -> None:
    partial = plain.partial(1).partial(2, a=3)
    assert isinstance(partial, PartialTask)
    expr: Any = partial(4, b=5)
    assert (expr.task_name, expr.args, expr.kwargs) == ("test_task.plain", (1, 2, 4), {"a": 3, "b": 5})
    assert pickle.loads(pickle.dumps(partial)).get_hash() == partial.get_hash()
    assert plain.partial(1).get_hash() != plain.partial(2).get_hash()


def test_registered_tasks_can_be_renamed() -> None:
    @task
    def before() -> None:
        pass

    old_hash = before.hash
    get_task_registry().rename("test_task.before", "other", "after")
    assert before.fullname == "other.after"
    assert get_task_registry().get("test_task.before") is None
    assert get_task_registry().get("other.after") is before
    assert before.hash != old_hash


def test_scheduler_tasks_take_their_arguments_unevaluated() -> None:
    @scheduler_task(namespace="test_task")
    def lazily(scheduler: Any, parent_job: Any, sexpr: Any, x: Any) -> Any:
        raise NotImplementedError

    expr: Any = lazily(plain(1))
    assert expr.task_name == "test_task.lazily"
    assert expr.args[0].task_name == "test_task.plain"


def test_scopes_are_their_strings() -> None:
    assert CacheScope("CSE") is CacheScope.CSE
    assert CacheScope.NONE == "NONE"


def test_to_a_type_checker_a_call_has_the_type_of_its_result() -> None:
    nested: Callable[[], int] = lambda: plain(plain(1))
    assert callable(nested)
