"""Copies of what real runs have left: whole on the other side, and found in the cache there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redun import File, Handle, Scheduler, apply_tags, catch, get_context, merge_handles, task
from redun.backends import collecting
from redun.backends.copying import collect_records, copy_records
from redun.backends.exchange import read_lines, write_lines
from redun.backends.imports import import_records
from redun.backends.memory import MemoryBackend
from redun.backends.records import (
    EntityKind,
    EvaluationRecord,
    ExecutionRecord,
    JobRecord,
    RecordBatch,
    Status,
    TagRecord,
    ValueRecord,
)
from redun.errors import BackendError
from redun.executors.inline import InlineExecutor
from redun.hashing import hash_data
from redun.scheduler import subrun
from redun.testing.backend_records import Story
from redun.value import EncodedValue, encode
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.sqlite_backend import SqliteBackend

redun_namespace = "test_sql_copies"
ran: list[str] = []


@task
def write(path: str, text: str) -> File:
    ran.append("write")
    file = File(path)
    file.write(text)
    return file


@task(tags=[("kind", "leaf")])
def length(file: File, unit: int = get_context("unit", 1)) -> int:
    ran.append("length")
    return len(file.read()) * unit


@task
def fill(handle: Handle, rows: int) -> Handle:
    ran.append("fill")
    return handle


@task
def use(handle: Handle) -> str:
    ran.append("use")
    return "used"


@task
def fail(x: int) -> int:
    ran.append("fail")
    raise ValueError(x)


@task
def recover(error: Exception) -> str:
    return f"recovered from {error}"


@task(check_valid="shallow")
def total(numbers: list[int]) -> Any:
    ran.append("total")
    return add(numbers[0], numbers[-1])


@task
def add(x: int, y: int) -> int:
    ran.append("add")
    return x + y


@task
def texts(count: int) -> list[str]:
    ran.append("texts")
    return ["long text " * 100] * count


@task
def main(folder: str) -> Any:
    files = [write(f"{folder}/{i}.txt", "x" * i) for i in range(5)]
    handle = Handle("db", "address")
    filled = merge_handles([fill(handle.fork("a"), 1), fill(handle.fork("b"), 2)])
    return {
        "lengths": [length(file) for file in files],
        "used": use(filled),
        "recovered": catch(fail(1), ValueError, recover),
        "total": total([1, 2, 3]),
        "tagged": apply_tags(add(3, 4), [("important", True)]),
        "texts": texts(3),
        "below": subrun(add(10, 20), "default"),
    }


@task
def half(x: int) -> Any:
    """Fails when something below it has succeeded."""
    return [add(x, x), fail(add(x, 1))]


def scheduler_on(backend: Any) -> Scheduler:
    scheduler = Scheduler(backend=backend)
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    return scheduler


@pytest.fixture
def open_repository(tmp_path: Path) -> Iterator[Callable[[str], SqliteBackend]]:
    opened = []

    def open_repository(name: str) -> SqliteBackend:
        backend = SqliteBackend(tmp_path / f"{name}.db")
        backend.load()
        opened.append(backend)
        return backend

    yield open_repository
    for backend in opened:
        backend.close()


def lost_run(task_hash: bytes, value: EncodedValue) -> RecordBatch:
    """What is left of a run that was killed: a job that still runs, and what its body had returned."""
    args_hash = hash_data("args", b"lost")
    eval_hash = hash_data("eval", task_hash + args_hash)
    execution_id = "77777777-7777-4777-8777-777777777777"
    return RecordBatch(
        executions=[ExecutionRecord(execution_id, ("redun",), Status.RUNNING, 1000.0, 1000.0, None, "host:1:abc")],
        jobs=[JobRecord(execution_id, 1, None, task_hash, eval_hash, None, Status.RUNNING, 1000.0, None, "default", 1)],
        evaluations=[EvaluationRecord(eval_hash, task_hash, args_hash, value.hash, 1000.0)],
        values=[ValueRecord(*value[:4])],
    )


@pytest.fixture
def source(open_repository: Callable[[str], SqliteBackend], tmp_path: Path) -> SqliteBackend:
    """A repository of some runs: under two contexts, one failed, one whose end was never recorded."""
    backend = open_repository("source")
    scheduler = scheduler_on(backend)
    scheduler.run(main(str(tmp_path)))
    scheduler.run(main(str(tmp_path)), context={"unit": 2})
    with pytest.raises(ValueError, match="6"):
        scheduler.run(half(5))
    backend.record(lost_run(bytes.fromhex(add.hash), encode(1)))
    ran.clear()
    return backend


def shown(backend: Any) -> list[Any]:
    """Executions, jobs and tags as they are."""
    executions = backend.executions(limit=20)
    return [
        executions,
        *(backend.jobs(each.id) for each in executions),
        sorted(str(row.tag) for row in backend.tags_since(0)),
    ]


def assert_whole(backend: SqliteBackend) -> None:
    assert backend.path is not None
    assert [str(problem) for problem in check_repository(backend.path)] == []


def test_a_copy_is_whole_and_answers_as_the_original(source, open_repository):
    target = open_repository("target")
    counts = copy_records(source, target)
    assert shown(target) == shown(source)
    assert counts["handles"] > 5
    assert counts["evaluations"] > 0
    assert_whole(target)
    assert copy_records(source, target).total() == 0
    assert copy_records(target, source).total() == 0


@pytest.mark.parametrize("way", ["copy", "by way of memory", "file"])
def test_a_run_on_a_copy_is_cached_as_on_the_original(source, open_repository, tmp_path, way):
    target = open_repository("target")
    if way == "copy":
        copy_records(source, target)
    elif way == "by way of memory":
        memory = MemoryBackend()
        copy_records(source, memory)
        copy_records(memory, target)
    else:
        lines = (line.encode() for line in write_lines(collect_records(source)))
        import_records(read_lines(lines, "file"), target, "file")
    assert_whole(target)

    def runs_on(backend: SqliteBackend) -> tuple[list[Any], list[str]]:
        ran.clear()
        scheduler = scheduler_on(backend)
        results = [scheduler.run(main(str(tmp_path))), scheduler.run(main(str(tmp_path)), context={"unit": 2})]
        with pytest.raises(ValueError, match="6"):
            scheduler.run(half(5))
        return results, list(ran)

    there, here = runs_on(target), runs_on(source)
    assert there == here
    assert here[1] == ["fail", "fail", "fail"]


def test_a_handle_that_was_rolled_back_is_rolled_back_in_the_copy(source, open_repository, tmp_path):
    target = open_repository("target")
    copy_records(source, target)
    scheduler_on(source).run(use(fill(Handle("db", "address").fork("a"), 3)))
    copy_records(source, target)
    ran.clear()
    scheduler_on(target).run(main(str(tmp_path)))
    assert "fill" in ran
    assert_whole(target)


def test_what_a_small_batch_splits_is_whole(source, open_repository, monkeypatch):
    """As with executions of more jobs than are sent together."""
    monkeypatch.setattr(collecting, "JOBS", 3)
    monkeypatch.setattr(collecting, "CALLS", 2)
    target = open_repository("target")
    for batch in collecting.Collector(source, target).collect(source.execution_states()):
        target.record(batch)
        assert_whole(target)
    assert shown(target) == shown(source)


class Failing:
    """A repository that is lost after some batches."""

    def __init__(self, backend: SqliteBackend, batches: int) -> None:
        self._backend = backend
        self._left = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def record(self, batch: RecordBatch) -> None:
        if self._left == 0:
            raise BackendError("lost")
        self._left -= 1
        self._backend.record(batch)


def test_after_any_interruption_the_next_copy_completes_it(source, open_repository, monkeypatch):
    monkeypatch.setattr(collecting, "JOBS", 8)
    monkeypatch.setattr(collecting, "CALLS", 8)
    for batches in range(100):
        target = open_repository(f"target{batches}")
        try:
            copy_records(source, Failing(target, batches))  # type: ignore[arg-type]
        except BackendError:
            assert_whole(target)
            copy_records(source, target)
            assert shown(target) == shown(source)
        else:
            break
    assert batches > 5


def test_two_copies_at_once_do_nothing_twice(source, open_repository, tmp_path):
    target = open_repository("target")
    errors: list[BaseException] = []

    def push() -> None:
        try:
            copy_records(open_repository("source"), open_repository("target"))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert shown(target) == shown(source)
    assert_whole(target)


def test_copies_from_two_repositories_meet(source, open_repository, tmp_path):
    """Both ways: in the end all three have the same."""
    other, shared = open_repository("other"), open_repository("shared")
    scheduler_on(other).run([main(str(tmp_path)), add(100, 1)])
    for each in (source, other):
        copy_records(each, shared)
    for each in (source, other):
        copy_records(shared, each)
        assert {e.id for e in each.executions(limit=20)} == {e.id for e in shared.executions(limit=20)}
        assert_whole(each)
        assert copy_records(each, shared).total() == 0


def test_the_same_file_is_known_by_another_name(source, tmp_path):
    (tmp_path / "link.db").symlink_to(source.path)
    other = SqliteBackend(tmp_path / "link.db")
    assert source.is_same_store(other)
    assert not source.is_same_store(SqliteBackend(tmp_path / "another.db"))
    assert not source.is_same_store(MemoryBackend())


def test_a_note_about_tags_of_another_history_is_not_believed(open_repository):
    """A source that was restored from a backup counts on from there."""
    source, target = open_repository("source"), open_repository("target")
    story = Story().begin(Status.DONE, 2000.0)
    story.job(1, story.call("f", "result"))
    source.record(story.take())
    copy_records(source, target)
    for key, note in [("first", ""), ("second", "2 00112233"), ("third", "99 00112233")]:
        if note:
            target.note_sync_point(source.store_name(), note)
        source.record(RecordBatch(tags=[TagRecord(EntityKind.EXECUTION, story.execution_id, key, 1)]))
        assert copy_records(source, target) == {"tags": 1}
        assert target.sync_point(source.store_name()) not in ("", note)
        assert copy_records(source, target).total() == 0


def test_two_may_note_at_once_how_far_they_have_come(source, open_repository):
    names = [f"source {i}" for i in range(30)]
    together = threading.Barrier(2)
    errors: list[BaseException] = []

    def note(backend: SqliteBackend, point: str) -> None:
        try:
            for name in names:
                together.wait(60)
                backend.note_sync_point(name, point)
        except BaseException as error:
            errors.append(error)

    pairs = [(open_repository("target"), "1"), (open_repository("target"), "2")]
    threads = [threading.Thread(target=note, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {pairs[0][0].sync_point(name) for name in names} <= {"1", "2"}


def test_an_execution_that_is_sent_in_several_batches_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = SqliteBackend(tmp_path / "source.db"), SqliteBackend(tmp_path / "target.db")
    source.load()
    target.load()
    Scheduler(backend=source, executor=InlineExecutor("default")).run([recover(str(i)) for i in range(9)])  # type: ignore[arg-type]
    monkeypatch.setattr(collecting, "JOBS", 4)
    sent = sum(len(batch.executions) for batch in collect_records(source))
    assert sent == 2
    assert copy_records(source, target)["executions"] == 1
    source.close()
    target.close()
