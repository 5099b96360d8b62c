"""The part of the backend that knows what came before a call: passes questions on to SQLAlchemy."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.parts import Lineage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.lineage import ValueLinks
    from redun.backends.records import CallRecord, JobRow

    from redun_backend_sql.questions import Questions


class SqlLineage(Lineage):
    """Asks the questions of a repository that is open."""

    _asking: Callable[[], AbstractContextManager[Questions]]

    def calls_of_evaluation(self, eval_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._asking() as questions:
            return questions.lineage.calls_of_evaluation(eval_hash, limit)

    def jobs_of_call_before(self, call_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        with self._asking() as questions:
            return questions.jobs_of_call(call_hash, limit, (execution_id, number))

    def jobs_of_task_before(self, task_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        with self._asking() as questions:
            return questions.jobs_of_task(task_hash, limit, (execution_id, number))

    def newest_jobs_of_calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, JobRow]:
        with self._asking() as questions:
            return questions.newest_jobs_of_calls(call_hashes)

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:
        with self._asking() as questions:
            return questions.lineage.value_links(value_hashes)

    def options_hashes(self, execution_id: str, numbers: Sequence[int]) -> dict[int, bytes]:
        with self._asking() as questions:
            return questions.lineage.options_hashes(execution_id, numbers)
