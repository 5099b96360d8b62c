"""Collections of garbage: what goes, what stays, and that the repository is whole whatever happens."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redun import File, Handle, Scheduler, get_context, task
from redun.backends.records import EntityKind, Status
from redun.backends.search import TagEdit
from redun.config import Config
from redun.errors import BackendError
from redun.executors.inline import InlineExecutor
from redun.testing.backend_records import Story
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.garbage.collection import collect
from redun_backend_sql.integrity import find_problems
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend
from redun_backend_sql.value_store import ValueStore

redun_namespace = "test_garbage"
ran: list[Any] = []


@task(tags=[("kind", "leaf")])
def double(x: int) -> int:
    ran.append(x)
    return 2 * x


@task
def long_text(x: int) -> str:
    ran.append(f"text {x}")
    return f"{x} " * 2000


@task
def length(text: str) -> int:
    return len(text)


@task
def main(numbers: list[int]) -> list[Any]:
    return [[double(x), length(long_text(x))] for x in numbers]


@task
def fails(x: int) -> int:
    return failing(double(x))


@task
def failing(x: int) -> int:
    raise ValueError(x)


@task
def write(path: str) -> File:
    file = File(path)
    file.write("text")
    return file


@task
def with_file(path: str) -> list[Any]:
    return [write(path), {"again": write(path)}]


@task
def in_context(x: int, factor: int = get_context("factor", 1)) -> int:  # type: ignore[assignment]
    return x * factor


class Database(Handle):
    def __init__(self, name: str) -> None:
        self.instance = name


@task
def change(database: Database, step: int) -> Database:
    ran.append(f"step {step}")
    return database


@task
def change_twice(name: str) -> Database:
    return change(change(Database(name), 1), 2)


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., SqlBackend]:
    """Makes a backend on the repository of the test."""
    if request.param == "sqlite":
        return lambda **options: SqliteBackend(tmp_path / "redun.db", **options)
    database = request.getfixturevalue("repository")
    return lambda **options: PostgresBackend(database.server, **options)


@pytest.fixture
def backend(make: Callable[..., SqlBackend]) -> Iterator[SqlBackend]:
    ran.clear()
    backend = make()
    backend.load()
    yield backend
    backend.close()


def run(backend: SqlBackend, expr: Any, **options: Any) -> tuple[str, Any]:
    """The id of the execution, and its result."""
    scheduler = Scheduler(config=Config({}), backend=backend, executor=InlineExecutor("default"))
    result = scheduler.run(expr, **options)
    return backend.executions(limit=1)[0].id, result


def problems(backend: SqlBackend) -> list[str]:
    assert backend._connection is not None
    return [str(each) for each in find_problems(backend._connection, backend.value_store)]


def count(backend: SqlBackend, table: str) -> int:
    assert backend._connection is not None
    return int(backend._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def kinds(garbage: Any) -> dict[str, int]:
    return {size.kind: size.count for size in garbage.sizes}


def test_an_execution_goes_with_all_that_only_it_needs(backend: SqlBackend):
    first, _ = run(backend, main([1, 2]))
    second, _ = run(backend, main([2, 3]))
    planned = backend.plan_garbage([first], grace=0)
    assert len(backend.executions(limit=9)) == 2
    garbage = backend.collect_garbage([first], grace=0)
    assert garbage.executions == planned.executions == (first,)
    # main([1, 2]), double(1), long_text(1) and the length of that
    assert kinds(garbage)["calls"] == kinds(planned)["calls"] == 4
    assert garbage.postponed == ""
    assert problems(backend) == []
    assert [each.id for each in backend.executions(limit=9)] == [second]
    ran.clear()
    run(backend, main([2, 3]))
    assert ran == []
    run(backend, main([1]))
    assert ran == [1, "text 1"]
    assert problems(backend) == []


def test_a_kept_execution_is_used_again_whatever_goes_around_it(backend: SqlBackend, tmp_path: Path):
    """The same calls, small values, contexts, files and failures in many combinations."""
    path = str(tmp_path / "file")
    programs: list[tuple[Any, dict[str, Any]]] = [
        (main([1, 2, 3]), {}),
        (with_file(path), {}),
        (main([3]), {"tags": [("key", "value")]}),
        (in_context(7), {"context": {"factor": 6}}),
        (double(3), {}),
        (in_context(7), {"context": {"factor": 7}}),
        (change_twice("a"), {}),
        (main([2]), {}),
        (change_twice("b"), {}),
    ]
    ids = [run(backend, expr, **options)[0] for expr, options in programs]
    for expr in (fails(1), fails(2)):
        with pytest.raises(ValueError, match=r"[24]"):
            run(backend, expr)
        ids.append(backend.executions(limit=1)[0].id)
    for going in [ids[9], ids[0], ids[6], ids[2], ids[4], ids[3], ids[10]]:
        backend.collect_garbage([going], grace=0)
        assert problems(backend) == []
    ran.clear()
    for index in (1, 5, 7, 8):
        expr, options = programs[index]
        run(backend, expr, **options)
    assert ran == []
    run(backend, change_twice("a"))
    assert ran == ["step 1", "step 2"]
    assert problems(backend) == []


def test_when_everything_goes_next_to_nothing_is_left(backend: SqlBackend, tmp_path: Path):
    for expr in (main([1, 2]), with_file(str(tmp_path / "file")), change_twice("a"), in_context(2)):
        run(backend, expr)
    with pytest.raises(ValueError, match=r"[24]"):
        run(backend, fails(1))
    backend.collect_garbage([each.id for each in backend.executions(limit=9)], grace=0)
    assert problems(backend) == []
    empty = ["execution", "job", "job_count", "call", "call_argument", "value", "value_child", "handle", "handle_edge"]
    assert {table: count(backend, table) for table in empty} == dict.fromkeys(empty, 0)
    # The last one stays, so that its number is not given out again, with the tasks in it.
    assert count(backend, "task") <= 4
    assert count(backend, "task_set") <= 1
    run(backend, main([1]))
    assert problems(backend) == []


def test_a_small_value_moves_when_the_call_goes_whose_row_has_it(make: Callable[..., SqlBackend]):
    """Another call names it, and was recorded by somebody who relied on the first one."""
    with opened(make()) as one, opened(make()) as other:
        first, second = Story("first").begin(), Story("second").begin()
        result = first.call("a", "small")
        first.job(1, result)
        one.record(first.take())
        second.job(1, second.call("b", "another result", arguments=["small"]))
        batch = second.take()
        batch.values = [value for value in batch.values if value.hash != result.value_hash]
        other.record(batch)
        for story in (first, second):
            story.batch.executions = [story.execution(Status.DONE, 2000.0)]
            one.record(story.take())
        stored = other.load_values([result.value_hash])
        garbage = other.collect_garbage(["first"], grace=0)
        assert kinds(garbage)["calls"] == 1
        assert other.load_values([result.value_hash]) == stored
        other.collect_garbage(["second"], grace=0)
        assert count(other, "value") == count(other, "call") == 0


@contextmanager
def opened(backend: SqlBackend) -> Iterator[SqlBackend]:
    backend.load()
    try:
        yield backend
    finally:
        backend.close()


def test_tags_go_with_what_they_are_attached_to(backend: SqlBackend):
    first, _ = run(backend, main([1]), tags=[("project", "x")])
    call = backend.jobs(first)[0].call_hash
    assert call is not None
    record = backend.call(call)
    assert record is not None
    small = backend.calls([backend.jobs(first)[1].call_hash or b""]).popitem()[1].value_hash
    ids = [(EntityKind.CALL, call.hex()), (EntityKind.VALUE, record.value_hash.hex()), (EntityKind.VALUE, small.hex())]
    ids += [(EntityKind.JOB, f"{first}.1"), (EntityKind.TASK, record.task_hash.hex())]
    backend.edit_tags([TagEdit(kind, name, add=(("mark", 1),)) for kind, name in ids])
    run(backend, double(9))
    backend.collect_garbage([first], grace=0)
    assert problems(backend) == []
    left = {(row.tag.entity_kind, row.tag.key) for row in backend.tags_since(0)}
    # double(9) and its job have tags, and the last set of tasks names that of main.
    assert left == {(EntityKind.TASK, "kind"), (EntityKind.JOB, "kind"), (EntityKind.TASK, "mark")}


def test_nothing_goes_that_is_new_or_runs(backend: SqlBackend):
    first, _ = run(backend, main([1]))
    garbage = backend.collect_garbage([first, "none"], grace=60)
    assert garbage.executions == ()
    assert [each.id for each in garbage.kept] == [first, "none"]
    assert garbage.sizes == ()
    seen: list[Any] = []
    from_inside.append(lambda: seen.append(backend.collect_garbage([backend.executions(limit=1)[0].id], grace=0)))
    run(backend, calls_back(1))
    assert [each.why for each in seen[0].kept] == ["it runs"]


from_inside: list[Callable[[], None]] = []


@task(cache=False)
def calls_back(x: int) -> int:
    from_inside.pop()()
    return x


def test_what_belongs_to_no_execution_stays_until_it_is_known_for_long(backend: SqlBackend, monkeypatch: Any):
    """It may be part of a copy that has not ended."""
    run(backend, main([1]))
    assert backend._connection is not None
    for table in ("execution", "job", "job_count"):
        backend._connection.execute(f"DELETE FROM {table}")
    backend._connection.execute(f"DELETE FROM tag WHERE entity_kind = {int(EntityKind.JOB)}")
    assert backend.collect_garbage([], grace=3600).sizes == ()
    assert backend.collect_garbage([], grace=3600).sizes == ()
    now = __import__("time").time()
    monkeypatch.setattr("time.time", lambda: now + 4000)
    assert kinds(backend.collect_garbage([], grace=3600))["calls"] == 4
    assert problems(backend) == []


def test_ids_that_others_remember_are_never_believed(make: Callable[..., SqlBackend]):
    """Two connections: what one has written, another one removes, and then the first writes it again."""
    with opened(make()) as one, opened(make()) as other:
        for _ in range(3):
            first, result = run(one, main([1, 2]))
            other.collect_garbage([first], grace=0)
            assert count(one, "call") == 0
            run(other, double(77))
            assert run(one, main([1, 2]))[1] == result
            assert problems(one) == []
            other.collect_garbage([each.id for each in one.executions(limit=9)], grace=0)


def test_numbers_of_calls_and_values_are_never_given_out_twice(backend: SqlBackend):
    first, _ = run(backend, main([1]))
    assert backend._connection is not None

    def highest() -> list[int]:
        assert backend._connection is not None
        return [backend._connection.execute(f"SELECT max(id) FROM {t}").fetchone()[0] for t in ("call", "value")]

    before = highest()
    backend.collect_garbage([first], grace=0)
    run(backend, main([2]))
    lowest = [backend._connection.execute(f"SELECT min(id) FROM {t}").fetchone()[0] for t in ("call", "value")]
    assert all(new > old for new, old in zip(lowest, before, strict=True))


def test_a_killed_collection_leaves_the_repository_whole_at_every_moment(
    make: Callable[..., SqlBackend], monkeypatch: Any
):
    """It ends after each of its transactions in turn; what it leaves behind goes with a later one."""
    monkeypatch.setattr("redun_backend_sql.garbage.calls.AT_ONCE", 3)
    monkeypatch.setattr("redun_backend_sql.garbage.values.AT_ONCE", 2)
    monkeypatch.setattr("redun_backend_sql.garbage.jobs.AT_ONCE", 30)
    # What is recorded at once may name each other in any direction, so it goes at once.
    monkeypatch.setattr("redun.scheduler.recorder.MOST_RECORDS", 1)
    with opened(make()) as backend:
        stays, _ = run(backend, main([3]))
        stopped = 0
        for after in range(1, 100):
            run(backend, main([1, 2, 3, 4]))
            is_over = killed_after(after, backend, [e.id for e in backend.executions(limit=999) if e.id != stays])
            assert problems(backend) == [], after
            stopped += not is_over
            ran.clear()
            run(backend, main([3]))
            assert ran == []
            if is_over:
                break
        assert stopped > 8
        backend.collect_garbage([each.id for each in backend.executions(limit=999)], grace=0)
        assert count(backend, "call") == count(backend, "value") == 0
        assert problems(backend) == []


class Killed(BaseException):
    pass


def killed_after(transactions: int, backend: SqlBackend, executions: list[str]) -> bool:
    """Whether a collection came to its end before it was killed after so many transactions."""
    begin = backend._transaction
    left = [transactions]

    @contextmanager
    def counted(*, durable: bool = False) -> Iterator[None]:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        with begin(durable=durable):
            yield

    backend._transaction = counted  # type: ignore[method-assign]
    try:
        backend.collect_garbage(executions, grace=0)
    except Killed:
        return False
    finally:
        backend._transaction = begin  # type: ignore[method-assign]
    return True


def test_files_of_a_value_store_go_with_their_values(make: Callable[..., SqlBackend], tmp_path: Path):
    store = tmp_path / "values"

    def files() -> int:
        return sum(path.is_file() for path in store.rglob("*"))

    with opened(make(value_store=ValueStore(str(store), 1000))) as backend:
        first, _ = run(backend, main([1, 2]))
        run(backend, main([2]))
        assert files() == 2
        (store / "ab").mkdir(exist_ok=True)
        (store / "ab" / ("c" * 38)).write_bytes(b"of nobody")
        (store / "ab" / f".{'c' * 38}.{'d' * 32}").write_bytes(b"left behind")
        (store / "README").write_text("mine")
        assert kinds(backend.plan_garbage([first], grace=0))["stored files"] == 3
        assert "stored files" not in kinds(backend.collect_garbage([], grace=60))
        assert kinds(backend.collect_garbage([first], grace=0))["stored files"] == 3
        assert files() == 2
        assert problems(backend) == []
        # What this process has written once is written again.
        run(backend, main([1]))
        assert files() == 3
        assert problems(backend) == []
        next(path for path in store.rglob("*") if path.is_file() and path.name != "README").unlink()
        assert "cannot be read" in problems(backend)[0]


def test_a_file_that_goes_between_its_writing_and_its_row_is_written_again(
    make: Callable[..., SqlBackend], tmp_path: Path
):
    """Somebody finds the file there, and the collection removes it before the row is recorded."""
    store = tmp_path / "values"
    with (
        opened(make(value_store=ValueStore(str(store), 1000))) as one,
        opened(make(value_store=ValueStore(str(store), 1000))) as other,
    ):
        first, _ = run(one, long_text(1))
        begin = one._recorder._begin
        collected: list[Any] = []

        @contextmanager
        def late(*, durable: bool = False) -> Iterator[None]:
            if not collected:
                collected.append(None)
                collected.append(other.collect_garbage([first], grace=0))
            with begin(durable=durable):
                yield

        from redun.backends.records import RecordBatch

        batch = next(batch for batch in copies(other) if any(len(value.data) > 1000 for value in batch.values))
        one._recorder._begin = late
        one.record(RecordBatch(values=batch.values))
        assert kinds(collected[1])["stored files"] == 1
        assert problems(one) == []


def copies(backend: SqlBackend) -> list[Any]:
    from redun.backends.copying import collect_records

    return list(collect_records(backend))


def test_a_backend_without_maintenance_says_so():
    from redun.backends.memory import MemoryBackend

    backend = MemoryBackend()
    run_in_memory = Scheduler(config=Config({}), backend=backend, executor=InlineExecutor("default"))
    run_in_memory.run(main([1]))
    sizes = {kind: number for kind, number, _ in backend.stats().kinds}
    assert sizes["executions"] == 1
    assert sizes["jobs"] == 4
    with pytest.raises(BackendError, match="MemoryBackend does not support collecting garbage"):
        backend.collect_garbage([])


class Counting:
    """A connection that counts its statements."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.statements = 0

    def execute(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.connection.executemany(*arguments)


def test_a_large_execution_costs_few_statements_and_little_memory(backend: SqlBackend):
    jobs, batch = 50_000 if isinstance(backend, SqliteBackend) else 10_000, 2_500
    for name, first, last in (("small", jobs - 1000, jobs), ("large", 0, jobs)):
        story = Story(name).begin()
        below: list[bytes] = []
        for number in range(first, last):
            argument = f"{number} ".ljust(1 if number % 5 else 100, "x")
            call = story.call(f"{number}", f"result {number // 2}", arguments=[argument])
            below.append(call.call_hash)
            story.job(number + 1, call, parent=None)
            if (number + 1) % batch == 0:
                story.job(jobs + number + 1, story.call(f"{name} {number}", "all", children=tuple(below)))
                below.clear()
                backend.record(story.take())
        story.batch.executions = [story.execution(Status.DONE, 2000.0)]
        backend.record(story.take())
    counting = Counting(backend._connection)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    garbage = collect(counting, backend._transaction, None, ["large"], 0, lambda _: None)
    sizes = kinds(garbage)
    assert (sizes["jobs"], sizes["calls"]) == (jobs + jobs // batch, jobs - 1000 + jobs // batch)
    assert sizes["values"] == (jobs - 1000) / 5
    assert counting.statements < jobs / 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert (count(backend, "job"), count(backend, "call"), count(backend, "value")) == (1001, 1001, 200)


def test_statistics_count_everything(backend: SqlBackend):
    run(backend, main([1]))
    stats = backend.stats(largest=1)
    sizes = {kind: number for kind, number, _ in stats.kinds}
    assert (sizes["executions"], sizes["jobs"], sizes["calls"]) == (1, 4, 4)
    assert stats.size > 10_000
    [largest] = stats.largest
    assert largest.bytes > 4000
    assert largest.type_name == "builtins.str"


def test_space_is_given_back(backend: SqlBackend):
    first, _ = run(backend, main(list(range(100))))
    backend.collect_garbage([first], grace=0)
    before = backend.stats().size
    assert backend.reclaim_space() > 0
    assert backend.stats().size < before
    assert problems(backend) == []


@task
def used_meanwhile(numbers: list[int]) -> list[Any]:
    return [main(numbers), calls_back(1)]


def test_what_a_run_has_found_stays_until_it_says_so(make: Callable[..., SqlBackend], monkeypatch: Any):
    """The run is held up by a task in its own thread, so that it cannot write down what it has found."""
    monkeypatch.setattr("redun_backend_sql.garbage.calls.PATIENCE", 0)
    with opened(make()) as backend, opened(make()) as other:
        first, _ = run(backend, main([1, 2]))
        run(other, double(5))
        seen: list[Any] = []
        from_inside.append(lambda: seen.append(other.collect_garbage([first], grace=0)))
        ran.clear()
        second, result = run(backend, used_meanwhile([1, 2]))
        assert ran == []
        assert seen[0].postponed == f"execution {second} runs, and may still use them"
        assert kinds(seen[0]).keys() == {"executions", "jobs"}
        assert problems(backend) == []
        # All of it is needed by the second execution.
        assert kinds(other.collect_garbage([], grace=0)).get("calls", 0) == 0
        assert problems(backend) == []
        from_inside.append(lambda: None)
        assert run(backend, used_meanwhile([1, 2]))[1] == result
        assert ran == []


def test_what_is_out_of_use_is_made_again_and_used_again(make: Callable[..., SqlBackend], monkeypatch: Any):
    monkeypatch.setattr("redun_backend_sql.garbage.calls.PATIENCE", 0)
    with opened(make()) as backend, opened(make()) as other:
        first, _ = run(backend, main([1, 2]))
        from_inside.append(lambda: other.collect_garbage([first], grace=0))
        run(backend, calls_back(1))
        before = count(other, "call")
        assert other._connection is not None
        retired = other._connection.execute("SELECT call_hash FROM call WHERE is_error >= 2").fetchall()
        assert len(retired) == 7
        assert not any(call.is_error for call in other.calls([each for (each,) in retired]).values())
        ran.clear()
        run(backend, main([1]))
        assert ran == [1, "text 1"], "nobody finds them any more"
        assert problems(backend) == []
        ran.clear()
        run(backend, main([1]))
        assert ran == []
        garbage = other.collect_garbage([], grace=0)
        assert kinds(garbage)["calls"] == 4, "main([1, 2]) and what is below it for 2"
        assert count(other, "call") < before
        assert problems(backend) == []
        run(backend, main([1]))
        assert ran == []


def test_what_a_live_run_goes_on_from_stays(make: Callable[..., SqlBackend], monkeypatch: Any):
    """It has found an expression, and records what came of it long after its execution was removed."""
    with opened(make()) as backend, opened(make()) as other:
        answers: list[Any] = []
        from_inside.append(lambda: None)
        first, _ = run(backend, used_meanwhile([1, 2]))

        def written_meanwhile(*_: Any) -> bool:
            # What the run has found until now is written down, as it would be within ten seconds.
            current_run[0].recorder.flush()
            return False

        monkeypatch.setattr("redun_backend_sql.garbage.calls.CallSweep._is_pending", written_meanwhile)
        current_run: list[Any] = []
        execute = __import__("redun.scheduler.run", fromlist=["Run"]).Run.execute
        monkeypatch.setattr(
            "redun.scheduler.run.Run.execute", lambda self, expr: (current_run.append(self), execute(self, expr))[1]
        )
        from_inside.append(lambda: answers.append(other.collect_garbage([first], grace=0)))
        ran.clear()
        run(backend, used_meanwhile([1, 2]))
        assert ran == []
        assert answers[0].postponed == ""
        assert problems(backend) == []
        from_inside.append(lambda: None)
        run(backend, used_meanwhile([1, 2]))
        assert ran == []
        assert problems(backend) == []


@task
def power(base: int, exponent: int) -> int:
    return base if exponent <= 1 else multiply(base, power(base, exponent - 1))


@task
def multiply(x: int, y: int) -> int:
    return x * y


@task(check_valid="shallow")
def table(bases: list[int], exponent: int) -> dict[int, Any]:
    return {base: [power(base, exponent), long_text(base)] for base in bases}


programs = st.one_of(
    st.builds(lambda b, e: power(b, e), st.integers(2, 4), st.integers(1, 4)),
    st.builds(lambda b, e: table(b, e), st.lists(st.integers(2, 4), max_size=2, unique=True), st.integers(1, 3)),
    st.builds(lambda n: main(n), st.lists(st.integers(2, 4), max_size=2)),
    st.builds(lambda x: in_context(x), st.integers(1, 2)),
)
"""Programs with much in common: expressions, made anew for each example."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(programs, st.integers(0, 1), st.booleans(), st.integers(0, 4)), min_size=2, max_size=8))
def test_what_stays_is_complete_after_any_history(history: list[tuple[Any, int, bool, int]]):
    """Runs and collections in any order, by one process or two: what is kept is whole, and found again."""
    # In memory there is one connection, so "another process" is a scheduler that remembers nothing.
    with opened(SqliteBackend(None)) as backend:
        kept: dict[str, tuple[Any, int, Any]] = {}
        for expr, factor, is_collected, which in history:
            execution, result = run(backend, expr, context={"factor": factor} if factor else {})
            kept[execution] = (expr, factor, result)
            if is_collected:
                going = sorted(kept)[which % len(kept)]
                del kept[going]
                backend.collect_garbage([going], grace=0)
                assert problems(backend) == []
        for expr, factor, result in list(kept.values()):
            ran.clear()
            execution, again = run(backend, expr, context={"factor": factor} if factor else {})
            assert again == result
            assert ran == []
        backend.collect_garbage([each.id for each in backend.executions(limit=99)], grace=0)
        assert count(backend, "call") == count(backend, "value") == 0
