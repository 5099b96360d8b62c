"""Calls as text: a task's name with previews of its arguments, loaded for many jobs at once."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from redun.provenance.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow, TaskRecord

T = TypeVar("T")

_KEPT = 5000
_ARGUMENT = 50
_MAX_ARGUMENTS = 200


class CallTexts:
    """Renders calls. Remembers the previews of recent values, because neighbouring jobs often share arguments."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._previews: OrderedDict[bytes, str] = OrderedDict()
        self._task_names: dict[bytes, str] = {}

    def of_jobs(self, jobs: list[JobRow], known: Iterable[CallRecord] = ()) -> list[str]:
        """For each job its call, such as `ns.name(x=1)`; `ns.name(...)` while it runs.

        known: calls that are at hand already.
        """
        calls = {call.call_hash: call for call in known}
        missing = [job.call_hash for job in jobs if job.call_hash is not None and job.call_hash not in calls]
        calls |= self._backend.calls(missing) if missing else {}
        self._load(argument.value_hash for call in calls.values() for argument in call.arguments)
        return [f"{job.task_name}({self._arguments(calls.get(job.call_hash or b''))})" for job in jobs]

    def of_calls(self, calls: list[CallRecord]) -> list[str]:
        """Each call as that of a job."""
        self._load(argument.value_hash for call in calls for argument in call.arguments)
        return [f"{self.task_name(call.task_hash)}({self._arguments(call)})" for call in calls]

    def task_name(self, task_hash: bytes) -> str:
        """The full name of a task."""
        if task_hash not in self._task_names:
            task = self._backend.task(task_hash)
            self._task_names[task_hash] = "?" if task is None else full_name(task)
        return self._task_names[task_hash]

    def at_length(self, value_hashes: list[bytes], limit: int = 80) -> dict[bytes, str]:
        """Longer previews of some values, by hash."""
        found = self._backend.load_values(value_hashes) if value_hashes else {}
        return {each: preview(found.get(each), limit) for each in value_hashes}

    def of_values(self, value_hashes: list[bytes]) -> list[str]:
        """Previews of some values, each short."""
        self._load(value_hashes)
        return [self._previews[value_hash] for value_hash in value_hashes]

    def _arguments(self, call: CallRecord | None) -> str:
        if call is None:
            return "..."
        texts: list[str] = []
        for argument in call.arguments:
            if sum(map(len, texts)) > _MAX_ARGUMENTS:
                texts.append("...")
                break
            texts.append(f"{argument.name}={self._previews[argument.value_hash]}")
        return ", ".join(texts)

    def _load(self, value_hashes: Iterable[bytes]) -> None:
        wanted = dict.fromkeys(value_hashes)
        missing = [value_hash for value_hash in wanted if value_hash not in self._previews]
        # Forget the oldest before adding, never what this call is about.
        while len(self._previews) + len(missing) > max(_KEPT, len(wanted)):
            oldest = next((known for known in self._previews if known not in wanted), None)
            if oldest is None:
                break
            del self._previews[oldest]
        values = self._backend.load_values(missing) if missing else {}
        for value_hash in missing:
            self._previews[value_hash] = preview(values.get(value_hash), _ARGUMENT)


def full_name(task: TaskRecord) -> str:
    """`namespace.name`."""
    return f"{task.namespace}.{task.name}" if task.namespace else task.name


def in_chunks(items: Iterable[T], first: int = 20, then: int = 50) -> Iterator[list[T]]:
    """Lists of consecutive items; the first one is shorter, so that something can be shown soon."""
    iterator = iter(items)
    size = first
    while chunk := list(islice(iterator, size)):
        yield chunk
        size = then


def value_data(backend: Backend, value_hash: bytes) -> dict[str, Any]:
    """A value for programs: its hash, type and preview."""
    value = backend.load_values([value_hash]).get(value_hash)
    return {
        "hash": value_hash.hex(),
        "type": value.type_name if value is not None else None,
        "preview": preview(value, 200) if value is not None else None,
    }
