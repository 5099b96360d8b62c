"""What was made from a value, all the way: the calls that took it, those that took their results, and so on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.provenance.derivation import newest_job
from redun.provenance.siblings import Siblings
from redun.provenance.upstream import Parents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow

_MOST_CONSUMERS = 50


@dataclass(frozen=True, slots=True)
class Use:
    """A call on the way from a value to what was made from it."""

    depth: int
    """Calls between it and the value: 1 for those that took the value itself."""
    call: CallRecord
    job: JobRow | None
    """The newest job that made the call."""
    took: tuple[str, ...]
    """The parameters that it was given through; empty for a call that passed on what a call below it made."""
    is_end: bool
    """Whether nothing took its result, as far as the repository knows."""


@dataclass(frozen=True, slots=True)
class FileMade:
    """A file that a call returned, alone or in something."""

    path: str
    value_hash: bytes
    call: CallRecord


def downstream(backend: Backend, value_hash: bytes, limit: int = 100) -> Iterator[Use]:
    """The calls that took a value, alone or in a container, and everything made from their results, nearest first.

    limit: how many calls at most. A result is followed to the calls made beside the one that returned it, to the call
    above, and as a file also to other executions. Values are never loaded.
    """
    walk = _Walk(backend)
    return _follow(walk, deque(walk.takers(value_hash, 1)), limit)


def downstream_of_call(backend: Backend, call: CallRecord, limit: int = 100) -> Iterator[Use]:
    """The same for the result of one call: an equal value that came from elsewhere does not count."""
    walk = _Walk(backend)
    return _follow(walk, deque(walk.after(call, newest_job(backend, call), 1)), limit)


def _follow(walk: _Walk, queue: deque[tuple[CallRecord, int, tuple[str, ...]]], limit: int) -> Iterator[Use]:
    seen: set[bytes] = set()
    found = 0
    while queue and found < limit:
        call, depth, took = queue.popleft()
        if call.call_hash in seen:
            continue
        seen.add(call.call_hash)
        job = newest_job(walk.backend, call)
        further = walk.after(call, job, depth + 1)
        queue.extend(further)
        found += 1
        yield Use(depth, call, job, took, not further)


def files_made(backend: Backend, calls: list[CallRecord]) -> list[FileMade]:
    """The files in the results of some calls, each state once."""
    found: dict[bytes, FileMade] = {}
    links = backend.value_links(list({call.value_hash for call in calls if not call.is_error}))
    inside = backend.value_links(list({child for link in links.values() for child in link.children}))
    for call in calls:
        link = None if call.is_error else links.get(call.value_hash)
        if link is None:
            continue
        for value_hash in (call.value_hash, *link.children):
            path = (links.get(value_hash) or inside.get(value_hash) or link).path
            if path is not None:
                found.setdefault(value_hash, FileMade(path, value_hash, call))
    return list(found.values())


class _Walk:
    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._parents = Parents(backend)
        self._siblings_of: dict[tuple[str, int], Siblings] = {}

    def takers(self, value_hash: bytes, depth: int) -> list[tuple[CallRecord, int, tuple[str, ...]]]:
        """The calls that took a value, alone or in a container."""
        calls = self.backend.calls_with_argument(value_hash, _MOST_CONSUMERS)
        links = self.backend.value_links(list({each.value_hash for call in calls for each in call.arguments}))
        holders = {value_hash, *(each for each, link in links.items() if value_hash in link.children)}
        return [
            (call, depth, tuple(each.name for each in call.arguments if each.value_hash in holders)) for call in calls
        ]

    def after(self, call: CallRecord, job: JobRow | None, depth: int) -> list[tuple[CallRecord, int, tuple[str, ...]]]:
        """The calls that took the result of a call."""
        if call.is_error:
            return []
        found = self._siblings(call, job, depth)
        above = self._above(call, job, has_takers=bool(found))
        if above is not None:
            found.append((above, depth, ()))
        links = self.backend.value_links([call.value_hash])
        link = links.get(call.value_hash)
        if link is not None:
            hashes = [call.value_hash] if link.path is not None else []
            inside = self.backend.value_links(link.children)
            hashes += [each for each in link.children if each in inside and inside[each].path is not None]
            for value_hash in hashes:
                found += self.takers(value_hash, depth)
        return [each for each in found if each[0].call_hash != call.call_hash]

    def _siblings(
        self, call: CallRecord, job: JobRow | None, depth: int
    ) -> list[tuple[CallRecord, int, tuple[str, ...]]]:
        """What one body has returned is evaluated below one job, so that is where an expression's value is taken."""
        if job is None or job.parent is None:
            return []
        key = (job.execution_id, job.parent)
        if key not in self._siblings_of:
            self._siblings_of[key] = Siblings(self.backend, *key)
        takers = self._siblings_of[key].takers(call.call_hash, job.number)
        return [(sibling, depth, took) for sibling, took in takers]

    def _above(self, call: CallRecord, job: JobRow | None, *, has_takers: bool) -> CallRecord | None:
        """The call whose result the call's own went into.

        What nobody beside it takes must be in the result of the call above: nothing else is evaluated.
        """
        if job is None:
            return None
        _, above = self._parents.of(job)
        if above is None or above.is_error:
            return None
        if not has_takers or above.value_hash == call.value_hash:
            return above
        link = self.backend.value_links([above.value_hash]).get(above.value_hash)
        return above if link is not None and call.value_hash in link.children else None
