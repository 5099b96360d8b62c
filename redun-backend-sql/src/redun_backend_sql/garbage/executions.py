"""The executions of a repository, as far as a collection cares: which run, and which are new."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from redun.backends.maintenance import KeptExecution
from redun.backends.records import ExecutionRecord, Status
from redun.provenance.liveness import LOST, execution_status

from redun_backend_sql.garbage import statements as sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun_backend_sql.run_path.driver import Connection

_EXECUTIONS = "id, uuid, args, status, start_time, updated_time, end_time, scheduler_id, sequence"
_RUNNING = f"SELECT {_EXECUTIONS} FROM execution WHERE status = ?"


class Execution(NamedTuple):
    """An execution, with the number of its row."""

    number: int
    record: ExecutionRecord
    sequence: int

    def is_alive(self, grace: float) -> bool:
        """Whether somebody may still be at work on it: a scheduler, or one that extends it."""
        if self.record.status is not Status.RUNNING:
            return False
        return execution_status(self.record) != LOST or self.is_new(grace)

    def is_new(self, grace: float) -> bool:
        """Whether it was heard of within the grace period."""
        return self.record.updated_time > time.time() - grace


def _execution(row: tuple[object, ...]) -> Execution:
    number, uuid, args, status, start, updated, end, scheduler, sequence = row
    record = ExecutionRecord(
        str(uuid),
        tuple(json.loads(str(args))),
        Status(int(str(status))),
        start,  # type: ignore[arg-type]  # the columns have these types
        updated,  # type: ignore[arg-type]
        end,  # type: ignore[arg-type]
        str(scheduler),
    )
    return Execution(int(str(number)), record, int(str(sequence)))


def all_executions(connection: Connection) -> list[Execution]:
    """All executions, in the order in which they were recorded."""
    pages = sql.pages_by_number(connection, _EXECUTIONS, "execution")
    return [_execution(row) for page in pages for row in page]


def executions_at_work(connection: Connection, grace: float) -> dict[int, Execution]:
    """Those that somebody may be at work on, by number: who has found something there may still have to say so."""
    rows = connection.execute(_RUNNING, (int(Status.RUNNING),)).fetchall()
    found = {}
    for each in map(_execution, rows):
        # A process of this machine is known to have ended; schedulers that extend its execution may go on for a while.
        is_here = each.record.scheduler_id.partition(":")[0] == socket.gethostname()
        is_over = is_here and execution_status(each.record) == LOST and not is_extended(connection, each)
        if each.is_alive(grace) and not is_over:
            found[each.number] = each
    return found


def is_extended(connection: Connection, execution: Execution) -> bool:
    """Whether other schedulers have been given job numbers of an execution."""
    start = f"{execution.record.id}/"
    leases = connection.execute("SELECT 1 FROM scheduler WHERE substr(id, 1, ?) = ?", (len(start), start))
    return leases.fetchone() is not None


def sort_out(
    executions: Iterable[Execution], asked: Iterable[str], grace: float
) -> tuple[list[Execution], list[KeptExecution]]:
    """Those of the executions that were asked for which may be removed, and which may not."""
    known = {each.record.id: each for each in executions}
    removed, kept = [], []
    for each in dict.fromkeys(asked):
        if each not in known:
            kept.append(KeptExecution(each, "it is not there"))
        elif known[each].is_alive(grace):
            kept.append(KeptExecution(each, "it runs"))
        elif known[each].is_new(grace):
            kept.append(KeptExecution(each, f"it was heard of within the grace period of {grace:g} s"))
        else:
            removed.append(known[each])
    return removed, kept
