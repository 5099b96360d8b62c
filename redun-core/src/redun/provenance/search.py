"""Searching a repository by what can only be told now: whether what is recorded as running still does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from redun.backends.records import Status
from redun.backends.search import Kind, Query
from redun.errors import UsageError
from redun.provenance.liveness import LOST, JobStatuses, execution_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redun.backends.base import Backend

EXECUTION_STATUSES = ("RUNNING", "DONE", "FAILED", "CANCELLED", LOST)
JOB_STATUSES = ("RUNNING", "DONE", "CACHED", "FAILED", "CANCELLED", LOST)


@dataclass(frozen=True, slots=True)
class Search:
    """A query, and names of statuses, among them LOST, that come in the place of its own statuses."""

    query: Query
    """Without statuses; see `make_search`."""
    execution_statuses: frozenset[str] = frozenset()
    job_statuses: frozenset[str] = frozenset()

    def rows(self, backend: Backend, kind: Kind) -> Iterator[Any]:
        """What `Backend.search` gives.

        Raises UsageError where only lost executions or jobs are looked for, and neither is what is to be shown.
        """
        found = backend.search(kind, self.query)
        is_wanted = self._check(backend, kind)
        return found if is_wanted is None else filter(is_wanted, found)

    def count(self, backend: Backend, kind: Kind) -> int:
        """How many there are. Raises what `rows` raises."""
        if self._check(backend, kind) is None:
            return backend.count(kind, self.query)
        return sum(1 for _ in self.rows(backend, kind))

    def _check(self, backend: Backend, kind: Kind) -> Callable[[Any], bool] | None:
        """What has to be asked of each row, if anything has."""
        executions, jobs = self.execution_statuses, self.job_statuses
        if not (_tells_lost(executions) or _tells_lost(jobs)):
            return None
        if kind not in (Kind.EXECUTION, Kind.JOB) or (kind is Kind.EXECUTION and _tells_lost(jobs)):
            if LOST in executions or LOST in jobs:
                raise UsageError(
                    f"{LOST} cannot be searched for here: --exec-status finds executions, --job-status jobs"
                )
            return None
        if kind is Kind.EXECUTION:
            return lambda row: execution_status(row) in executions
        statuses = JobStatuses(backend)
        return lambda row: (
            (not jobs or statuses.of(row) in jobs) and (not executions or statuses.of_execution(row) in executions)
        )


def make_search(
    query: Query, execution_statuses: frozenset[str] = frozenset(), job_statuses: frozenset[str] = frozenset()
) -> Search:
    """A search for what a query says, in executions and jobs with one of these statuses, such as LOST."""
    query = replace(query, execution_statuses=_recorded(execution_statuses), job_statuses=_recorded(job_statuses))
    return Search(query, execution_statuses, job_statuses)


def _tells_lost(names: frozenset[str]) -> bool:
    return (LOST in names) != ("RUNNING" in names)


def _recorded(names: frozenset[str]) -> frozenset[Status]:
    """The statuses that the repository has for these."""
    return frozenset(Status["RUNNING" if name == LOST else name] for name in names)
