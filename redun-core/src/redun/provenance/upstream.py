"""Where a value came from, all the way: the calls that made it, what these took, and so on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from redun.provenance.derivation import NewestJobs
from redun.provenance.making import Holdings, holders, makers
from redun.provenance.parents import NOWHERE, Parents, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow

MOST_CHILDREN = 500
"""How many of the calls below a call are looked at to find the one that its result came from."""
_MOST_LEVELS = 100
_MOST_FILES = 1000
"""How many of the files in an argument are looked up in other executions."""
_PAGE = 50
_AHEAD = 20
"""Of how many calls at once it is read what each of them will be asked."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One value on the way back, and what is known about how it came to be."""

    depth: int
    value_hash: bytes
    call: CallRecord | None
    """The call that made it. None for an origin."""
    job: JobRow | None
    """The newest job that made the call; of an origin the one in whose code it was set. None where it is not in this
    repository, or there is none."""
    name: str | None = None
    """The parameter through which it went into the step above; None for the value that was asked about."""
    was_shown: bool = False
    """Whether the call was told of before, so that its own arguments are not repeated."""
    set_in: Place = NOWHERE
    """Of an origin that is an argument: the call in whose code it was set."""


if TYPE_CHECKING:
    _Item = StepRow | tuple[CallRecord, str | None, int, bytes | None]
    """What comes on the way: what is told, or a call of which to tell, with its parameter, its depth, and the file in
    its result that is meant; None where all of it is."""


def upstream(backend: Backend, value_hash: bytes, limit: int = 100) -> Iterator[StepRow]:
    """The whole derivation of a value, depth first: each call before what it took.

    limit: how many steps at most. Reads only as far as it is consumed.
    """
    walk = _Walk(backend)
    steps = walk.of_value(value_hash)
    for _ in range(limit):
        step = next(steps, None)
        if step is None:
            return
        yield step


def sources_of(
    backend: Backend,
    place: Place,
    argument: Argument,
    parents: Parents,
    part: bytes | None = None,
    holdings: Holdings | None = None,
) -> tuple[Iterator[CallRecord], Place]:
    """The calls that an argument of a call was derived from, also where it was passed on from call to call.

    part: the value in it that is meant; by default all of it is.

    They are read page by page: a list may be made of the results of a million calls. Of those that made a container,
    only the ones count that made what is meant, if it can be told which. Where there are none, the second result says
    in whose code the argument was set.
    """
    holdings = holdings or Holdings(backend)
    if argument.upstream:
        return _holding(backend, holdings, argument.upstream, part), place
    for _ in range(_MOST_LEVELS):
        place = parents.above(place)
        if place.call is None:
            break
        meant = part
        same = next((each for each in place.call.arguments if each.value_hash == argument.value_hash), None)
        if same is None:
            meant = part or argument.value_hash
            same = _container(holdings, place.call, meant)
        if same is None:
            break
        if same.upstream:
            return _holding(backend, holdings, same.upstream, meant), place
    return iter(()), place


def _holding(
    backend: Backend, holdings: Holdings, call_hashes: Sequence[bytes], part: bytes | None
) -> Iterator[CallRecord]:
    """The calls that returned a part of what was put together from their results; all of them where none did."""
    found = holders(backend, holdings, call_hashes, part) if part is not None and len(call_hashes) > 1 else []
    return iter(found) if found else _in_pages(backend, call_hashes)


def _in_pages(backend: Backend, call_hashes: Sequence[bytes]) -> Iterator[CallRecord]:
    for start in range(0, len(call_hashes), _PAGE):
        page = call_hashes[start : start + _PAGE]
        found = backend.calls(page)
        yield from (found[each] for each in page if each in found)


def _container(holdings: Holdings, call: CallRecord, value_hash: bytes) -> Argument | None:
    """The argument of a call that holds a value."""
    holdings.read(argument.value_hash for argument in call.arguments)
    return next((each for each in call.arguments if value_hash in holdings.held(each.value_hash)), None)


class _Walk:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._parents = Parents(backend)
        self._holdings = Holdings(backend)
        self._jobs = NewestJobs(backend)
        self._makers_of: dict[bytes, list[CallRecord]] = {}
        self._shown: set[tuple[bytes, bytes | None]] = set()

    def of_value(self, value_hash: bytes) -> Iterator[StepRow]:
        """Of a value about which nothing else is known."""
        made_by = self._makers(value_hash)
        if not made_by:
            yield StepRow(0, value_hash, None, None)
        meant = self._file(value_hash)
        for call in self._ahead(iter(made_by)):
            yield from self._of_calls([(call, None, 0, meant)], value_hash)

    def _makers(self, value_hash: bytes) -> list[CallRecord]:
        if value_hash not in self._makers_of:
            self._makers_of[value_hash] = makers(self._backend, value_hash, self._holdings, self._parents, self._jobs)
        return self._makers_of[value_hash]

    def _file(self, value_hash: bytes) -> bytes | None:
        return value_hash if self._holdings.path(value_hash) is not None else None

    def _of_calls(self, start: list[_Item], value_hash: bytes | None) -> Iterator[StepRow]:
        """Of calls and of everything before them. An explicit stack: derivations may be of any depth."""
        stack: list[Iterator[_Item]] = [iter(start)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                continue
            if isinstance(item, StepRow):
                yield item
                continue
            call, name, depth, meant = item
            call, parts = self._made_by(call, meant)
            if meant is not None and meant not in self._holdings.taken(call):
                meant = None  # it was made here, of all that was taken
            was_shown = (call.call_hash, meant) in self._shown
            self._shown.add((call.call_hash, meant))
            job = self._jobs.of(call)
            yield StepRow(depth, value_hash or call.value_hash, call, job, name, was_shown)
            value_hash = None
            if not was_shown:
                stack.append(self._parts(parts, depth + 1) if parts else self._inputs(call, job, depth + 1, meant))

    def _parts(self, parts: list[CallRecord], depth: int) -> Iterator[_Item]:
        return ((part, None, depth, None) for part in self._ahead(iter(parts)))

    def _ahead(self, calls: Iterator[CallRecord]) -> Iterator[CallRecord]:
        """The same calls, some of which are read about together."""
        while page := list(islice(calls, _AHEAD)):
            self._jobs.read(page)
            self._holdings.read(each.value_hash for call in page for each in call.arguments)
            yield from page

    def _inputs(self, call: CallRecord, job: JobRow | None, depth: int, meant: bytes | None) -> Iterator[_Item]:
        """What a call took.

        meant: the file that it passed on. What the same containers hold beside that is left out.
        """
        self._holdings.read(argument.value_hash for argument in call.arguments)
        for argument in call.arguments:
            held = self._holdings.held(argument.value_hash)
            part = meant if meant in held else None
            file = part or self._file(argument.value_hash)
            is_whole = part is None or part == argument.value_hash
            inner = None if is_whole else part
            calls, place = sources_of(self._backend, Place(job, call), argument, self._parents, inner, self._holdings)
            is_derived = False
            for each in self._ahead(calls):
                is_derived = True
                yield each, argument.name, depth, file
            if not is_derived:
                # Perhaps a file that another execution has made, alone or in a container.
                for value_hash in [file] if file is not None else self._files_in(argument.value_hash):
                    for maker in self._makers(value_hash)[:1]:
                        if maker != call:
                            is_derived = True
                            yield maker, argument.name, depth, value_hash
            if not is_derived:
                yield StepRow(depth, part or argument.value_hash, None, place.job, argument.name, set_in=place)

    def _files_in(self, value_hash: bytes) -> list[bytes]:
        return list(self._holdings.paths(self._holdings.in_order(value_hash)[:_MOST_FILES]))

    def _made_by(self, call: CallRecord, meant: bytes | None) -> tuple[CallRecord, list[CallRecord]]:
        """The call that really made a call's result, or the file in it that is meant: one below it, as far as there is.

        Where the result was put together from several of the calls below, these are given as well.
        """
        for _ in range(_MOST_LEVELS):
            if not call.children:
                return call, []
            if meant is not None:
                maker = self._maker_among(call.children, meant)
                if maker is None:
                    return call, []
                call = maker
                continue
            hashes = call.children[-MOST_CHILDREN:]
            found = self._backend.calls(hashes)
            children = [found[each] for each in hashes if each in found]
            same = next((each for each in reversed(children) if each.value_hash == call.value_hash), None)
            if same is None:
                used = {source for child in children for argument in child.arguments for source in argument.upstream}
                return call, [child for child in children if child.call_hash not in used and not child.is_error]
            call = same
        return call, []

    def _maker_among(self, call_hashes: Sequence[bytes], file: bytes) -> CallRecord | None:
        """The call that returned a file: rather one that was not given it."""
        found = holders(self._backend, self._holdings, call_hashes, file)
        made = [call for call in found if file not in self._holdings.taken(call)]
        return next(reversed(made or found), None)
