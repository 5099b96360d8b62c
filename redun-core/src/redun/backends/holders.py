"""Who may have records already: a repository, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.records import (
        EntityKind,
        EvaluationHit,
        ExecutionRecord,
        HandleRecord,
        TagRecord,
        TaskRecord,
    )


class Holder(Protocol):
    """What is asked of the other side while records are collected: see the methods of `Backend`."""

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """See `Backend`."""

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:
        """See `Backend`."""

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:
        """See `Backend`."""

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:
        """See `Backend`."""

    def task(self, task_hash: bytes) -> TaskRecord | None:
        """See `Backend`."""

    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:
        """See `Backend`."""

    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:
        """See `Backend`."""

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:
        """See `Backend`."""

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:
        """See `Backend`."""


class Nobody:
    """Has nothing: for an export, which is whole by itself."""

    def execution(self, execution_id: str) -> ExecutionRecord | None:  # noqa: ARG002 - see Holder, here and below
        """None."""
        return None

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:  # noqa: ARG002
        """None of them."""
        return set()

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:  # noqa: ARG002
        """None of them."""
        return {}

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:
        """All of them."""
        return set(value_hashes)

    def task(self, task_hash: bytes) -> TaskRecord | None:  # noqa: ARG002
        """None."""
        return None

    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:  # noqa: ARG002
        """None of them."""
        return {}

    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:  # noqa: ARG002
        """None of them."""
        return {}

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:  # noqa: ARG002
        """None."""
        return []

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:  # noqa: ARG002
        """None."""
        return {}
