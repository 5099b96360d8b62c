"""What the backends in SQL databases share: everything but how a database is opened and what its errors mean."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

import contextlib
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING

from redun.backends.base import Backend, refuse_large_values, warn_of_missing_values
from redun.errors import BackendError

from redun_backend_sql.lineage import SqlLineage
from redun_backend_sql.maintenance import SqlMaintenance
from redun_backend_sql.run_path.extensions import extend_job
from redun_backend_sql.run_path.identities import Identities
from redun_backend_sql.run_path.lookups import Lookups
from redun_backend_sql.run_path.recorder import Recorder
from redun_backend_sql.search_part import SearchPart
from redun_backend_sql.sync import SqlSync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.records import (
        CallHit,
        CallRecord,
        EntityKind,
        EntityRef,
        EvaluationHit,
        ExecutionRecord,
        FileRow,
        HandleStep,
        JobRow,
        RecordBatch,
        StoredValue,
        TagRecord,
        TaskCount,
        TaskRecord,
    )
    from redun.backends.schema_versions import SchemaChange, SchemaInfo

    from redun_backend_sql.questions import Questions
    from redun_backend_sql.run_path.driver import Connection, WriteTransaction
    from redun_backend_sql.value_store import ValueStore


class SqlBackend(SqlLineage, SearchPart, SqlSync, SqlMaintenance, Backend):
    """Keeps everything in the tables that `schema` describes.

    Several processes may use a repository at once; within a process, threads share one connection behind one lock. Any
    method raises `BackendError` when the database cannot be read or written, or was not loaded.
    """

    def __init__(self, *, automigrate: bool, max_value_size: int | None, value_store: ValueStore | None = None) -> None:
        """Describe a repository; `load` opens it.

        automigrate: bring an older schema up to date.
        max_value_size: the most bytes that a value may have; `load` lowers it to what the database can hold.
        value_store: where large values are kept instead of in the database.
        """
        self.value_store = value_store
        self.max_value_size = max_value_size
        self._automigrate = automigrate
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._questions: Questions | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages call the repository."""

    @abstractmethod
    def _translated_errors(self) -> AbstractContextManager[None]:
        """Raises the driver's errors as `BackendError`."""

    @abstractmethod
    def _close_connection(self) -> None:
        """Let go of the connection that is open."""

    def _use(self, connection: Connection, transaction: WriteTransaction) -> None:
        self._connection = connection
        self._questions = None
        self._transaction = transaction
        identities = Identities(connection)
        self._lookups = Lookups(connection, identities, self.value_store)
        self._recorder = Recorder(connection, identities, self._lookups, transaction, self.value_store)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._close_connection()
                self._connection = self._questions = None

    # -- versions of the schema ---------------------------------------------------------------------------------------

    @abstractmethod
    def _schema(self, *, may_create: bool) -> AbstractContextManager[tuple[Connection, int]]:
        """A connection of its own, with any schema that this version of redun knows, and the version of that.

        Raises `BackendError` when there is no such database, and none may or can be made.
        """

    def schema_info(self) -> SchemaInfo:
        from redun_backend_sql.versions import schema_info

        with self._schema(may_create=False) as (_, current):
            return schema_info(current)

    def upgrade_schema(self, to: int | None = None) -> SchemaChange:
        from redun_backend_sql.versions import upgrade

        with self._schema(may_create=True) as (connection, current):
            return upgrade(connection, self.name, current, to)

    def downgrade_schema(self, to: int, *, force: bool = False) -> SchemaChange:
        from redun_backend_sql.versions import downgrade

        with self._schema(may_create=False) as (connection, current):
            return downgrade(connection, self.name, current, to, force=force)

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock, self._translated_errors():
            if self._connection is None:
                raise BackendError(f"{self.name} is not open: it was closed, or load() was not called yet")
            yield

    # -- the run path -------------------------------------------------------------------------------------------------

    def record(self, batch: RecordBatch) -> None:
        refuse_large_values(batch.values, self.max_value_size)
        if self.value_store is not None:
            if batch.executions:
                self.value_store.prepare()
            self.value_store.put(batch.values)
        with self._open():
            self._recorder.write(batch)

    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:
        with self._open():
            return self._lookups.find_evaluations(eval_hashes)

    def find_calls(self, eval_hashes: Sequence[bytes], context_hash: bytes) -> dict[bytes, list[CallHit]]:
        with self._open():
            return self._lookups.find_calls(eval_hashes, context_hash)

    def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        with self._open():
            found = self._lookups.load_values(value_hashes)
        warn_of_missing_values(value_hashes, found)
        return found

    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:
        with self._open():
            return self._lookups.load_task_sets(hashes)

    def extend_job(self, execution_id: str, number: int) -> int | None:
        with self._open():
            assert self._connection is not None
            return extend_job(self._connection, self._transaction, execution_id, number)

    # -- handles ------------------------------------------------------------------------------------------------------

    def find_valid_handles(self, states: Sequence[bytes]) -> set[bytes]:
        with self._open():
            return self._lookups.find_valid_handles(states)

    def handle_branches(self, states: Sequence[bytes]) -> dict[bytes, dict[bytes, HandleStep]]:
        with self._open():
            return self._lookups.handle_branches(states)

    def roll_back(self, states: Sequence[bytes]) -> set[bytes]:
        with self._open():
            return self._recorder.roll_back(states)

    # -- questions ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Questions]:
        with self._open():
            if self._questions is None:
                from redun_backend_sql.questions import Questions

                assert self._connection is not None
                self._questions = Questions(self._connection)
            yield self._questions

    def find_ids(self, prefix: str, limit: int = 20) -> list[EntityRef]:
        with self._asking() as questions:
            return questions.find_ids(prefix, limit)

    def executions(self, *, limit: int, skip: int = 0) -> list[ExecutionRecord]:
        with self._asking() as questions:
            return questions.executions(limit, skip)

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        with self._asking() as questions:
            return questions.execution(execution_id)

    def task_counts(self, execution_id: str) -> list[TaskCount]:
        with self._asking() as questions:
            return questions.task_counts(execution_id)

    def jobs(self, execution_id: str, *, parent: int | None = None, after: int = 0, limit: int = 1000) -> list[JobRow]:
        with self._asking() as questions:
            return questions.jobs(execution_id, parent, after, limit)

    def job(self, execution_id: str, number: int) -> JobRow | None:
        with self._asking() as questions:
            return questions.job(execution_id, number)

    def call(self, call_hash: bytes) -> CallRecord | None:
        with self._asking() as questions:
            return questions.call(call_hash)

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        with self._asking() as questions:
            return questions.calls(call_hashes)

    def jobs_of_call(self, call_hash: bytes, limit: int = 20) -> list[JobRow]:
        with self._asking() as questions:
            return questions.jobs_of_call(call_hash, limit)

    def calls_with_result(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._asking() as questions:
            return questions.calls_with_result(value_hash, limit)

    def calls_with_argument(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        with self._asking() as questions:
            return questions.calls_with_argument(value_hash, limit)

    def task(self, task_hash: bytes) -> TaskRecord | None:
        with self._asking() as questions:
            return questions.task(task_hash)

    def tasks_named(self, full_name: str, limit: int = 20) -> list[TaskRecord]:
        with self._asking() as questions:
            return questions.tasks_named(full_name, limit)

    def jobs_of_task(self, task_hash: bytes, limit: int = 20) -> list[JobRow]:
        with self._asking() as questions:
            return questions.jobs_of_task(task_hash, limit)

    def files(self, path: str, limit: int = 100) -> list[FileRow]:
        with self._asking() as questions:
            return questions.files(path, limit)

    def tags(self, kind: EntityKind, entity_ids: Iterable[str]) -> Mapping[str, list[TagRecord]]:
        with self._asking() as questions:
            return questions.tags(kind, entity_ids)
