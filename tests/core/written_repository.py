"""Repositories whose records are written by hand, without a scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redun.backends.memory import MemoryBackend
from redun.backends.records import (
    Argument,
    CallRecord,
    EntityKind,
    ExecutionRecord,
    JobRecord,
    RecordBatch,
    Status,
    TagRecord,
    TaskRecord,
    TaskSetRecord,
    ValueRecord,
)
from redun.hashing import hash_data
from redun.value import encode

EXEC_1 = "aaaaaaaa-1111-4000-8000-000000000001"
EXEC_2 = "aaaabbbb-2222-4000-8000-000000000002"
DONE, FAILED = Status.DONE, Status.FAILED


class Repository:
    """Writes records as a scheduler would."""

    def __init__(self) -> None:
        self.backend = MemoryBackend()
        self.batch = RecordBatch()

    def write(self) -> MemoryBackend:
        self.backend.record(self.batch)
        self.batch = RecordBatch()
        return self.backend

    def execution(self, execution_id: str, start: float, status: Status = DONE, args: tuple[str, ...] = ()) -> None:
        self.batch.executions.append(
            ExecutionRecord(execution_id, args, status, start, start + 5, start + 5, "host:1:abc")
        )

    def value(self, value: Any) -> bytes:
        encoded = encode(value)
        for one in (*encoded.children, encoded):
            children = tuple(child.hash for child in one.children)
            self.batch.values.append(ValueRecord(one.hash, one.type_name, one.codec, one.data, children, one.path))
        return encoded.hash

    def task(self, name: str, source: str = "") -> bytes:
        task_hash = hash_data("task", (name + source).encode())
        namespace, _, short = name.rpartition(".")
        self.batch.tasks.append(TaskRecord(task_hash, short, namespace, None, source or f"def {short}(x):\n    pass"))
        return task_hash

    def call(self, name: str, arguments: dict[str, Any], result: Any, upstream: tuple[bytes, ...] = ()) -> bytes:
        from redun.scheduler.errors import ErrorValue

        task_hash = self.task(name)
        value_hash = self.value(result)
        call_hash = hash_data("call", f"{name}{arguments}{result}".encode())
        bound = tuple(Argument(key, self.value(item), upstream) for key, item in arguments.items())
        task_set = hash_data("taskset", task_hash)
        self.batch.task_sets.append(TaskSetRecord(task_set, (task_hash,)))
        is_error = isinstance(result, ErrorValue)
        raw = None if is_error else value_hash
        self.batch.calls.append(
            CallRecord(
                call_hash, call_hash, task_hash, call_hash, b"", bound, raw, value_hash, is_error, (), task_set, 1.0
            )
        )
        return call_hash

    def job(
        self, execution_id: str, number: int, parent: int | None, name: str, call: bytes | None, status: Status = DONE
    ) -> None:
        end = 10.0 + number if call is not None else None
        self.batch.jobs.append(
            JobRecord(
                execution_id, number, parent, self.task(name), b"e" * 20, call, status, 1.0 * number, end, "default", 1
            )
        )


def two_executions(folder: Path) -> MemoryBackend:
    """One that is done and one that failed; a file in the folder is an argument."""
    from redun.file import File
    from redun.scheduler.errors import ErrorValue
    from redun.traceback import Frame, Traceback

    (folder / "data.txt").write_text("a")
    repository = Repository()
    repository.execution(EXEC_1, 1000.0, args=("redun", "run", "wf.py", "main", "--x", "1"))
    inc = repository.call("acme.inc", {"x": 1}, 2)
    main = repository.call("acme.main", {"x": 1, "path": File(str(folder / "data.txt"))}, [2, "two"])
    twice = repository.call("acme.inc", {"x": 2}, 3, upstream=(inc,))
    repository.job(EXEC_1, 1, None, "acme.main", main)
    repository.job(EXEC_1, 2, 1, "acme.inc", inc)
    repository.job(EXEC_1, 3, 1, "acme.inc", twice, Status.CACHED)
    repository.execution(EXEC_2, 2000.0, FAILED, ("redun", "run", "wf.py", "bad"))
    frame = Frame("aaaabbbb.1", "bad", "wf.py", 3, ("x = 1",))
    error = ErrorValue(ValueError("bad"), Traceback((frame,), 0, "ValueError: bad"))
    repository.job(EXEC_2, 1, None, "bad", repository.call("bad", {"x": 1}, error), FAILED)
    repository.batch.tags += [
        TagRecord(EntityKind.EXECUTION, EXEC_1, "user", "ada"),
        TagRecord(EntityKind.EXECUTION, EXEC_1, "doc", "A trial."),
    ]
    return repository.write()


class CountingBackend(MemoryBackend):
    queries = 0

    def jobs(self, *args: Any, **kwargs: Any) -> Any:
        self.queries += 1
        return super().jobs(*args, **kwargs)


def tree_backend(parents: list[int | None]) -> CountingBackend:
    """An execution whose job number n has the n-th of these parents."""
    repository = Repository()
    repository.backend = CountingBackend()
    repository.execution(EXEC_1, 1.0)
    task_hash = repository.task("t")
    repository.batch.jobs += [
        JobRecord(EXEC_1, number, parent, task_hash, b"e" * 20, None, Status.RUNNING, 1.0, None, "default", 1)
        for number, parent in enumerate(parents, start=1)
    ]
    return repository.write()
