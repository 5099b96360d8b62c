"""Where values came from, and what was made from them, as objects that lead on to jobs, calls and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.provenance.models import Call, Job
from redun.provenance.values import FileState, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.base import Backend
    from redun.provenance.downstream import UseRow
    from redun.provenance.upstream import StepRow


@dataclass(frozen=True, slots=True)
class Step:
    """One value on the way back to where everything came from."""

    depth: int
    """Calls between it and the value that was asked about."""
    name: str | None
    """The parameter through which it went into the step above; None for the value that was asked about."""
    value: Value
    call: Call | None
    """The call that made it. None for an origin: a value that nobody made."""
    job: Job | None
    """The newest job that made the call; of an origin the one in whose code it was set. None where it is not in this
    repository, and for what was given to the root."""
    set_in: Call | None
    """Of an origin: the call in whose code it was set."""
    is_given: bool
    """Whether it is an origin that was given to the root of an execution."""
    was_shown: bool
    """Whether the call came before, so that its own arguments are not repeated."""

    @property
    def is_origin(self) -> bool:
        """Whether no call made it, as far as the repository knows."""
        return self.call is None


@dataclass(frozen=True, slots=True)
class Use:
    """A call on the way from a value to what was made from it."""

    depth: int
    """1 for the calls that took the value itself."""
    call: Call
    job: Job | None
    """The newest job that made the call; None where it is not in this repository."""
    parent: Call | None
    """The call whose result it took, or passed on; None where that is the value itself."""
    took: tuple[str, ...]
    """The parameters that it was given through; empty for a call that passed on what a call below it made."""
    is_end: bool
    """Whether nothing took its result, as far as the repository knows. Without a job it may not."""
    made: tuple[FileState, ...]
    """The files in its result that were made from the value. Not those that it was given, and only passed on."""


def steps(backend: Backend, rows: Iterable[StepRow]) -> Iterator[Step]:
    """Steps as objects, read as far as they are consumed."""
    for row in rows:
        place = row.set_in
        yield Step(
            depth=row.depth,
            name=row.name,
            value=Value(backend, row.value_hash),
            call=None if row.call is None else Call(backend, row.call),
            job=None if row.job is None else Job(backend, row.job),
            set_in=None if place.call is None else Call(backend, place.call),
            is_given=place.is_outside,
            was_shown=row.was_shown,
        )


def uses(backend: Backend, rows: Iterable[UseRow]) -> Iterator[Use]:
    """Uses as objects, read as far as they are consumed."""
    known: dict[bytes, Call] = {}
    for row in rows:
        call = known[row.call.call_hash] = Call(backend, row.call)
        yield Use(
            depth=row.depth,
            call=call,
            job=None if row.job is None else Job(backend, row.job),
            parent=None if row.parent is None else known[row.parent],
            took=row.took,
            is_end=row.is_end,
            made=tuple(FileState(backend, file.value_hash, file.path) for file in row.made),
        )
