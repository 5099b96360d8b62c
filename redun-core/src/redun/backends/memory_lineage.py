"""The part of the memory backend that knows what came before a call."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.lineage import ValueLinks
from redun.backends.parts import Lineage

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from redun.backends.records import CallRecord, ExecutionRecord, JobRecord, JobRow, ValueRecord


class MemoryLineage(Lineage):
    """Looks into the dictionaries of `MemoryBackend`."""

    _lock: threading.RLock
    _executions: dict[str, ExecutionRecord]
    _values: dict[bytes, ValueRecord]
    _jobs: Mapping[str, dict[int, JobRecord]]
    _jobs_by_call: Mapping[bytes, dict[tuple[str, int], None]]
    _jobs_by_task: Mapping[bytes, dict[tuple[str, int], None]]
    _completed: Callable[[bytes], list[CallRecord]]
    _newest_jobs: Callable[[Iterable[tuple[str, int]], int], list[JobRow]]

    def calls_of_evaluation(self, eval_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._lock:
            return sorted(self._completed(eval_hash), key=lambda call: call.time, reverse=True)[:limit]

    def jobs_of_call_before(self, call_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        with self._lock:
            return self._before(self._jobs_by_call.get(call_hash, {}), execution_id, number, limit)

    def jobs_of_task_before(self, task_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        with self._lock:
            return self._before(self._jobs_by_task.get(task_hash, {}), execution_id, number, limit)

    def _before(self, keys: Iterable[tuple[str, int]], execution_id: str, number: int, limit: int) -> list[JobRow]:
        order = {name: position for position, name in enumerate(self._executions)}
        if execution_id not in order:
            return []
        bound = (order[execution_id], number)
        return self._newest_jobs([key for key in keys if (order[key[0]], key[1]) < bound], limit)

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:
        with self._lock:
            known = [self._values[each] for each in value_hashes if each in self._values]
            return {value.hash: ValueLinks(value.type_name, value.path, value.children) for value in known}

    def options_hashes(self, execution_id: str, numbers: Sequence[int]) -> dict[int, bytes]:
        with self._lock:
            jobs = self._jobs.get(execution_id, {})
            hashes = ((number, jobs[number].options_hash) for number in numbers if number in jobs)
            return {number: options_hash for number, options_hash in hashes if options_hash is not None}
