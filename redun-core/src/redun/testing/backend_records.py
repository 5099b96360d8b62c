"""Records to fill a backend with, in tests: made from names, so that a test reads as the story that it tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redun.backends.records import (
    Argument,
    CallRecord,
    EvaluationRecord,
    ExecutionRecord,
    JobRecord,
    RecordBatch,
    Status,
    TaskRecord,
    TaskSetRecord,
    ValueRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def hash_of(name: str) -> bytes:
    """A hash, the same for the same name."""
    return hashlib.blake2b(name.encode(), digest_size=20).digest()


@dataclass
class Story:
    """Builds batches about one execution of one task.

    Names stand for hashes: the value `v` has the hash `hash_of("v")`, and its name as content.
    """

    execution_id: str = "11111111-1111-4111-8111-111111111111"
    task_name: str = "work"
    namespace: str = "suite"
    time: float = 1000.0
    batch: RecordBatch = field(default_factory=RecordBatch)

    def __post_init__(self) -> None:
        self.task_hash = hash_of(f"task {self.task_name}")
        self.task_set_hash = hash_of(f"task set {self.task_name}")

    def take(self) -> RecordBatch:
        """The batch so far; a new one is begun."""
        batch, self.batch = self.batch, RecordBatch()
        return batch

    def begin(self, status: Status = Status.RUNNING, end_time: float | None = None) -> Story:
        """The execution and its task."""
        self.batch.executions.append(self.execution(status, end_time))
        self.batch.tasks.append(TaskRecord(self.task_hash, self.task_name, self.namespace, None, "source"))
        self.batch.task_sets.append(TaskSetRecord(self.task_set_hash, (self.task_hash,)))
        return self

    def execution(self, status: Status = Status.RUNNING, end_time: float | None = None) -> ExecutionRecord:
        """The record of the execution."""
        args = ("redun", "run", "file.py", self.task_name)
        return ExecutionRecord(self.execution_id, args, status, self.time, self.time, end_time, "host:1:abc")

    def value(self, name: str, *, size: int = 0, children: Iterable[str] = (), path: str | None = None) -> bytes:
        """A value; `size` pads its content. Returns its hash."""
        data = name.encode().ljust(size, b".")
        hashes = tuple(map(hash_of, children))
        self.batch.values.append(ValueRecord(hash_of(name), "suite.Value", "plain", data, hashes, path))
        return hash_of(name)

    def evaluation(self, name: str, raw: str, *, time: float = 1000.0) -> bytes:
        """That the body of the call `name` returned `raw`. Returns the evaluation hash."""
        eval_hash = hash_of(f"eval {name}")
        self.value(raw)
        record = EvaluationRecord(eval_hash, self.task_hash, hash_of(f"args {name}"), hash_of(raw), time)
        self.batch.evaluations.append(record)
        return eval_hash

    def call(
        self,
        name: str,
        result: str,
        *,
        raw: str | None = None,
        arguments: Iterable[str] = (),
        upstream: Iterable[bytes] = (),
        children: Iterable[bytes] = (),
        context: bytes = b"",
        is_error: bool = False,
        time: float = 1000.0,
    ) -> CallRecord:
        """The completed call `name`: its evaluation hash follows from the name, its call hash from name and result."""
        raw_hash = None if is_error and raw is None else self.value(raw or result)
        names = list(arguments)
        record = CallRecord(
            hash_of(f"call {name} {result}"),
            hash_of(f"eval {name}"),
            self.task_hash,
            hash_of(f"args {name}"),
            context,
            tuple(Argument(f"x{i}", self.value(each), tuple(upstream)) for i, each in enumerate(names)),
            raw_hash,
            self.value(result),
            is_error,
            tuple(children),
            self.task_set_hash,
            time,
        )
        self.batch.calls.append(record)
        return record

    def job(
        self, number: int, call: CallRecord | None = None, *, parent: int | None = None, status: Status | None = None
    ) -> JobRecord:
        """A job: done with this call, or still running."""
        status = status or (Status.RUNNING if call is None else Status.DONE)
        record = JobRecord(
            self.execution_id,
            number,
            parent,
            self.task_hash,
            hash_of(f"eval of job {number}") if call is None else call.eval_hash,
            None if call is None else call.call_hash,
            status,
            self.time + number,
            None if status is Status.RUNNING else self.time + number + 0.5,
            "default",
            1,
        )
        self.batch.jobs.append(record)
        return record
