"""Which calls made a file, and which only had it pass through.

A state of a file that went into a call, or into one above it, alone or in a container, was there before: the call did
not make it, whatever it returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.provenance.derivation import NewestJobs
from redun.provenance.parents import Parents, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.lineage import ValueLinks
    from redun.backends.records import CallRecord, JobRow

_MOST_LEVELS = 100
_MOST_OPENED = 1000
"""How many parts of a value are looked into for parts of their own."""
_FEW_CALLS, _MANY_CALLS = 20, 1000
"""How many calls that returned a file are looked at for those that made it: first these, then so many."""
_PAGE = 1000


class Holdings:
    """What values hold. Each is read once, and none is loaded."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._links: dict[bytes, ValueLinks | None] = {}
        self._held: dict[bytes, frozenset[bytes]] = {}

    def read(self, value_hashes: Iterable[bytes]) -> None:
        """Have these ready, with one question for all of them and one for all that they hold."""
        wanted = list(value_hashes)
        self._read(wanted)
        parts = [self._parts(each) for each in wanted]
        self._read(part for some in parts if len(some) <= _MOST_OPENED for part in some)

    def held(self, value_hash: bytes) -> frozenset[bytes]:
        """A value itself, and the files and other values of their own that it holds, also in sets of files."""
        if value_hash not in self._held:
            self._held[value_hash] = frozenset(self.in_order(value_hash))
        return self._held[value_hash]

    def in_order(self, value_hash: bytes) -> list[bytes]:
        """The same in the order in which they were recorded."""
        self.read([value_hash])
        parts = self._parts(value_hash)
        inner = [part for each in parts for part in self._parts(each)] if len(parts) <= _MOST_OPENED else []
        return list(dict.fromkeys((value_hash, *parts, *inner)))

    def taken(self, call: CallRecord) -> frozenset[bytes]:
        """All that a call was given."""
        self.read(argument.value_hash for argument in call.arguments)
        return frozenset().union(*(self.held(argument.value_hash) for argument in call.arguments))

    def path(self, value_hash: bytes) -> str | None:
        """Of a file or directory: where it is."""
        self._read([value_hash])
        link = self._links[value_hash]
        return None if link is None else link.path

    def paths(self, value_hashes: Iterable[bytes]) -> dict[bytes, str]:
        """Those of some values that are files or directories, with where they are."""
        wanted = list(value_hashes)
        self._read(wanted)
        found = ((each, self.path(each)) for each in wanted)
        return {each: path for each, path in found if path is not None}

    def parts(self, value_hash: bytes) -> tuple[bytes, ...]:
        """What a value itself holds, also where that is much."""
        self._read([value_hash])
        return self._parts(value_hash)

    def _parts(self, value_hash: bytes) -> tuple[bytes, ...]:
        link = self._links.get(value_hash)
        return () if link is None else link.children

    def _read(self, value_hashes: Iterable[bytes]) -> None:
        missing = [each for each in dict.fromkeys(value_hashes) if each not in self._links]
        if missing:
            found = self._backend.value_links(missing)
            self._links.update((each, found.get(each)) for each in missing)


def made_in(holdings: Holdings, parents: Parents, call: CallRecord, job: JobRow | None) -> frozenset[bytes]:
    """What is in the result of a call and was given neither to it nor to a call above: made by it, or below it.

    job: one that made the call.
    """
    if call.is_error:
        return frozenset()
    made = holdings.held(call.value_hash) - holdings.taken(call)
    place = Place(job, call)
    for _ in range(_MOST_LEVELS):
        if not made or not (place.job or place.call):
            break
        place = parents.above(place)
        if place.call is not None:
            made -= holdings.taken(place.call)
    return made


def makers(
    backend: Backend,
    value_hash: bytes,
    holdings: Holdings | None = None,
    parents: Parents | None = None,
    jobs: NewestJobs | None = None,
) -> list[CallRecord]:
    """The calls that made a value, newest first, without those that only passed it on from a call below them.

    Of a file, those that were given it are left out as well.
    """
    holdings, parents, jobs = holdings or Holdings(backend), parents or Parents(backend), jobs or NewestJobs(backend)
    is_file = holdings.path(value_hash) is not None
    made: list[CallRecord] = []
    for most in (_FEW_CALLS, _MANY_CALLS):
        found = backend.calls_with_result(value_hash, most)
        hashes = {call.call_hash for call in found}
        made = [call for call in found if not call.is_error and hashes.isdisjoint(call.children)]
        if is_file:
            holdings.read(argument.value_hash for call in made for argument in call.arguments)
            made = [call for call in made if value_hash not in holdings.taken(call)]
            jobs.read(made)
            holdings.read(call.value_hash for call in made)
            made = [call for call in made if value_hash in made_in(holdings, parents, call, jobs.of(call))]
        if made or len(found) < most:
            break
    return made[:_FEW_CALLS]


def holders(backend: Backend, holdings: Holdings, call_hashes: Sequence[bytes], value_hash: bytes) -> list[CallRecord]:
    """Those of some calls whose result is, or holds, a value; in their order."""
    if len(call_hashes) > _PAGE:
        # Rather from the value to its calls than through a million of them.
        found = {call.call_hash: call for call in backend.calls_with_result(value_hash, _MANY_CALLS)}
    else:
        found = backend.calls(call_hashes)
        holdings.read(call.value_hash for call in found.values())
    calls: Iterator[CallRecord] = (found[each] for each in dict.fromkeys(call_hashes) if each in found)
    return [call for call in calls if not call.is_error and value_hash in holdings.held(call.value_hash)]
