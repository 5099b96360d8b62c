"""What was made from a value, all the way: the calls that took it, those that took their results, and so on."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from redun.provenance.derivation import NewestJobs
from redun.provenance.making import Holdings, made_in
from redun.provenance.parents import Parents, Place
from redun.provenance.siblings import Siblings
from redun.provenance.upstream import MOST_CHILDREN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow

    _Item = tuple[CallRecord, int, tuple[str, ...]]
    """A call that took something, its depth, and through which parameters."""

_MOST_CONSUMERS = 50
_MOST_FILES = 1000
"""Of how many files in one result those who took them are looked for one by one."""


@dataclass(frozen=True, slots=True)
class FileMade:
    """A state of a file that a call made, and returned alone or in something."""

    path: str
    value_hash: bytes
    call: CallRecord


@dataclass(frozen=True, slots=True)
class UseRow:
    """A call on the way from a value to what was made from it."""

    depth: int
    """Calls between it and the value: 1 for those that took the value itself."""
    call: CallRecord
    job: JobRow | None
    """The newest job that made the call; None where it is not in this repository."""
    took: tuple[str, ...]
    """The parameters that it was given through; empty for a call that passed on what a call below it made."""
    is_end: bool
    """Whether nothing took its result, as far as the repository knows. Without a job it may not."""
    made: tuple[FileMade, ...] = ()
    """The files in its result that were made from the value. Not those that it was given, and only passed on."""
    parent: bytes | None = None
    """The call whose result it took, or passed on, by its hash; None where that is the value itself."""


def downstream(backend: Backend, value_hash: bytes, limit: int = 100) -> Iterator[UseRow]:
    """The calls that took a value, alone or in a container, and everything made from their results, nearest first.

    limit: how many calls at most. A result is followed to the calls made beside the one that returned it, to the call
    above, and the files that were made also to other executions. Where a call takes a part of a result, or of a
    container, only what was made from that part counts. Values are never loaded.
    """
    walk = _Walk(backend, {value_hash})
    return _follow(walk, walk.takers(value_hash, 1), limit)


def downstream_of_call(backend: Backend, call: CallRecord, limit: int = 100) -> Iterator[UseRow]:
    """The same for the result of one call: an equal value that came from elsewhere does not count."""
    walk = _Walk(backend, set())
    return _follow(walk, walk.after_start(call), limit)


def files_made(uses: Iterable[UseRow]) -> list[FileMade]:
    """The files that the calls on the way made, each state once."""
    return [file for use in uses for file in use.made]


def depth_first(uses: Iterable[UseRow]) -> list[UseRow]:
    """The same calls, each followed by those that went on from it."""
    below: defaultdict[bytes | None, list[UseRow]] = defaultdict(list)
    for use in uses:
        below[use.parent].append(use)
    found: list[UseRow] = []
    stack = below[None][::-1]
    while stack:
        use = stack.pop()
        found.append(use)
        stack += below[use.call.call_hash][::-1]
    return found


def _follow(walk: _Walk, start: Iterator[_Item], limit: int) -> Iterator[UseRow]:
    seen: set[bytes] = set()
    queue: deque[tuple[bytes | None, Iterator[_Item]]] = deque([(None, start)])
    found = 0
    while queue and found < limit:
        parent, items = queue[0]
        item = next(items, None)
        if item is None:
            queue.popleft()
            continue
        call, depth, took = item
        if call.call_hash in seen:
            continue
        seen.add(call.call_hash)
        job = walk.jobs.of(call)
        took = walk.took(call, took)
        made = walk.made(call, job, took)
        further = walk.after(call, job, took, made, depth + 1)
        first = next(further, None)
        if first is not None:
            queue.append((call.call_hash, chain((first,), further)))
        found += 1
        yield UseRow(depth, call, job, took, first is None, made, parent)


class _Walk:
    def __init__(self, backend: Backend, states: set[bytes]) -> None:
        self.backend = backend
        self._states = states
        """The value, and the states of files that were made from it."""
        self.jobs = NewestJobs(backend)
        self._holdings = Holdings(backend)
        self._parents = Parents(backend)
        self._siblings_of: dict[tuple[str, int], Siblings] = {}

    def takers(self, value_hash: bytes, depth: int) -> Iterator[_Item]:
        """The calls that took a value, alone or in a container."""
        calls = self.backend.calls_with_argument(value_hash, _MOST_CONSUMERS)
        self._read_about(calls)
        return ((call, depth, ()) for call in calls)

    def _read_about(self, calls: list[CallRecord]) -> None:
        """Have ready what each of some calls will be asked."""
        self.jobs.read(calls)
        self._holdings.read(each for call in calls for each in _values(call))

    def took(self, call: CallRecord, names: tuple[str, ...]) -> tuple[str, ...]:
        """The parameters that a call took something through: these, and those whose values tell it."""
        self._holdings.read(each.value_hash for each in call.arguments)
        return tuple(
            each.name
            for each in call.arguments
            if each.name in names or not self._states.isdisjoint(self._holdings.held(each.value_hash))
        )

    # -- which files were made --------------------------------------------------------------------------------------

    def made(self, call: CallRecord, job: JobRow | None, took: tuple[str, ...]) -> tuple[FileMade, ...]:
        """The files in the result of a call that were made from what it took, and are not yet known."""
        if not took:
            return ()  # what the calls below it made is known from these
        made = made_in(self._holdings, self._parents, call, job) - self._states
        beside = self._beside(call, took) if made and call.children else frozenset()
        if beside:
            made = self._without_others(call, made, beside)
        files = self._holdings.paths(each for each in self._holdings.in_order(call.value_hash) if each in made)
        self._states |= files.keys()
        return tuple(FileMade(path, value_hash, call) for value_hash, path in files.items())

    def _beside(self, call: CallRecord, took: tuple[str, ...]) -> frozenset[bytes]:
        """What lies in the same containers as what a call took, where it took nothing but containers of files."""
        beside: frozenset[bytes] = frozenset()
        for argument in call.arguments:
            held = self._holdings.held(argument.value_hash)
            if argument.name in took:
                if argument.value_hash in self._states or held.isdisjoint(self._states):
                    return frozenset()
                beside |= held - self._states - {argument.value_hash}
        return beside

    def _without_others(self, call: CallRecord, made: frozenset[bytes], beside: frozenset[bytes]) -> frozenset[bytes]:
        """What a call made, without the results of calls below it that took only other parts of the same containers.

        A call below that took the right part is met for itself. So are, as far as they count, those below a call that
        made too many to look at.
        """
        hashes = call.children[-MOST_CHILDREN:]
        found = self.backend.calls(hashes)
        children = [found[each] for each in dict.fromkeys(hashes) if each in found]
        self._holdings.read(each.value_hash for child in children for each in child.arguments)
        self._holdings.read(child.value_hash for child in children)
        others: set[bytes] = set()
        of_others: set[bytes] = set()
        of_these: set[bytes] = set()
        for child in children:
            sources = {source for each in child.arguments for source in each.upstream}
            if beside.isdisjoint(self._holdings.taken(child)) and others.isdisjoint(sources):
                of_these |= self._holdings.held(child.value_hash)
            else:
                others.add(child.call_hash)
                of_others |= self._holdings.held(child.value_hash)
        return made - of_others if len(hashes) == len(call.children) else made & of_these - of_others

    # -- what took it next --------------------------------------------------------------------------------------------

    def after_start(self, call: CallRecord) -> Iterator[_Item]:
        """The calls that took the result of the call that all is about."""
        if call.is_error:
            return
        job = self.jobs.of(call)
        made = self._holdings.paths(made_in(self._holdings, self._parents, call, job))
        self._states |= made.keys()
        siblings = self._siblings(call, job)
        yield from ((sibling, 1, names) for sibling, names in siblings)
        yield from self._up_and_elsewhere(call, job, made, 1, has_takers=bool(siblings))

    def after(
        self, call: CallRecord, job: JobRow | None, took: tuple[str, ...], made: tuple[FileMade, ...], depth: int
    ) -> Iterator[_Item]:
        """The calls that took what a call returned, as far as that was made from what it took."""
        if call.is_error:
            return
        siblings = self._siblings(call, job)
        self._read_about([sibling for sibling, _ in siblings[:_MOST_CONSUMERS]])
        for sibling, names in siblings:
            taken = [each for each in sibling.arguments if each.name in names]
            self._holdings.read(each.value_hash for each in taken)
            meant = tuple(each.name for each in taken if self._is_meant(call, took, each))
            if meant:
                yield sibling, depth, meant
        files = [file.value_hash for file in made]
        yield from self._up_and_elsewhere(call, job, files, depth, has_takers=bool(siblings))

    def _up_and_elsewhere(
        self, call: CallRecord, job: JobRow | None, files: Iterable[bytes], depth: int, *, has_takers: bool
    ) -> Iterator[_Item]:
        above = self._above(call, job, has_takers=has_takers)
        if above is not None:
            yield above, depth, ()
        for value_hash in islice(files, _MOST_FILES):
            yield from (each for each in self.takers(value_hash, depth) if each[0].call_hash != call.call_hash)

    def _is_meant(self, call: CallRecord, took: tuple[str, ...], argument: Argument) -> bool:
        """Whether an argument that came from the result of a call is, or may hold, what the call made of what it took.

        Files tell that exactly. What else is in a container cannot be told apart, and counts.
        """
        held = self._holdings.held(argument.value_hash)
        if not held.isdisjoint(self._states):
            return True
        result = self._holdings.held(call.value_hash)
        if self._holdings.path(argument.value_hash) is None:
            return len(held) == 1 or argument.value_hash == call.value_hash or result.isdisjoint(self._states)
        if argument.value_hash in self._holdings.taken(call):
            # Passed on, and perhaps chosen because of something else.
            others = [each for each in call.arguments if each.name in took]
            return any(argument.value_hash not in self._holdings.held(each.value_hash) for each in others)
        return argument.value_hash not in result

    def _siblings(self, call: CallRecord, job: JobRow | None) -> list[tuple[CallRecord, tuple[str, ...]]]:
        """What one body has returned is evaluated below one job, so that is where an expression's value is taken."""
        if job is None:
            return self._parents.namers.takers(call)
        if job.parent is None:
            return []
        key = (job.execution_id, job.parent)
        if key not in self._siblings_of:
            self._siblings_of[key] = Siblings(self.backend, *key)
        takers = self._siblings_of[key].takers(call.call_hash, job.number)
        return [each for each in takers if each[0].call_hash != call.call_hash]

    def _above(self, call: CallRecord, job: JobRow | None, *, has_takers: bool) -> CallRecord | None:
        """The call whose result the call's own went into.

        What nobody beside it takes must be in the result of the call above: nothing else is evaluated.
        """
        above = self._parents.above(Place(job, call)).call
        if above is None or above.is_error:
            return None
        if not has_takers or above.value_hash == call.value_hash:
            return above
        return above if call.value_hash in self._holdings.parts(above.value_hash) else None


def _values(call: CallRecord) -> Iterator[bytes]:
    yield call.value_hash
    for argument in call.arguments:
        yield argument.value_hash
