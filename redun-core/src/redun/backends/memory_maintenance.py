"""The part of the memory backend that says what it holds. Nothing of it is ever removed: it ends with the process."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.maintenance import KindSize, LargeValue, RepositoryStats
from redun.backends.parts import Maintenance

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sized

    from redun.backends.records import ValueRecord


class MemoryMaintenance(Maintenance):
    """Counts what is in the dictionaries of `MemoryBackend`."""

    _lock: threading.RLock
    _executions: Sized
    _jobs: Mapping[str, Sized]
    _calls: Sized
    _tasks: Mapping[bytes, object]
    _task_sets: Sized
    _tags: Mapping[Any, Sized]
    _handles: Sized
    _values: dict[bytes, ValueRecord]

    def stats(self, largest: int = 10) -> RepositoryStats:
        with self._lock:
            counts = {
                "executions": len(self._executions),
                "jobs": sum(map(len, self._jobs.values())),
                "calls": len(self._calls),
                "values": len(self._values),
                "tasks": len(self._tasks),
                "task sets": len(self._task_sets),
                "tags": sum(map(len, self._tags.values())),
                "handle states": len(self._handles),
            }
            by_size = sorted(self._values.values(), key=lambda value: len(value.data), reverse=True)[:largest]
            size = sum(len(value.data) for value in self._values.values())
        kinds = tuple(KindSize(kind, count, size if kind == "values" else 0) for kind, count in counts.items())
        return RepositoryStats(
            kinds, size, 0, tuple(LargeValue(value.hash, value.type_name, len(value.data)) for value in by_size)
        )
