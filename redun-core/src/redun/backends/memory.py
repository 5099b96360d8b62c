"""A backend that keeps everything in this process and forgets it at the end: for tests, and for a core alone."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from redun.backends.base import EXTENSION, MOST_CALLS, Backend, warn_of_missing_values
from redun.backends.memory_lineage import MemoryLineage
from redun.backends.memory_maintenance import MemoryMaintenance
from redun.backends.memory_recording import MemoryRecording
from redun.backends.memory_search import MemorySearch
from redun.backends.memory_sync import MemorySync
from redun.backends.records import (
    MOST_CHILDREN_COUNTED,
    CallHit,
    CallRecord,
    EntityKind,
    EntityRef,
    EvaluationHit,
    EvaluationRecord,
    ExecutionRecord,
    FileRow,
    HandleRecord,
    HandleStep,
    JobRecord,
    JobRow,
    RecordBatch,
    Status,
    StoredValue,
    TagRecord,
    TaskCount,
    TaskRecord,
    ValueRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")


class MemoryBackend(MemoryRecording, MemoryLineage, MemorySearch, MemorySync, MemoryMaintenance, Backend):
    """Plain dictionaries behind one lock.

    It may be shared by schedulers and threads. What it holds is never written anywhere, and grows until it is dropped.
    """

    is_durable = False

    def __init__(self, config_dir: Path | None = None, *, db_uri: str = "memory://") -> None:  # noqa: ARG002 - the factory's form
        self._lock = threading.RLock()
        self._executions: dict[str, ExecutionRecord] = {}
        self._tasks: dict[bytes, TaskRecord] = {}
        self._values: dict[bytes, ValueRecord] = {}
        self._containers: defaultdict[bytes, dict[bytes, None]] = defaultdict(dict)
        self._files: defaultdict[str, dict[bytes, None]] = defaultdict(dict)
        self._task_sets: dict[bytes, frozenset[bytes]] = {}
        # Of an evaluation hash: when each raw result was last seen, and every completed call.
        self._evaluations: defaultdict[bytes, dict[bytes, float]] = defaultdict(dict)
        self._evaluation_records: dict[tuple[bytes, bytes], EvaluationRecord] = {}
        self._calls: dict[tuple[bytes, bytes], CallRecord] = {}
        self._calls_by_hash: dict[bytes, CallRecord] = {}
        self._calls_of_evaluation: defaultdict[bytes, dict[tuple[bytes, bytes], None]] = defaultdict(dict)
        self._calls_by_result: defaultdict[bytes, dict[bytes, None]] = defaultdict(dict)
        self._calls_by_argument: defaultdict[bytes, dict[bytes, None]] = defaultdict(dict)
        self._jobs: defaultdict[str, dict[int, JobRecord]] = defaultdict(dict)
        self._children: defaultdict[tuple[str, int], dict[int, None]] = defaultdict(dict)
        self._jobs_by_call: defaultdict[bytes, dict[tuple[str, int], None]] = defaultdict(dict)
        self._jobs_by_task: defaultdict[bytes, dict[tuple[str, int], None]] = defaultdict(dict)
        self._counts: defaultdict[str, defaultdict[tuple[bytes, Status], int]] = defaultdict(lambda: defaultdict(int))
        self._tags: defaultdict[tuple[EntityKind, str], list[TagRecord]] = defaultdict(list)
        self._removed_tags: defaultdict[tuple[EntityKind, str], dict[tuple[str, str], int]] = defaultdict(dict)
        self._handles: dict[bytes, HandleRecord] = {}
        self._handle_children: defaultdict[bytes, dict[bytes, HandleStep]] = defaultdict(dict)
        self._extensions: defaultdict[str, int] = defaultdict(int)

    # -- life ---------------------------------------------------------------------------------------------------------

    def load(self, *, migrate: bool | None = None) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to let go of: what was recorded stays as long as the object."""

    # -- the run path -------------------------------------------------------------------------------------------------

    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:
        with self._lock:
            hits = {}
            for eval_hash in eval_hashes:
                seen = self._evaluations.get(eval_hash)
                if seen:
                    raw_hash = _newest(seen, seen.__getitem__)
                    calls = [call for call in self._completed(eval_hash) if call.raw_hash == raw_hash]
                    call_hash = _newest(calls, _call_time).call_hash if calls else None
                    hits[eval_hash] = EvaluationHit(raw_hash, self._stored(raw_hash), call_hash)
            return hits

    def find_calls(self, eval_hashes: Sequence[bytes], context_hash: bytes) -> dict[bytes, list[CallHit]]:
        with self._lock:
            hits = {}
            for eval_hash in eval_hashes:
                calls = [c for c in self._completed(eval_hash) if c.context_hash == context_hash and not c.is_error]
                if calls:
                    # Of calls with the same time, the one that was recorded last comes first.
                    oldest_first = sorted(calls, key=_call_time)
                    hits[eval_hash] = [self._hit(call) for call in oldest_first[: -MOST_CALLS - 1 : -1]]
            return hits

    def _hit(self, call: CallRecord) -> CallHit:
        value, raw_hash = self._stored(call.value_hash), call.raw_hash or call.value_hash
        return CallHit(call.call_hash, call.value_hash, value, raw_hash, call.task_set_hash)

    def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        with self._lock:
            found = ((value_hash, self._stored(value_hash)) for value_hash in value_hashes)
            values = {value_hash: value for value_hash, value in found if value is not None}
        warn_of_missing_values(value_hashes, values)
        return values

    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:
        with self._lock:
            return {set_hash: self._task_sets[set_hash] for set_hash in hashes if set_hash in self._task_sets}

    def extend_job(self, execution_id: str, number: int) -> int | None:
        with self._lock:
            numbers = self._jobs.get(execution_id, {})
            if number not in numbers:
                return None
            latest = max(self._extensions[execution_id], max(numbers) // EXTENSION)
            self._extensions[execution_id] = latest + 1
            return (latest + 1) * EXTENSION

    # -- handles ------------------------------------------------------------------------------------------------------

    def find_valid_handles(self, states: Sequence[bytes]) -> set[bytes]:
        with self._lock:
            return {each for each in states if each in self._handles and self._handles[each].is_valid}

    def handle_branches(self, states: Sequence[bytes]) -> dict[bytes, dict[bytes, HandleStep]]:
        with self._lock:
            branches: dict[bytes, dict[bytes, HandleStep]] = {}
            for state in states:
                for child, step in self._handle_children.get(state, {}).items():
                    if step != HandleStep.CALL:
                        branches.setdefault(state, {})[child] = step
            return branches

    def roll_back(self, states: Sequence[bytes]) -> set[bytes]:
        with self._lock:
            met = {each for each in states if each in self._handles}
            undone = list(met)
            for state in undone:  # grows while it is walked
                new = self._handle_children.get(state, {}).keys() - met
                met |= new
                undone.extend(each for each in new if self._handles[each].is_valid)
            records = [self._handles[state]._replace(is_valid=False) for state in undone]
        if records:
            # A subclass that keeps what is recorded keeps this as well.
            self.record(RecordBatch(handles=records))
        return met

    # -- questions ----------------------------------------------------------------------------------------------------

    def find_ids(self, prefix: str, limit: int = 20) -> list[EntityRef]:
        with self._lock:
            prefix = prefix.lower()
            found = [EntityRef(EntityKind.EXECUTION, name) for name in self._executions if name.startswith(prefix)]
            for kind, hashes in (
                (EntityKind.CALL, self._calls_by_hash),
                (EntityKind.TASK, self._tasks),
                (EntityKind.VALUE, self._values),
            ):
                names = (value_hash.hex() for value_hash in hashes)
                found.extend(EntityRef(kind, name) for name in names if name.startswith(prefix))
            return found[:limit]

    def executions(self, *, limit: int, skip: int = 0) -> list[ExecutionRecord]:
        with self._lock:
            order = {name: position for position, name in enumerate(self._executions)}
            newest = sorted(self._executions.values(), key=lambda e: (e.start_time, order[e.id]), reverse=True)
            return newest[skip : skip + limit]

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        with self._lock:
            return self._executions.get(execution_id)

    def task_counts(self, execution_id: str) -> list[TaskCount]:
        with self._lock:
            if execution_id not in self._counts:
                return []
            named: defaultdict[tuple[str, Status], int] = defaultdict(int)
            for (task_hash, status), count in self._counts[execution_id].items():
                named[_full_name(self._tasks[task_hash]), status] += count
            return [TaskCount(name, status, count) for (name, status), count in sorted(named.items()) if count]

    def jobs(self, execution_id: str, *, parent: int | None = None, after: int = 0, limit: int = 1000) -> list[JobRow]:
        with self._lock:
            of_execution = self._jobs.get(execution_id, {})
            numbers = of_execution if parent is None else self._children.get((execution_id, parent), {})
            page = sorted(number for number in numbers if number > after)[:limit]
            return [self._job_row(of_execution[number]) for number in page]

    def job(self, execution_id: str, number: int) -> JobRow | None:
        with self._lock:
            job = self._jobs.get(execution_id, {}).get(number)
            return None if job is None else self._job_row(job)

    def call(self, call_hash: bytes) -> CallRecord | None:
        with self._lock:
            return self._calls_by_hash.get(call_hash)

    def jobs_of_call(self, call_hash: bytes, limit: int = 20) -> list[JobRow]:
        with self._lock:
            return self._newest_jobs(self._jobs_by_call.get(call_hash, {}), limit)

    def calls_with_result(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._lock:
            return self._calls_touching(self._calls_by_result, value_hash, limit)

    def calls_with_argument(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._lock:
            return self._calls_touching(self._calls_by_argument, value_hash, limit)

    def task(self, task_hash: bytes) -> TaskRecord | None:
        with self._lock:
            return self._tasks.get(task_hash)

    def tasks_named(self, full_name: str, limit: int = 20) -> list[TaskRecord]:
        with self._lock:
            named = [t for t in self._tasks.values() if full_name == (_full_name(t) if "." in full_name else t.name)]
            return named[::-1][:limit]

    def jobs_of_task(self, task_hash: bytes, limit: int = 20) -> list[JobRow]:
        with self._lock:
            return self._newest_jobs(self._jobs_by_task.get(task_hash, {}), limit)

    def files(self, path: str, limit: int = 100) -> list[FileRow]:
        with self._lock:
            newest = list(self._files.get(path, {}))[::-1][:limit]
            return [FileRow(path, value_hash, self._values[value_hash].type_name) for value_hash in newest]

    def tags(self, kind: EntityKind, entity_ids: Iterable[str]) -> Mapping[str, list[TagRecord]]:
        with self._lock:
            return {name: list(self._tags[kind, name]) for name in entity_ids if (kind, name) in self._tags}

    # -- inside -------------------------------------------------------------------------------------------------------

    def _completed(self, eval_hash: bytes) -> list[CallRecord]:
        return [self._calls[key] for key in self._calls_of_evaluation.get(eval_hash, {})]

    def _stored(self, value_hash: bytes) -> StoredValue | None:
        value = self._values.get(value_hash)
        return None if value is None else StoredValue(value.hash, value.type_name, value.codec, value.data)

    def _calls_touching(
        self, index: Mapping[bytes, dict[bytes, None]], value_hash: bytes, limit: int
    ) -> list[CallRecord]:
        hashes = [value_hash, *self._containers.get(value_hash, {})]
        calls = {call_hash: self._calls_by_hash[call_hash] for each in hashes for call_hash in index.get(each, {})}
        return sorted(calls.values(), key=_call_time, reverse=True)[:limit]

    def _newest_jobs(self, keys: Iterable[tuple[str, int]], limit: int) -> list[JobRow]:
        order = {name: position for position, name in enumerate(self._executions)}
        newest = sorted(keys, key=lambda key: (order[key[0]], key[1]), reverse=True)[:limit]
        return [self._job_row(self._jobs[execution_id][number]) for execution_id, number in newest]

    def _job_row(self, job: JobRecord) -> JobRow:
        return JobRow(
            job.execution_id,
            job.number,
            job.parent,
            _full_name(self._tasks[job.task_hash]),
            job.task_hash,
            job.eval_hash,
            job.call_hash,
            job.status,
            job.start_time,
            job.end_time,
            job.executor,
            job.attempt,
            min(len(self._children.get((job.execution_id, job.number), {})), MOST_CHILDREN_COUNTED),
        )


def _call_time(call: CallRecord) -> float:
    return call.time


def _newest(items: Iterable[T], time: Callable[[T], float]) -> T:
    """The item with the highest time; of equal ones, the last."""
    newest, *rest = items
    for item in rest:
        if time(item) >= time(newest):
            newest = item
    return newest


def _full_name(task: TaskRecord) -> str:
    return f"{task.namespace}.{task.name}" if task.namespace else task.name
