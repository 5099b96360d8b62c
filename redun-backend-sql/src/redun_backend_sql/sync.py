"""The part of the backend that copies records, and says which it has: passes questions on to SQLAlchemy."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.parts import Synchronized

from redun_backend_sql.run_path.identities import select_by_prefix
from redun_backend_sql.run_path.statements import SELECT_VALUE_HASHES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.records import EntityKind, EvaluationRecord, HandleEdge, HandleRecord, JobRecord, TagRecord
    from redun.backends.sync import CallLinks, CallsAt, ExecutionState, TagRow, ValueOutline

    from redun_backend_sql.questions import Questions
    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.run_path.lookups import Lookups
    from redun_backend_sql.value_store import ValueStore


class SqlSync(Synchronized):
    """Asks the questions of a repository that is open."""

    _asking: Callable[[], AbstractContextManager[Questions]]
    _open: Callable[[], AbstractContextManager[None]]
    _lookups: Lookups
    _connection: Connection | None
    value_store: ValueStore | None

    def execution_states(self, execution_ids: Sequence[str] | None = None) -> list[ExecutionState]:
        with self._asking() as questions:
            return questions.sync.execution_states(execution_ids)

    def job_records(
        self, execution_id: str, *, after: int = 0, limit: int = 1000
    ) -> list[tuple[JobRecord, int | None]]:
        with self._asking() as questions:
            return questions.sync.job_records(execution_id, after, limit)

    def call_positions(self, call_hashes: Sequence[bytes]) -> dict[bytes, int]:
        with self._asking() as questions:
            return {each: position for each, (position, _) in questions.sync.known_calls(call_hashes).items()}

    def call_links(self, positions: Sequence[int]) -> list[CallLinks]:
        with self._asking() as questions:
            return questions.sync.call_links(positions)

    def calls_at(self, positions: Sequence[int]) -> CallsAt:
        with self._asking() as questions:
            return questions.sync.calls_at(positions)

    def open_evaluations(self, eval_hashes: Sequence[bytes]) -> list[EvaluationRecord]:
        with self._asking() as questions:
            return questions.sync.open_evaluations(eval_hashes)

    def value_outlines(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueOutline]:
        with self._asking() as questions:
            found = questions.sync.value_outlines(value_hashes)
        if self.value_store is None:
            return found
        # A row without bytes is one whose bytes are in the store.
        return {
            value_hash: outline if outline.size else outline._replace(size=self.value_store.size(value_hash))
            for value_hash, outline in found.items()
        }

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:
        with self._asking() as questions:
            return questions.sync.handles(after, limit)

    def handle_edges(self, parents: Sequence[bytes]) -> list[HandleEdge]:
        with self._asking() as questions:
            return questions.sync.handle_edges(parents)

    def tags_since(self, position: int, limit: int = 5000) -> list[TagRow]:
        with self._asking() as questions:
            return questions.sync.tags_since(position, limit)

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:
        with self._asking() as questions:
            return questions.sync.tag_history(kind, entity_ids)

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:
        with self._asking() as questions:
            return questions.sync.ended_jobs(execution_id, numbers)

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:
        with self._asking() as questions:
            return {each: time for each, (_, time) in questions.sync.known_calls(call_hashes).items()}

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:
        wanted = set(value_hashes)
        with self._open():
            assert self._connection is not None
            # Not the values themselves: a thousand large ones would not fit into memory.
            rows = select_by_prefix(self._connection, SELECT_VALUE_HASHES, list(wanted))
            wanted -= {value_hash for (value_hash,) in rows}
            return wanted - self._lookups.load_values(list(wanted)).keys()

    def store_name(self) -> str:
        with self._asking() as questions:
            return questions.sync.first_execution()

    def sync_point(self, source: str) -> str:
        with self._asking() as questions:
            return questions.sync.sync_point(source)

    def note_sync_point(self, source: str, point: str) -> None:
        with self._asking() as questions:
            questions.sync.note_sync_point(source, point)
