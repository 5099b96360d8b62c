"""The part of the memory backend that takes records, and keeps the indexes by which the others find them."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.base import refuse_large_values
from redun.backends.memory_tags import MemoryTags
from redun.backends.records import Status
from redun.errors import BackendError

if TYPE_CHECKING:
    import threading
    from collections import defaultdict

    from redun.backends.records import (
        CallRecord,
        EvaluationRecord,
        ExecutionRecord,
        HandleRecord,
        HandleStep,
        JobRecord,
        RecordBatch,
        TaskRecord,
        ValueRecord,
    )


class MemoryRecording(MemoryTags):
    """Adds to the dictionaries of `MemoryBackend`."""

    max_value_size: int | None
    _lock: threading.RLock
    _executions: dict[str, ExecutionRecord]
    _tasks: dict[bytes, TaskRecord]
    _values: dict[bytes, ValueRecord]
    _containers: defaultdict[bytes, dict[bytes, None]]
    _files: defaultdict[str, dict[bytes, None]]
    _task_sets: dict[bytes, frozenset[bytes]]
    _evaluations: defaultdict[bytes, dict[bytes, float]]
    _evaluation_records: dict[tuple[bytes, bytes], EvaluationRecord]
    _calls: dict[tuple[bytes, bytes], CallRecord]
    _calls_by_hash: dict[bytes, CallRecord]
    _calls_of_evaluation: defaultdict[bytes, dict[tuple[bytes, bytes], None]]
    _calls_by_result: defaultdict[bytes, dict[bytes, None]]
    _calls_by_argument: defaultdict[bytes, dict[bytes, None]]
    _jobs: defaultdict[str, dict[int, JobRecord]]
    _children: defaultdict[tuple[str, int], dict[int, None]]
    _jobs_by_call: defaultdict[bytes, dict[tuple[str, int], None]]
    _jobs_by_task: defaultdict[bytes, dict[tuple[str, int], None]]
    _counts: defaultdict[str, defaultdict[tuple[bytes, Status], int]]
    _handles: dict[bytes, HandleRecord]
    _handle_children: defaultdict[bytes, dict[bytes, HandleStep]]

    def record(self, batch: RecordBatch) -> None:
        refuse_large_values(batch.values, self.max_value_size)
        with self._lock:
            self._refuse_dangling(batch)
            for execution in batch.executions:
                if execution.updated_time >= self._executions.setdefault(execution.id, execution).updated_time:
                    self._executions[execution.id] = execution
            for task in batch.tasks:
                self._tasks.setdefault(task.hash, task)
            for value in batch.values:
                self._add_value(value)
            for task_set in batch.task_sets:
                self._task_sets[task_set.hash] = frozenset(task_set.task_hashes)
            for evaluation in batch.evaluations:
                self._evaluation_records[evaluation.eval_hash, evaluation.raw_hash] = evaluation
                self._add_evaluation(evaluation.eval_hash, evaluation.raw_hash, evaluation.time)
            for call in batch.calls:
                self._add_call(call)
            for job in batch.jobs:
                self._add_job(job)
            for tag in batch.tags:
                self._record_tag(tag)
            for handle in batch.handles:
                known = self._handles.setdefault(handle.hash, handle)
                self._handles[handle.hash] = known._replace(is_valid=handle.is_valid)
            for edge in batch.handle_edges:
                self._handle_children[edge.parent][edge.child] = edge.step

    def _refuse_dangling(self, batch: RecordBatch) -> None:
        """Raise before anything is written, so that a batch is kept whole or not at all."""
        tasks = self._tasks.keys() | {task.hash for task in batch.tasks}
        task_sets = self._task_sets.keys() | {task_set.hash for task_set in batch.task_sets}
        calls = self._calls_by_hash.keys() | {call.call_hash for call in batch.calls}
        executions = self._executions.keys() | {execution.id for execution in batch.executions}
        named = {record.task_hash for records in (batch.evaluations, batch.calls, batch.jobs) for record in records}
        for task_hash in named - tasks:
            raise BackendError(f"a record names the task {task_hash.hex()}, which was never recorded")
        for call in batch.calls:
            if call.task_set_hash not in task_sets:
                raise BackendError(f"a call names the task set {call.task_set_hash.hex()}, which was never recorded")
        for job in batch.jobs:
            if job.call_hash is not None and job.call_hash not in calls:
                raise BackendError(f"a job names the call {job.call_hash.hex()}, which was never recorded")
            if job.execution_id not in executions:
                raise BackendError(f"a job names the execution {job.execution_id}, which was never recorded")
        if batch.handle_edges:
            states = self._handles.keys() | {handle.hash for handle in batch.handles}
            for state in (each for edge in batch.handle_edges for each in edge[:2]):
                if state not in states:
                    raise BackendError(f"an edge names the state {state.hex()} of a handle, which was never recorded")

    def _add_value(self, value: ValueRecord) -> None:
        if value.hash in self._values:
            return
        self._values[value.hash] = value
        for child in value.children:
            self._containers[child][value.hash] = None
        if value.path is not None:
            self._files[value.path][value.hash] = None

    def _add_evaluation(self, eval_hash: bytes, raw_hash: bytes, time: float) -> None:
        seen = self._evaluations[eval_hash]
        if time >= seen.get(raw_hash, time):
            seen[raw_hash] = time

    def _add_call(self, call: CallRecord) -> None:
        if call.raw_hash is not None:
            self._add_evaluation(call.eval_hash, call.raw_hash, call.time)
        key = (call.call_hash, call.context_hash)
        known = self._calls.get(key)
        if known is not None:
            call = known._replace(time=max(known.time, call.time))
        self._calls[key] = call
        self._calls_by_hash[call.call_hash] = call
        self._calls_of_evaluation[call.eval_hash][key] = None
        self._calls_by_result[call.value_hash][call.call_hash] = None
        for argument in call.arguments:
            self._calls_by_argument[argument.value_hash][call.call_hash] = None

    def _add_job(self, job: JobRecord) -> None:
        key = (job.execution_id, job.number)
        of_execution = self._jobs[job.execution_id]
        counts = self._counts[job.execution_id]
        known = of_execution.get(job.number)
        if known is not None:
            if job.status is Status.RUNNING:
                return
            counts[known.task_hash, known.status] -= 1
        of_execution[job.number] = job
        counts[job.task_hash, job.status] += 1
        self._jobs_by_task[job.task_hash][key] = None
        if job.parent is not None:
            self._children[job.execution_id, job.parent][job.number] = None
        if job.call_hash is not None:
            self._jobs_by_call[job.call_hash][key] = None
