"""Reading for many comparisons at once what each of them will ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redun.backends.base import Backend
    from redun.backends.lineage import ValueLinks
    from redun.backends.records import CallRecord, EntityKind, StoredValue, TagRecord, TaskRecord


class ReadingAhead:
    """Answers from what was read for the latest group of calls, and asks the backend for anything else."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._calls: dict[bytes, CallRecord] = {}
        self._values: dict[bytes, StoredValue] = {}
        self._links: dict[bytes, ValueLinks] = {}
        self._tasks: dict[bytes, TaskRecord | None] = {}

    def read(self, pairs: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Read some pairs of calls, and the arguments and results that differ within each. What was read is dropped."""
        wanted = list(pairs)
        self._calls = self._backend.calls([each for pair in wanted for each in pair if each is not None])
        hashes: set[bytes] = set()
        for before, after in wanted:
            old, new = self._calls.get(before or b""), self._calls.get(after or b"")
            if old is not None and new is not None:
                hashes |= set(_values(old)) ^ set(_values(new))
        self._values = self._backend.load_values(list(hashes))
        self._links = self._backend.value_links(list(hashes))
        inside = [child for link in self._links.values() for child in link.children]
        if inside:
            self._links.update(self._backend.value_links(inside))

    def has_calls(self, call_hashes: Iterable[bytes]) -> bool:
        """Whether all of these calls were read."""
        return all(each in self._calls for each in call_hashes)

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        """See `Backend.calls`."""
        if self.has_calls(call_hashes):
            return {each: self._calls[each] for each in call_hashes}
        return self._backend.calls(call_hashes)

    def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        """See `Backend.load_values`."""
        missing = [each for each in value_hashes if each not in self._values]
        found = self._backend.load_values(missing) if missing else {}
        return {**found, **{each: self._values[each] for each in value_hashes if each in self._values}}

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:
        """See `Backend.value_links`: what was read and is not here has none."""
        missing = [each for each in value_hashes if each not in self._links and each not in self._values]
        found = self._backend.value_links(missing) if missing else {}
        return {**found, **{each: self._links[each] for each in value_hashes if each in self._links}}

    def task(self, task_hash: bytes) -> TaskRecord | None:
        """See `Backend.task`."""
        if task_hash not in self._tasks:
            self._tasks[task_hash] = self._backend.task(task_hash)
        return self._tasks[task_hash]

    def tags(self, kind: EntityKind, entity_ids: Iterable[str]) -> Mapping[str, list[TagRecord]]:
        """See `Backend.tags`."""
        return self._backend.tags(kind, entity_ids)


def _values(call: CallRecord) -> list[bytes]:
    return [call.value_hash, *(argument.value_hash for argument in call.arguments)]
