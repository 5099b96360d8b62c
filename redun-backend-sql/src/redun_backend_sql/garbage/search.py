"""Finds garbage: reads all that is needed, from the jobs of executions downwards, and takes what is left."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.backends.maintenance import Garbage, KindSize
from redun.backends.positions import Positions

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.executions import all_executions, sort_out
from redun_backend_sql.garbage.reach import Reach
from redun_backend_sql.packing import RETIRED
from redun_backend_sql.run_path.identities import select_by_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.maintenance import KeptExecution

    from redun_backend_sql.garbage.executions import Execution
    from redun_backend_sql.run_path.driver import Connection

SEEN = "garbage collection: seen"
"""The id of the lease that notes which numbers there were when."""
TABLES = ("call", "value", "task", "task_set")

_JOBS = (
    "SELECT execution_id, number, call_id, eval_hash FROM job WHERE (execution_id, number) > (?, ?)"
    f" ORDER BY execution_id, number LIMIT {sql.PAGE}"
)
_SAME_EVALUATION = "SELECT call.id, call.eval_hash FROM call WHERE substr(call.eval_hash, 1, 8) IN (?)"
_CALL_BYTES = (
    "SELECT sum(120 + coalesce(length(inline), 0) + coalesce(length(arguments), 0) + coalesce(length(children), 0))"
    " FROM call WHERE id IN (?)"
)
_VALUE_BYTES = (
    "SELECT sum(48 + coalesce(length(path), 0) + coalesce(length(children), 0) + length(data)) FROM value"
    " WHERE id IN (?)"
)
_TASKS = "SELECT DISTINCT task_id FROM job_count WHERE execution_id IN (?)"
_JOB_COUNT = "SELECT sum(count) FROM job_count WHERE execution_id IN (?)"
JOB_BYTES = 80
EXECUTION_BYTES = 200


@dataclass(slots=True)
class Found:
    """What a search has found."""

    kept: Reach
    """What is needed."""
    garbage: Reach
    executions: list[Execution]
    """Those to remove."""
    others: list[KeptExecution]
    """Those that were to be removed, and stay."""
    highest: dict[str, int]
    """The numbers up to which rows were there when the search began."""
    old: dict[str, int]
    """The numbers up to which they had been there for long."""


def find_garbage(connection: Connection, asked: Sequence[str], grace: float, tell: Callable[[str], None]) -> Found:
    """Find what a collection would remove; see `Maintenance.plan_garbage`."""
    highest = {table: sql.highest(connection, table) for table in TABLES}
    old = highest if grace <= 0 else _long_there(connection, grace)
    removed, others = sort_out(all_executions(connection), asked, grace)
    kept = Reach(connection)
    search = _Search(connection, kept, {each.number for each in removed})
    tell("jobs")
    search.read_jobs()
    tell("calls")
    search.add_unfinished()
    tell("what is left")
    garbage = Reach(connection, beyond=kept)
    for (task,) in sql.select_in(connection, _TASKS, [each.number for each in removed]):
        garbage.tasks.add(task)
    garbage.add_calls(search.of_removed(old["call"]))
    if old["value"]:
        for page in sql.pages_by_number(connection, "id", "value"):
            garbage.add_value_numbers(number for (number,) in page if number <= old["value"])
    return Found(kept, garbage, removed, others, highest, old)


def _long_there(connection: Connection, grace: float) -> dict[str, int]:
    row = connection.execute("SELECT heartbeat, host FROM scheduler WHERE id = ?", (SEEN,)).fetchone()
    if row is None or row[0] > time.time() - grace:
        return dict.fromkeys(TABLES, 0)
    noted = json.loads(row[1])
    return {table: int(noted[table]) for table in TABLES}


class _Search:
    """Reads the jobs, and then the calls."""

    def __init__(self, connection: Connection, kept: Reach, removed: set[int]) -> None:
        self._connection = connection
        self._kept = kept
        self._removed = removed
        self._unfinished: set[bytes] = set()
        """The evaluations of jobs that stay and have no call."""
        self._given_up: set[bytes] = set()
        """Likewise of jobs that go."""
        self._calls_to_go = Positions()

    def read_jobs(self) -> None:
        """Keep what the jobs need that stay."""
        place = (0, 0)
        while page := self._connection.execute(_JOBS, place).fetchall():
            stay: list[int] = []
            for execution, _, call, eval_hash in page:
                is_to_go = execution in self._removed
                if call is not None:
                    (self._calls_to_go.add if is_to_go else stay.append)(call)
                elif eval_hash is not None:
                    (self._given_up if is_to_go else self._unfinished).add(eval_hash)
            self._kept.add_calls(stay)
            place = page[-1][:2]

    def add_unfinished(self) -> None:
        """Keep what the bodies of unfinished and failed jobs have returned: a later run goes on from there."""
        self._kept.add_calls(self._calls_of(self._unfinished))
        for page in sql.pages_by_number(self._connection, "id, eval_hash", "call", "call_hash IS NULL"):
            by_hash: dict[bytes, list[int]] = {}
            for number, eval_hash in page:
                if number not in self._kept.calls:
                    by_hash.setdefault(eval_hash, []).append(number)
            rows = select_by_prefix(self._connection, _SAME_EVALUATION, list(by_hash))
            wanted = {each for number, each in rows if number in self._kept.calls and each in by_hash}
            self._kept.add_calls(number for each in wanted for number in by_hash[each])

    def of_removed(self, old: int) -> Iterator[int]:
        """The calls that may be garbage: those of jobs that go, those nobody finds any more, and old ones."""
        yield from self._calls_to_go
        yield from self._calls_of(self._given_up)
        where = f"(call_hash IS NULL OR is_error >= {RETIRED} OR id <= {old})"
        for page in sql.pages_by_number(self._connection, "id, eval_hash, is_error", "call", where):
            undecided: dict[bytes, list[int]] = {}
            for number, eval_hash, is_error in page:
                if is_error >= RETIRED or number <= old:
                    yield number
                elif number not in self._kept.calls:
                    undecided.setdefault(eval_hash, []).append(number)
            for number, eval_hash in select_by_prefix(self._connection, _SAME_EVALUATION, list(undecided)):
                if eval_hash in undecided and number in self._calls_to_go:
                    yield from undecided.pop(eval_hash)

    def _calls_of(self, eval_hashes: set[bytes]) -> list[int]:
        rows = select_by_prefix(self._connection, _SAME_EVALUATION, list(eval_hashes))
        return [number for number, eval_hash in rows if eval_hash in eval_hashes]


def describe(connection: Connection, found: Found, postponed: str = "") -> Garbage:
    """What was found, in numbers."""
    numbers = [each.number for each in found.executions]
    jobs = sum(int(row[0] or 0) for row in sql.select_in(connection, _JOB_COUNT, numbers))
    sizes = [
        KindSize("executions", len(numbers), len(numbers) * EXECUTION_BYTES),
        KindSize("jobs", jobs, jobs * JOB_BYTES),
        _size(connection, "calls", _CALL_BYTES, found.garbage.calls),
        _size(connection, "values", _VALUE_BYTES, found.garbage.values),
    ]
    ids = tuple(each.record.id for each in found.executions)
    return Garbage(ids, tuple(found.others), tuple(size for size in sizes if size.count), postponed)


def _size(connection: Connection, kind: str, statement: str, numbers: Iterable[int]) -> KindSize:
    count = total = 0
    for part in sql.parts(numbers):
        count += len(part)
        total += sum(int(row[0] or 0) for row in sql.select_in(connection, statement, part))
    return KindSize(kind, count, total)
