"""Writes batches of records."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.backends.records import ExecutionRecord, JobRecord, RecordBatch, Status

from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.call_writer import CallWriter
from redun_backend_sql.run_path.handle_writer import HandleWriter
from redun_backend_sql.run_path.identities import COLLECTION, Identities, chunks
from redun_backend_sql.run_path.tag_writer import TagWriter
from redun_backend_sql.run_path.value_writer import ValueWriter
from redun_backend_sql.storable import storable_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.search import TagChanges, TagEdit

    from redun_backend_sql.run_path.driver import Connection, WriteTransaction
    from redun_backend_sql.run_path.lookups import Lookups
    from redun_backend_sql.value_store import ValueStore


class Recorder:
    """Writes each batch in one transaction.

    What is written often goes in sorted by key and through `executemany`: neighbouring rows then share pages, and the
    driver keeps one prepared statement, which is several times as fast as a statement a row.
    """

    def __init__(
        self,
        connection: Connection,
        identities: Identities,
        lookups: Lookups,
        transaction: WriteTransaction,
        store: ValueStore | None = None,
    ) -> None:
        """Write on a connection. What belongs into the store is there before it is recorded."""
        self._connection = connection
        self._begin = transaction
        self._identities = identities
        self._store = store
        self._collections: tuple[float, str] | None = None
        self._values = ValueWriter(connection, identities, lookups, store)
        self._calls = CallWriter(connection, identities, self._values)
        self._handles = HandleWriter(connection)
        self._tags = TagWriter(connection)

    def write(self, batch: RecordBatch) -> None:
        """Write all of the batch, or raise and write nothing."""
        with self._transaction():
            self._write(batch)

    def edit_tags(self, edits: Sequence[TagEdit]) -> TagChanges:
        """See `Search.edit_tags`."""
        with self._transaction():
            return self._tags.edit(edits)

    def roll_back(self, states: Sequence[bytes]) -> set[bytes]:
        """See `Backend.roll_back`. It is on the disk when this returns: what comes next may change another database."""
        with self._transaction(durable=True):
            return self._handles.roll_back(states)

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[None]:
        try:
            with self._begin(durable=durable):
                self._heed_collections()
                yield
        except BaseException:
            self._identities.forget()
            self._values.forget()
            raise

    def _heed_collections(self) -> None:
        """Forget what is remembered of rows when some were removed since the last transaction."""
        found = self._connection.execute(sql.SELECT_COLLECTION, (COLLECTION,)).fetchone()
        if found is None or found == self._collections:
            return
        self._collections = found
        self._identities.forget()
        self._values.forget()
        if self._store is not None:
            self._store.forget()
        self._identities.last_call, self._identities.last_value = map(int, found[1].split())

    def _write(self, batch: RecordBatch) -> None:
        self._write_executions(batch.executions)
        for task in batch.tasks:
            row = (task.hash, task.namespace, task.name, task.version, task.source)
            self._identities.add_task(task.hash, row)
        for task_set in batch.task_sets:
            self._identities.add_task_set(task_set.hash, task_set.task_hashes)
        self._values.begin(batch.values)
        self._calls.write(batch.calls, batch.evaluations)
        self._values.write()
        self._write_jobs(batch.jobs)
        self._tags.write(batch.tags)
        self._handles.write(batch.handles, batch.handle_edges)
        self._mark_changed(batch)
        self._identities.trim()

    # -- executions ---------------------------------------------------------------------------------------------------

    def _write_executions(self, executions: Sequence[ExecutionRecord]) -> None:
        execute = self._connection.execute
        for each in executions:
            times = (each.start_time, each.updated_time, each.end_time)
            row = (storable_json(each.args), each.status, *times, each.scheduler_id)
            known = execute(sql.SELECT_EXECUTION, (each.id,)).fetchone()
            if known is None:
                execute(sql.INSERT_EXECUTION, (each.id, *row, 0))
            else:
                execute(sql.UPDATE_EXECUTION, (*row, known[0], each.updated_time))
            self._write_lease(each.scheduler_id, each.updated_time)

    def _write_lease(self, scheduler_id: str, heartbeat: float) -> None:
        if self._connection.execute(sql.SELECT_SCHEDULER, (scheduler_id,)).fetchone() is None:
            host = scheduler_id.partition(":")[0]
            self._connection.execute(sql.INSERT_SCHEDULER, (scheduler_id, host, heartbeat))
        else:
            self._connection.execute(sql.UPDATE_SCHEDULER, (heartbeat, scheduler_id, heartbeat))

    def _mark_changed(self, batch: RecordBatch) -> None:
        """Move the executions that this batch touches to the end of the sequence that push and pull follow."""
        changed = {each.id for each in batch.executions} | {job.execution_id for job in batch.jobs}
        if changed:
            last = self._connection.execute(sql.SELECT_SEQUENCE).fetchone()[0]
            numbers = sorted(self._identities.executions[each] for each in changed)
            self._connection.executemany(sql.UPDATE_SEQUENCE, enumerate(numbers, last + 1))

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _write_jobs(self, jobs: Sequence[JobRecord]) -> None:
        ids = self._identities
        ids.learn_calls(job.call_hash for job in jobs if job.call_hash is not None)
        planned: dict[tuple[int, int], JobRecord] = {}
        for job in jobs:
            key = (ids.executions[job.execution_id], job.number)
            if job.status != Status.RUNNING or key not in planned:
                planned[key] = job
        known = self._known_jobs(planned)
        counts: Counter[tuple[int, int, int]] = Counter()
        new, changed = [], []
        for key in sorted(planned):
            job = planned[key]
            before = known.get(key)
            row = self._job_row(key, job)
            if before is None:
                new.append(row)
            elif job.status == Status.RUNNING:
                continue  # An end that was recorded is never taken back.
            else:
                changed.append(row)
                counts[key[0], *before] -= 1
            counts[key[0], ids.tasks[job.task_hash], int(job.status)] += 1
        self._connection.executemany(sql.INSERT_JOB, new)
        self._connection.executemany(sql.REPLACE_JOB, changed)
        self._connection.executemany(sql.INSERT_JOB_COUNT, [(*key, n) for key, n in sorted(counts.items()) if n])

    def _job_row(self, key: tuple[int, int], job: JobRecord) -> tuple[object, ...]:
        ids, call_hash = self._identities, job.call_hash
        return (
            *key,
            job.parent,
            ids.tasks[job.task_hash],
            None if call_hash is None else ids.calls[call_hash],
            int(job.status),
            job.attempt,
            ids.executors[job.executor],
            job.start_time,
            job.end_time,
            job.eval_hash if call_hash is None else None,
            job.options_hash,
        )

    def _known_jobs(self, planned: dict[tuple[int, int], JobRecord]) -> dict[tuple[int, int], tuple[int, int]]:
        """Task and status of the jobs that have a row. Only numbers up to the execution's last one can have one."""
        numbers: dict[int, list[int]] = {}
        for execution_id, number in planned:
            numbers.setdefault(execution_id, []).append(number)
        known = {}
        for execution_id, all_numbers in numbers.items():
            (last,) = self._connection.execute(sql.SELECT_LAST_JOB, (execution_id,)).fetchone()
            candidates = [number for number in all_numbers if last is not None and number <= last]
            for chunk in chunks(candidates):
                statement = sql.with_list(sql.SELECT_KNOWN_JOBS, len(chunk))
                for number, task_id, status in self._connection.execute(statement, (execution_id, *chunk)):
                    known[execution_id, number] = (task_id, status)
        return known
