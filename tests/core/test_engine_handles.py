"""Handles in workflows: what runs again, what does not, and what is rolled back when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redun import Handle, Scheduler, merge_handles, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import RecordBatch
from redun.executors.inline import InlineExecutor
from redun.scheduler import DryRunResult, SchedulerError
from redun.task_registry import get_task_registry

redun_namespace = "test_engine_handles"
ran: list[str] = []


class Conn(Handle):
    """Something with a state."""

    def __init__(self, name: str, address: str = "here", namespace: str | None = None) -> None:
        self.instance = {"address": address}


class Watched(MemoryBackend):
    """Counts what it is asked about handles."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def find_valid_handles(self, states: Any) -> Any:
        self.asked.append("valid")
        return super().find_valid_handles(states)

    def handle_branches(self, states: Any) -> Any:
        self.asked.append("branches")
        return super().handle_branches(states)

    def roll_back(self, states: Any) -> Any:
        self.asked.append("roll back")
        return super().roll_back(states)

    def valid(self) -> int:
        return sum(record.is_valid for record in self._handles.values())


@pytest.fixture
def backend() -> Watched:
    for name in ("first", "second", "third"):
        step(name)
    return Watched()


@pytest.fixture
def run(backend: Watched) -> Callable[..., list[str]]:
    def run(expr: Any, **options: Any) -> list[str]:
        """The steps that ran, in order of their names."""
        ran.clear()
        Scheduler(backend=backend, executor=InlineExecutor("default")).run(expr, **options)
        return sorted(ran)

    return run


def step(name: str, version: str = "1", body: Callable[[Any], Any] = lambda conn: conn) -> None:
    """Define or edit a task that does something to a connection."""

    def do(conn: Any, *_others: Any) -> Any:
        ran.append(name)
        return body(conn)

    task(name=name, namespace=redun_namespace, version=version)(do)


def do(name: str, *args: Any) -> Any:
    found = get_task_registry().get(f"{redun_namespace}.{name}")
    assert found is not None
    return found(*args)


@task(version="1")
def later(value: Any) -> Any:
    return value


def in_line() -> Any:
    return do("third", do("second", do("first", Conn("db"))))


def test_a_step_that_was_edited_runs_again_with_all_that_come_after_it(run: Callable[..., list[str]]) -> None:
    assert run(in_line()) == ["first", "second", "third"]
    assert run(in_line()) == []
    step("second", "2")
    assert run(in_line()) == ["second", "third"]
    assert run(in_line()) == []


def test_an_edit_that_is_taken_back_runs_again(run: Callable[..., list[str]]) -> None:
    run(in_line())
    step("second", "2")
    run(in_line())
    step("second", "1")
    assert run(in_line()) == ["second", "third"]


def test_a_step_that_was_added_or_left_out_rolls_back_what_came_there_before(run: Callable[..., list[str]]) -> None:
    shorter = do("second", do("first", Conn("db")))
    longer = do("second", do("third", do("first", Conn("db"))))
    assert run(shorter) == ["first", "second"]
    assert run(longer) == ["second", "third"]
    assert run(shorter) == ["second"]
    assert run(longer) == ["second", "third"]


def test_steps_side_by_side_do_not_get_in_each_others_way(run: Callable[..., list[str]]) -> None:
    def side_by_side() -> Any:
        conn = do("first", Conn("db"))
        return do("third", merge_handles([do("second", conn, 1), do("second", conn, 2), do("other", conn)]))

    step("other")
    assert run(side_by_side()) == ["first", "other", "second", "second", "third"]
    assert run(side_by_side()) == []
    step("other", "2")
    assert run(side_by_side()) == ["other", "third"]
    assert run(side_by_side()) == []


def test_a_step_that_gets_ready_late_is_not_taken_for_one_that_is_gone(run: Callable[..., list[str]]) -> None:
    def some_late() -> Any:
        conn = Conn("db")
        return merge_handles([do("first", conn), do("third", do("second", conn, do("wait", 1)))])

    step("wait")
    assert run(some_late()) == ["first", "second", "third", "wait"]
    step("first", "2")
    step("wait", "2")
    assert run(some_late()) == ["first", "wait"]
    assert run(some_late()) == []


def test_what_follows_a_step_that_runs_again_is_not_restored_by_a_late_one(run: Callable[..., list[str]]) -> None:
    def program() -> Any:
        conn = Conn("db")
        always = get_task_registry().get(f"{redun_namespace}.first").options(cache=False)  # type: ignore[union-attr]
        merged = merge_handles([always(conn, do("wait", 1)), do("second", conn, do("wait", do("wait", 1), 2))])
        return [do("beside", conn), do("third", merged)]

    step("wait")
    step("beside")
    run(program())
    step("wait", "2")
    step("beside", "2")
    assert {"beside", "first", "third"} <= set(run(program()))


def test_forks_do_not_depend_on_the_order_in_which_calls_get_ready(run: Callable[..., list[str]]) -> None:
    conn = Conn("db")
    assert run([do("first", conn, 1), do("second", conn, 1)]) == ["first", "second"]
    assert run([do("first", conn, later(later(1))), do("second", conn, 1)]) == []
    assert run([do("second", conn, later(later(1))), later(5), do("first", conn, 1)]) == []


def test_equal_calls_with_one_handle_are_one_call(run: Callable[..., list[str]]) -> None:
    conn = do("first", Conn("db"))
    assert run([do("second", conn), do("second", conn), {"again": do("second", do("first", Conn("db")))}]) == [
        "first",
        "second",
    ]


def test_handles_are_found_inside_containers(run: Callable[..., list[str]]) -> None:
    step("both", body=lambda conns: {"one": conns[0]["conn"], "two": (conns[1], 5)})

    def nested() -> Any:
        result = do("both", [{"conn": do("first", Conn("db"))}, do("second", Conn("other"))])
        return [do("third", result["one"]), do("third", result["two"])]

    assert run(nested()) == ["both", "first", "second", "third", "third"]
    assert run(nested()) == []
    step("second", "2")
    assert run(nested()) == ["both", "second", "third", "third"]


def test_forks_that_were_asked_for_are_independent(run: Callable[..., list[str]]) -> None:
    def forked(*keys: str) -> Any:
        conn = Conn("db")
        return [do("first", conn.fork(key)) for key in keys]

    assert run(forked("a", "b")) == ["first", "first"]
    assert run(forked("a")) == []
    assert run(forked("c")) == ["first"]
    assert run(forked("a", "b", "c")) == []
    assert run(do("first", Conn("db"))) == ["first"]
    assert run(forked("a")) == ["first"]


def test_a_fork_of_a_result_can_be_asked_for(run: Callable[..., list[str]]) -> None:
    def forked() -> Any:
        conn = do("first", Conn("db"))
        return merge_handles([do("second", conn.fork("a")), do("third", conn.fork("b").fork("c"))])

    assert run(forked()) == ["first", "second", "third"]
    assert run(forked()) == []
    step("first", "2")
    assert run(forked()) == ["first", "second", "third"]


def test_the_tasks_below_a_task_that_runs_again_run_again(run: Callable[..., list[str]]) -> None:
    def edit(version: str) -> None:
        step("below", version, body=lambda conn: do("second", do("first", conn)))

    edit("1")
    assert run(do("third", do("below", Conn("db")))) == ["below", "first", "second", "third"]
    assert run(do("third", do("below", Conn("db")))) == []
    edit("2")
    assert run(do("third", do("below", Conn("db")))) == ["below", "first", "second", "third"]
    step("second", "2")
    assert run(do("third", do("below", Conn("db")))) == ["second", "third"]


def test_what_failed_runs_again_and_what_it_may_have_touched(run: Callable[..., list[str]]) -> None:
    def fail(conn: Any) -> Any:
        raise RuntimeError("in the middle")

    run(in_line())
    step("second", "2", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        run(in_line())
    step("second", "1")
    assert run(in_line()) == ["second", "third"]


def test_a_body_that_failed_is_not_replayed_from_what_it_once_returned(run: Callable[..., list[str]]) -> None:
    def fail(conn: Any) -> Any:
        raise RuntimeError("in the middle")

    def go_on(conn: Any) -> Any:
        return do("third", conn)

    step("second", body=go_on)
    program = do("second", do("first", Conn("db")))
    assert run(program) == ["first", "second", "third"]
    step("first", "2")
    assert run(program) == ["first", "second", "third"]
    step("first", "1")
    step("second", "1", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        run(program)
    step("second", "1", go_on)
    assert run(program) == ["second", "third"]


def test_a_body_runs_after_everything_that_it_may_undo_was_rolled_back(
    run: Callable[..., list[str]], backend: Watched
) -> None:
    run(in_line())
    assert backend.valid() == 7
    seen = []

    def look(conn: Any) -> Any:
        seen.append(backend.valid())
        return conn

    step("second", "2", look)
    run(in_line())
    assert seen == [3]


def test_an_attempt_that_follows_a_failure_begins_with_a_rollback(
    run: Callable[..., list[str]], backend: Watched
) -> None:
    def fail_once(conn: Any) -> Any:
        if len(ran) == 1:
            raise OSError("not yet")
        return conn

    def options() -> Any:
        found: Any = get_task_registry().get(f"{redun_namespace}.first")
        return found.options(max_retries=1, retry_delay=0.0)(Conn("db"))

    step("first", "2", fail_once)
    assert run(options()) == ["first", "first"]
    assert backend.asked.count("roll back") == 2
    assert run(options()) == []


def test_a_dry_run_rolls_nothing_back(run: Callable[..., list[str]], backend: Watched) -> None:
    run(in_line())
    before = backend.valid()
    step("first", "2")
    with pytest.raises(DryRunResult):
        run(in_line(), dryrun=True)
    assert backend.valid() == before
    step("first", "1")
    assert run(in_line()) == []


def test_a_run_without_cache_leaves_everything_valid(run: Callable[..., list[str]]) -> None:
    run(in_line())
    assert run(in_line(), cache=False) == ["first", "second", "third"]
    assert run(in_line()) == []


def test_a_handle_whose_class_is_called_otherwise_now_is_not_valid(
    run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(in_line())
    monkeypatch.setattr(Conn, "type_name", "test_engine_handles.Renamed")
    assert run(do("third", do("second", do("first", Conn("db"))))) == ["first", "second", "third"]


def test_many_handles_are_looked_up_and_rolled_back_in_batches(run: Callable[..., list[str]], backend: Watched) -> None:
    def many() -> Any:
        conn = Conn("db")
        return [do("first", conn, number) for number in range(300)]

    assert len(run(many())) == 300
    assert len(backend.asked) < 10
    backend.asked.clear()
    assert run(many()) == []
    assert len(backend.asked) < 5


def test_workflows_without_handles_ask_nothing_about_them(run: Callable[..., list[str]], backend: Watched) -> None:
    batches: list[RecordBatch] = []
    record = backend.record
    backend.record = lambda batch: (batches.append(batch), record(batch))  # type: ignore[func-returns-value, method-assign, return-value, assignment]
    for _ in range(2):
        run([do("first", number) for number in range(10)])
    assert backend.asked == []
    assert not any(batch.handles or batch.handle_edges for batch in batches)


@pytest.mark.parametrize(
    ("handles", "message"),
    [
        (lambda: [Conn("a"), do("first", Conn("b"))], "test_engine_handles.a, test_engine_handles.b"),
        (list, "at least one"),
        (lambda: [later(3)], "given a int"),
        (lambda: later(3), "takes a list of handles, .* not 3"),
    ],
)
def test_what_cannot_be_merged_is_refused(run: Callable[..., list[str]], handles: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        run(merge_handles(handles()))


def test_a_task_may_ask_whether_a_handle_is_valid(run: Callable[..., list[str]]) -> None:
    answers = []

    def ask(conn: Any) -> Any:
        answers.append(conn.is_valid())
        return conn

    step("asking", body=ask)
    run(do("asking", do("first", Conn("db"))))
    assert answers == [False]
