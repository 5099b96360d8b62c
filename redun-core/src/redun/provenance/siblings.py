"""Which of the calls made beside a call took its result."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

MOST_SIBLINGS = 2000
"""How many of the calls made after a call are looked at."""
_PAGE = 500
_MANY_SOURCES = 100


class Siblings:
    """The jobs that one job made, read where somebody asks, and kept: neighbours have most of these in common."""

    def __init__(self, backend: Backend, execution_id: str, parent: int) -> None:
        self._backend = backend
        self._execution_id = execution_id
        self._parent = parent
        self._forget(0)

    def takers(self, call_hash: bytes, number: int) -> list[tuple[CallRecord, tuple[str, ...]]]:
        """The calls after a job that took the result of its call, and through which parameters.

        number: of the job.
        """
        last = self._read_around(number)
        found: dict[bytes, tuple[CallRecord, tuple[str, ...]]] = {}
        many = [(taker, call) for taker, call, sources in self._takers_of_many if call_hash in sources]
        for taker, call in [*self._takers.get(call_hash, ()), *many]:
            if number < taker <= last:
                names = tuple(each.name for each in call.arguments if call_hash in each.upstream)
                found.setdefault(call.call_hash, (call, names))
        return list(found.values())

    def _read_around(self, number: int) -> int:
        """See that what comes after a job has been read. Gives the number of the last that counts."""
        if number < self._start:
            self._read_before(number)
        elif number > self._end:
            self._forget(number)
        while True:
            after = [each for each in self._numbers if each > number]
            if len(after) >= MOST_SIBLINGS or self._is_complete:
                return after[:MOST_SIBLINGS][-1] if after else number
            self._read_on()

    def _forget(self, start: int) -> None:
        """Know nothing, and begin after this number."""
        self._start = self._end = start
        self._is_complete = False
        self._numbers: list[int] = []
        self._takers: defaultdict[bytes, list[tuple[int, CallRecord]]] = defaultdict(list)
        self._takers_of_many: list[tuple[int, CallRecord, frozenset[bytes]]] = []

    def _read_before(self, number: int) -> None:
        """Read what lies between a job and what is known, or forget that, if it is too far away."""
        # Whoever comes next is often just before this one.
        start = max(0, number - _PAGE // 2)
        rows = self._page(start)
        between = [row for row in rows if row.number <= self._start]
        if len(between) < len(rows):
            self._start = start
            self._add(between)
        else:
            self._forget(start)

    def _read_on(self) -> None:
        rows = self._page(self._end)
        self._add(rows)
        self._is_complete = len(rows) < _PAGE
        if rows:
            self._end = rows[-1].number

    def _page(self, after: int) -> list[JobRow]:
        return self._backend.jobs(self._execution_id, parent=self._parent, after=after, limit=_PAGE)

    def _add(self, rows: list[JobRow]) -> None:
        self._numbers += [row.number for row in rows]
        self._numbers.sort()
        calls = self._backend.calls([row.call_hash for row in rows if row.call_hash is not None])
        for row in rows:
            call = calls.get(row.call_hash or b"")
            if call is None:
                continue
            sources = frozenset().union(*(argument.upstream for argument in call.arguments))
            if len(sources) > _MANY_SOURCES:
                self._takers_of_many.append((row.number, call, sources))
                continue
            for source in sources:
                self._takers[source].append((row.number, call))
