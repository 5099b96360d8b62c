"""The part of the backend that keeps the repository small and whole: what it needs is imported when somebody asks."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.parts import GRACE, Maintenance, nothing_told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.maintenance import Flaw, Garbage, RepositoryStats

    from redun_backend_sql.run_path.driver import Connection, WriteTransaction
    from redun_backend_sql.value_store import ValueStore


class SqlMaintenance(Maintenance):
    """Works on a repository that is open."""

    _open: Callable[[], AbstractContextManager[None]]
    _connection: Connection | None
    _transaction: WriteTransaction
    value_store: ValueStore | None

    def stats(self, largest: int = 10) -> RepositoryStats:
        from redun_backend_sql.statistics import repository_stats

        with self._open():
            assert self._connection is not None
            return repository_stats(self._connection, self.value_store, largest)

    def plan_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        from redun_backend_sql.garbage.collection import plan

        with self._open():
            assert self._connection is not None
            return plan(self._connection, self.value_store, executions, grace, tell)

    def collect_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        from redun_backend_sql.garbage.collection import collect

        with self._open():
            assert self._connection is not None
            return collect(self._connection, self._transaction, self.value_store, executions, grace, tell)

    def reclaim_space(self) -> int:
        from redun_backend_sql.statistics import vacuum

        with self._open():
            assert self._connection is not None
            return vacuum(self._connection)

    def flaws(self, tell: Callable[[str], None] = nothing_told) -> Iterator[Flaw]:
        from redun.backends.maintenance import Flaw

        from redun_backend_sql.integrity import find_problems

        with self._open():
            assert self._connection is not None
            for problem in find_problems(self._connection, self.value_store, tell):
                yield Flaw(problem.what, problem.where)
