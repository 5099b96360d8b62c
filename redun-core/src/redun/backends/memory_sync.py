"""The part of the memory backend that copies records, and says which it has."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.parts import Synchronized
from redun.backends.records import EvaluationRecord, HandleEdge, Status
from redun.backends.sync import CallLinks, CallsAt, ExecutionState, ValueOutline

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from redun.backends.records import (
        CallRecord,
        ExecutionRecord,
        HandleRecord,
        HandleStep,
        JobRecord,
        ValueRecord,
    )

_SMALL = 64
"""Bytes up to which a value without children goes with the calls that name it."""


class MemorySync(Synchronized):
    """Answers from the dictionaries of `MemoryBackend`."""

    _lock: threading.RLock
    _executions: dict[str, ExecutionRecord]
    _values: dict[bytes, ValueRecord]
    _calls: dict[tuple[bytes, bytes], CallRecord]
    _calls_by_hash: dict[bytes, CallRecord]
    _calls_of_evaluation: Mapping[bytes, dict[tuple[bytes, bytes], None]]
    _evaluations: Mapping[bytes, dict[bytes, float]]
    _evaluation_records: dict[tuple[bytes, bytes], EvaluationRecord]
    _jobs: Mapping[str, dict[int, JobRecord]]
    _handles: dict[bytes, HandleRecord]
    _handle_children: Mapping[bytes, dict[bytes, HandleStep]]

    def execution_states(self, execution_ids: Sequence[str] | None = None) -> list[ExecutionState]:
        with self._lock:
            wanted = self._executions if execution_ids is None else set(execution_ids)
            found = [each for each in self._executions.values() if each.id in wanted]
            return [self._state(each) for each in sorted(found, key=lambda each: each.start_time)]

    def _state(self, execution: ExecutionRecord) -> ExecutionState:
        jobs = self._jobs.get(execution.id, {}).values()
        ended = sum(job.status is not Status.RUNNING for job in jobs)
        return ExecutionState(execution.id, execution.status, execution.updated_time, len(jobs), ended)

    def job_records(
        self, execution_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[tuple[JobRecord, int | None]]:
        with self._lock:
            jobs = self._jobs.get(execution_id, {})
            page = [jobs[number] for number in sorted(number for number in jobs if number > after)[:limit]]
            positions = self.call_positions([job.call_hash for job in page if job.call_hash is not None])
            return [(job, None if job.call_hash is None else positions[job.call_hash]) for job in page]

    def call_positions(self, call_hashes: Sequence[bytes]) -> dict[bytes, int]:
        with self._lock:
            wanted = set(call_hashes)
            return {call_hash: i for i, (call_hash, _) in enumerate(self._calls) if call_hash in wanted}

    def call_links(self, positions: Sequence[int]) -> list[CallLinks]:
        return [
            CallLinks(position, call.call_hash, call.time, (*call.children, *_upstream(call)))
            for position, call in self._at(positions).items()
        ]

    def calls_at(self, positions: Sequence[int]) -> CallsAt:
        calls = list(self._at(positions).values())
        with self._lock:
            named = (self._values.get(value_hash) for call in calls for value_hash in _named_values(call))
            small = {v.hash: v for v in named if v and len(v.data) <= _SMALL and not v.children and v.path is None}
        return CallsAt(calls, small)

    def _at(self, positions: Sequence[int]) -> dict[int, CallRecord]:
        wanted = set(positions)
        with self._lock:
            return {i: call for i, call in enumerate(self._calls.values()) if i in wanted}

    def open_evaluations(self, eval_hashes: Sequence[bytes]) -> list[EvaluationRecord]:
        with self._lock:
            found = []
            for eval_hash in dict.fromkeys(eval_hashes):
                completed = {self._calls[key].raw_hash for key in self._calls_of_evaluation.get(eval_hash, {})}
                for raw_hash, time in self._evaluations.get(eval_hash, {}).items():
                    if raw_hash not in completed:
                        found.append(self._evaluation_records[eval_hash, raw_hash]._replace(time=time))
            return found

    def value_outlines(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueOutline]:
        with self._lock:
            found = (self._values.get(value_hash) for value_hash in dict.fromkeys(value_hashes))
            return {v.hash: ValueOutline(len(v.data), v.children, v.path) for v in found if v is not None}

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:
        with self._lock:
            return list(enumerate(self._handles.values(), 1))[after : after + limit]

    def handle_edges(self, parents: Sequence[bytes]) -> list[HandleEdge]:
        with self._lock:
            return [
                HandleEdge(parent, child, step)
                for parent in dict.fromkeys(parents)
                for child, step in self._handle_children.get(parent, {}).items()
            ]

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:
        with self._lock:
            jobs = self._jobs.get(execution_id, {})
            return {number for number in numbers if number in jobs and jobs[number].status is not Status.RUNNING}

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:
        with self._lock:
            known = self._calls_by_hash
            return {call_hash: known[call_hash].time for call_hash in call_hashes if call_hash in known}

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:
        with self._lock:
            return {value_hash for value_hash in value_hashes if value_hash not in self._values}


def _upstream(call: CallRecord) -> list[bytes]:
    return [each for argument in call.arguments for each in argument.upstream]


def _named_values(call: CallRecord) -> list[bytes]:
    raw = [] if call.raw_hash is None else [call.raw_hash]
    return [*raw, call.value_hash, *(argument.value_hash for argument in call.arguments)]
