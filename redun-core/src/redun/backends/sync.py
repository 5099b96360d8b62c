"""What copying from one repository to another asks of both: the part of `Backend` that push, pull and export need.

What is recorded never changes, except that a job and an execution end, that an outcome is seen once more, that a state
of a handle is rolled back, and that tags are removed and added again. So a copy is a matter of what the other side has:
whoever has a call has everything that the call refers to, because records are written after what they name.

Within a repository, completed calls have *positions*: whole numbers that only grow, so that a call mostly comes after
those that it names. They mean nothing outside.

Every question has an answer for backends that were written before it: it raises `BackendError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.records import (
        CallRecord,
        EntityKind,
        EvaluationRecord,
        HandleEdge,
        HandleRecord,
        JobRecord,
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


class Synchronized:
    """The part of a backend that copies records, and says which it has. Any number of things may be asked about."""

    # -- what there is to copy ----------------------------------------------------------------------------------------

    def execution_states(self, execution_ids: Sequence[str] | None = None) -> list[ExecutionState]:  # noqa: ARG002 - for who supports it
        """How much is known of each of these executions, or of all, oldest first; unknown ones are left out."""
        self._cannot_copy()

    def job_records(
        self,
        execution_id: str,  # noqa: ARG002
        *,
        after: int = 0,  # noqa: ARG002
        limit: int = 1000,  # noqa: ARG002
    ) -> list[tuple[JobRecord, int | None]]:
        """A page of an execution's jobs with numbers above `after`, by number, with the positions of their calls."""
        self._cannot_copy()

    def call_positions(self, call_hashes: Sequence[bytes]) -> dict[bytes, int]:  # noqa: ARG002
        """Where those of these calls are that are known."""
        self._cannot_copy()

    def call_links(self, positions: Sequence[int]) -> list[CallLinks]:  # noqa: ARG002
        """What the calls at these positions name, in any order."""
        self._cannot_copy()

    def calls_at(self, positions: Sequence[int]) -> CallsAt:  # noqa: ARG002
        """The calls at these positions, in any order."""
        self._cannot_copy()

    def open_evaluations(self, eval_hashes: Sequence[bytes]) -> list[EvaluationRecord]:  # noqa: ARG002
        """The evaluations with these hashes that no completed call has taken the place of."""
        self._cannot_copy()

    def value_outlines(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueOutline]:  # noqa: ARG002
        """What is known of these values. Small ones without children may be left out, as are unknown ones."""
        self._cannot_copy()

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:  # noqa: ARG002
        """A page of all states of handles with numbers above `after`, by number, with these numbers."""
        self._cannot_copy()

    def handle_edges(self, parents: Sequence[bytes]) -> list[HandleEdge]:  # noqa: ARG002
        """How other states of handles came out of these."""
        self._cannot_copy()

    def tags_since(self, position: int, limit: int = 5000) -> list[TagRow]:  # noqa: ARG002
        """A page of the tags that were added or removed after a position, in that order; one may come repeatedly."""
        self._cannot_copy()

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:  # noqa: ARG002
        """All tags that some things of one kind have or once had, by their id, each with its number of `edits`."""
        self._cannot_copy()

    # -- what is there already ----------------------------------------------------------------------------------------

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:  # noqa: ARG002
        """Those of these jobs that are known to have ended."""
        self._cannot_copy()

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:  # noqa: ARG002
        """When each of these completed calls was last seen; unknown ones are left out."""
        self._cannot_copy()

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:  # noqa: ARG002
        """Those of these values that are not known."""
        self._cannot_copy()

    # -- between two --------------------------------------------------------------------------------------------------

    def is_same_store(self, other: object) -> bool:
        """Whether another backend keeps its records in the same place as this one."""
        return self is other

    def store_name(self) -> str:
        """A name for where the records are kept that no other place has; empty where there is none."""
        return ""

    def sync_point(self, source: str) -> str:  # noqa: ARG002
        """What was last noted about copies from a source; empty for nothing."""
        return ""

    def note_sync_point(self, source: str, point: str) -> None:
        """Note how far copies from a source have come, for the next one. Forgetting it costs time, and nothing else.

        source: a name for the source that no other one has.
        """

    def _cannot_copy(self) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support copies from one repository to another")
