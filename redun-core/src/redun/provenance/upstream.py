"""Where a value came from, all the way: the calls that made it, what these took, and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.provenance.derivation import newest_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow

    _Item = Step | tuple[CallRecord, str | None, int]
    """What comes on the way: what is told, or a call of which to tell, with its parameter and depth."""

MOST_CHILDREN = 500
"""How many of the calls below a call are looked at to find the one that its result came from."""
_MOST_PRODUCERS = 20
_MOST_LEVELS = 100
_PAGE = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One value on the way back, and what is known about how it came to be."""

    depth: int
    value_hash: bytes
    call: CallRecord | None
    """The call that made it. None for an origin."""
    job: JobRow | None
    """The newest job that made the call; of an origin the one in whose code, or for whom, it was set."""
    name: str | None = None
    """The parameter through which it went into the step above; None for the value that was asked about."""
    was_shown: bool = False
    """Whether the call was told of before, so that its own arguments are not repeated."""


def upstream(backend: Backend, value_hash: bytes, limit: int = 100) -> Iterator[Step]:
    """The whole derivation of a value, depth first: each call before what it took.

    limit: how many steps at most. Reads only as far as it is consumed.
    """
    walk = _Walk(backend)
    steps = walk.of_value(value_hash, None, 0)
    for _ in range(limit):
        step = next(steps, None)
        if step is None:
            return
        yield step


class Parents:
    """The jobs above jobs, with their calls; each is read once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[tuple[str, int], tuple[JobRow | None, CallRecord | None]] = {}

    def of(self, job: JobRow) -> tuple[JobRow | None, CallRecord | None]:
        """The job above one, and its call, as far as they are recorded."""
        if job.parent is None:
            return None, None
        key = (job.execution_id, job.parent)
        if key not in self._known:
            parent = self._backend.job(*key)
            call = None if parent is None or parent.call_hash is None else self._backend.call(parent.call_hash)
            self._known[key] = (parent, call)
        return self._known[key]


def sources_of(
    backend: Backend, job: JobRow | None, argument: Argument, parents: Parents
) -> tuple[Iterator[CallRecord], JobRow | None]:
    """The calls that an argument of a job's call was derived from, also where it was passed on from call to call.

    They are read page by page: a list may be made of the results of a million calls. Where there are none, the second
    result is the job in whose code the argument was set; None for the root's.
    """
    none: Iterator[CallRecord] = iter(())
    if argument.upstream:
        return _in_pages(backend, argument.upstream), job
    owner = job
    for _ in range(_MOST_LEVELS):
        if owner is None or owner.parent is None:
            return none, None
        parent, call = parents.of(owner)
        if parent is None or call is None:
            return none, parent
        same = next((each for each in call.arguments if each.value_hash == argument.value_hash), None)
        if same is None:
            same = _container(backend, call, argument.value_hash)
        if same is None:
            return none, parent
        if same.upstream:
            return _in_pages(backend, same.upstream), parent
        owner = parent
    return none, owner


def _in_pages(backend: Backend, call_hashes: Sequence[bytes]) -> Iterator[CallRecord]:
    for start in range(0, len(call_hashes), _PAGE):
        page = call_hashes[start : start + _PAGE]
        found = backend.calls(page)
        yield from (found[each] for each in page if each in found)


def _container(backend: Backend, call: CallRecord, value_hash: bytes) -> Argument | None:
    """The argument of a call that holds a value."""
    links = backend.value_links([argument.value_hash for argument in call.arguments])
    for argument in call.arguments:
        if argument.value_hash in links and value_hash in links[argument.value_hash].children:
            return argument
    return None


class _Walk:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._parents = Parents(backend)
        self._shown: set[bytes] = set()

    def of_value(self, value_hash: bytes, name: str | None, depth: int) -> Iterator[Step]:
        """Of a value about which nothing else is known."""
        makers = self._makers(value_hash)
        if not makers:
            yield Step(depth, value_hash, None, None, name)
        for call in makers:
            yield from self._of_calls([(call, name, depth)], value_hash)

    def _makers(self, value_hash: bytes) -> list[CallRecord]:
        """The calls that made a value, without those that only passed it on from a call below them."""
        found = self._backend.calls_with_result(value_hash, _MOST_PRODUCERS)
        hashes = {call.call_hash for call in found}
        return [call for call in found if not call.is_error and hashes.isdisjoint(call.children)]

    def _of_calls(self, start: list[tuple[CallRecord, str | None, int]], value_hash: bytes | None) -> Iterator[Step]:
        """Of calls and of everything before them. An explicit stack: derivations may be of any depth."""
        stack: list[Iterator[_Item]] = [iter(start)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                continue
            if isinstance(item, Step):
                yield item
                continue
            call, name, depth = item
            call, parts = self._made_by(call)
            was_shown = call.call_hash in self._shown
            self._shown.add(call.call_hash)
            job = newest_job(self._backend, call)
            yield Step(depth, value_hash or call.value_hash, call, job, name, was_shown)
            value_hash = None
            if not was_shown:
                below = iter([(part, None, depth + 1) for part in parts])
                stack.append(below if parts else self._inputs(call, job, depth + 1))

    def _inputs(self, call: CallRecord, job: JobRow | None, depth: int) -> Iterator[_Item]:
        links = self._backend.value_links([argument.value_hash for argument in call.arguments])
        for argument in call.arguments:
            calls, owner = sources_of(self._backend, job, argument, self._parents)
            is_derived = False
            for each in calls:
                is_derived = True
                yield each, argument.name, depth
            if not is_derived and argument.value_hash in links:
                # Perhaps a file that another execution has made, alone or in a container.
                link = links[argument.value_hash]
                for value_hash in [argument.value_hash] if link.path is not None else link.children:
                    for maker in self._makers(value_hash)[:1]:
                        if maker != call:
                            is_derived = True
                            yield maker, argument.name, depth
            if not is_derived:
                yield Step(depth, argument.value_hash, None, owner, argument.name)

    def _made_by(self, call: CallRecord) -> tuple[CallRecord, list[CallRecord]]:
        """The call that really made a call's result: that of a call below it, as long as it is just that.

        Where the result was put together from several of the calls below, these are given as well.
        """
        for _ in range(_MOST_LEVELS):
            if not call.children:
                return call, []
            hashes = call.children[-MOST_CHILDREN:]
            found = self._backend.calls(hashes)
            children = [found[each] for each in hashes if each in found]
            same = next((each for each in reversed(children) if each.value_hash == call.value_hash), None)
            if same is None:
                used = {source for child in children for argument in child.arguments for source in argument.upstream}
                return call, [child for child in children if child.call_hash not in used and not child.is_error]
            call = same
        return call, []
