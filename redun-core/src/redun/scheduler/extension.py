"""Runs that are part of another one: which jobs of an execution they record, and what they report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redun.traceback import Traceback


class Extension(NamedTuple):
    """The part of an execution that one run records."""

    parent: int | None
    """The number of the job below which the run adds jobs; None for a run that has begun the execution."""
    start: int
    """What is added to the numbers of the run's own jobs, so that two schedulers never use the same one."""


WHOLE_EXECUTION = Extension(None, 0)


@dataclass(frozen=True, slots=True)
class SubRunReport:
    """What came of an expression that a sub-scheduler has evaluated: what the job above it goes on with."""

    value: Any = None
    error: BaseException | None = None
    traceback: Traceback | None = None
    """For an error: the jobs of the sub-scheduler that led to it."""
    execution_id: str = ""
    """Of the execution that recorded it, if it is one of its own."""
    children: tuple[tuple[int, bytes], ...] = ()
    """Numbers and call hashes of the jobs directly below, in the execution that was extended."""
    tasks: frozenset[bytes] = frozenset()
    """The hashes of every task that was used."""
    counts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The status table of the sub-scheduler."""
