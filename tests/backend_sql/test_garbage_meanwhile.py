"""Collections of garbage beside others who use the repository, and ones that are killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from garbage_stories import (
    calls_back,
    copies,
    count,
    double,
    from_inside,
    kinds,
    long_text,
    main,
    opened,
    problems,
    ran,
    run,
)
from redun import task
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.value_store import ValueStore


def test_ids_that_others_remember_are_never_believed(make_backend: Callable[..., SqlBackend]):
    """Two connections: what one has written, another one removes, and then the first writes it again."""
    with opened(make_backend()) as one, opened(make_backend()) as other:
        for _ in range(3):
            first, result = run(one, main([1, 2]))
            other.collect_garbage([first], grace=0)
            assert count(one, "call") == 0
            run(other, double(77))
            assert run(one, main([1, 2]))[1] == result
            assert problems(one) == []
            other.collect_garbage([each.id for each in one.executions(limit=9)], grace=0)


def test_numbers_of_calls_and_values_are_never_given_out_twice(sql_backend: SqlBackend):
    first, _ = run(sql_backend, main([1]))
    assert sql_backend._connection is not None

    def highest() -> list[int]:
        assert sql_backend._connection is not None
        return [sql_backend._connection.execute(f"SELECT max(id) FROM {t}").fetchone()[0] for t in ("call", "value")]

    before = highest()
    sql_backend.collect_garbage([first], grace=0)
    run(sql_backend, main([2]))
    lowest = [sql_backend._connection.execute(f"SELECT min(id) FROM {t}").fetchone()[0] for t in ("call", "value")]
    assert all(new > old for new, old in zip(lowest, before, strict=True))


def test_a_killed_collection_leaves_the_repository_whole_at_every_moment(
    make_backend: Callable[..., SqlBackend], monkeypatch: Any
):
    """It ends after each of its transactions in turn; what it leaves behind goes with a later one."""
    monkeypatch.setattr("redun_backend_sql.garbage.calls.AT_ONCE", 3)
    monkeypatch.setattr("redun_backend_sql.garbage.values.AT_ONCE", 2)
    monkeypatch.setattr("redun_backend_sql.garbage.jobs.AT_ONCE", 30)
    # What is recorded at once may name each other in any direction, so it goes at once.
    monkeypatch.setattr("redun.scheduler.recorder.MOST_RECORDS", 1)
    with opened(make_backend()) as backend:
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


def test_files_of_a_value_store_go_with_their_values(make_backend: Callable[..., SqlBackend], tmp_path: Path):
    store = tmp_path / "values"

    def files() -> int:
        return sum(path.is_file() for path in store.rglob("*"))

    with opened(make_backend(value_store=ValueStore(str(store), 1000))) as backend:
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
    make_backend: Callable[..., SqlBackend], tmp_path: Path
):
    """Somebody finds the file there, and the collection removes it before the row is recorded."""
    store = tmp_path / "values"
    with (
        opened(make_backend(value_store=ValueStore(str(store), 1000))) as one,
        opened(make_backend(value_store=ValueStore(str(store), 1000))) as other,
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


@task
def used_meanwhile(numbers: list[int]) -> list[Any]:
    return [main(numbers), calls_back(1)]


def test_what_a_run_has_found_stays_until_it_says_so(make_backend: Callable[..., SqlBackend], monkeypatch: Any):
    """The run is held up by a task in its own thread, so that it cannot write down what it has found."""
    monkeypatch.setattr("redun_backend_sql.garbage.calls.PATIENCE", 0)
    with opened(make_backend()) as backend, opened(make_backend()) as other:
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


def test_what_is_out_of_use_is_made_again_and_used_again(make_backend: Callable[..., SqlBackend], monkeypatch: Any):
    monkeypatch.setattr("redun_backend_sql.garbage.calls.PATIENCE", 0)
    with opened(make_backend()) as backend, opened(make_backend()) as other:
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


def test_what_a_live_run_goes_on_from_stays(make_backend: Callable[..., SqlBackend], monkeypatch: Any):
    """It has found an expression, and records what came of it long after its execution was removed."""
    with opened(make_backend()) as backend, opened(make_backend()) as other:
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
