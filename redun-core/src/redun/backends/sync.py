"""What copying from one repository to another asks of both: `redun.backends.parts.Synchronized` asks it.

What is recorded never changes, except that a job and an execution end, that an outcome is seen once more, that a state
of a handle is rolled back, and that tags are removed and added again. So a copy is a matter of what the other side has:
whoever has a call has everything that the call refers to, because records are written after what they name.

Within a repository, completed calls have *positions*: whole numbers that only grow, so that a call mostly comes after
those that it names. They mean nothing outside.

Every question has an answer for backends that were written before it: it raises `BackendError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from redun.backends.records import (
        CallRecord,
        Status,
        TagRecord,
        ValueRecord,
    )


class ExecutionState(NamedTuple):
    """How much of an execution a repository has."""

    id: str
    status: Status
    updated_time: float
    jobs: int
    """How many of its jobs are known."""
    ended_jobs: int
    """How many of these have ended."""


class CallLinks(NamedTuple):
    """Which calls a completed call names."""

    position: int
    call_hash: bytes
    time: float
    calls: tuple[bytes, ...]
    """The calls below it, and those that its arguments were derived from."""


class CallsAt(NamedTuple):
    """Calls, with those of the values in them that are at hand."""

    calls: list[CallRecord]
    values: dict[bytes, ValueRecord]
    """Small values without children. They are cheaper to send than to ask about."""


class ValueOutline(NamedTuple):
    """What is known of a value without its bytes."""

    size: int
    """Bytes, where that is known without looking at them."""
    children: tuple[bytes, ...]
    path: str | None


class TagRow(NamedTuple):
    """A tag that was added or removed, and the place of this change in the order in which tags were changed."""

    position: int
    tag: TagRecord
