"""Which calls made a call or took its result, told from calls alone: for those whose jobs are not in the repository."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from redun.errors import BackendError

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord

_PAGE = 1000
_MOST_PAGES = 9
"""How many pages of calls around a call are looked at."""
_MOST_NAMERS = 50


class Namers:
    """Finds the calls that name a call among those that were recorded at about the same time; each is read once.

    No index leads from a call to those that name it. But they are recorded soon after one another, so that a bounded
    search finds nearly all of them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._named_by: defaultdict[bytes, dict[bytes, None]] = defaultdict(dict)
        self._read_pages: set[int] = set()
        self._known: dict[bytes, list[CallRecord]] = {}

    def above(self, call: CallRecord) -> CallRecord | None:
        """The newest call that is known to have made a call."""
        made = (each for each in self._of(call) if call.call_hash in each.children)
        return max(made, key=lambda each: (not each.is_error, each.time), default=None)

    def takers(self, call: CallRecord) -> list[tuple[CallRecord, tuple[str, ...]]]:
        """The calls that took the result of a call, and through which parameters."""
        found = [
            (each, tuple(argument.name for argument in each.arguments if call.call_hash in argument.upstream))
            for each in self._of(call)
        ]
        return [(each, names) for each, names in found if names and each.call_hash != call.call_hash]

    def _of(self, call: CallRecord) -> list[CallRecord]:
        if call.call_hash not in self._known:
            try:
                self._known[call.call_hash] = self._look_around(call)
            except BackendError:  # one that cannot say what lies beside what
                self._known[call.call_hash] = []
        return self._known[call.call_hash]

    def _look_around(self, call: CallRecord) -> list[CallRecord]:
        position = self._backend.call_positions([call.call_hash]).get(call.call_hash)
        if position is None:
            return []
        found: list[CallRecord] = []
        seen = 0
        for page in _pages_around(position // _PAGE):
            self._read(page)
            names = list(self._named_by.get(call.call_hash, ()))[:_MOST_NAMERS]
            if len(names) > seen:
                seen = len(names)
                calls = self._backend.calls(names)
                found = [calls[each] for each in names if each in calls]
            # What is beside a call in its body is recorded no later than the call above.
            if any(call.call_hash in each.children for each in found):
                break
        return found

    def _read(self, page: int) -> None:
        if page in self._read_pages:
            return
        self._read_pages.add(page)
        for link in self._backend.call_links(range(page * _PAGE, (page + 1) * _PAGE)):
            if link.call_hash:  # else an evaluation that has not ended
                for each in link.calls:
                    self._named_by[each][link.call_hash] = None


def _pages_around(page: int) -> list[int]:
    """Pages from the nearest on: mostly a call comes after those that it names."""
    offsets = sorted(range(-(_MOST_PAGES // 2), _MOST_PAGES // 2 + 1), key=lambda each: (abs(each), -each))
    return [page + each for each in offsets if page + each >= 0]
