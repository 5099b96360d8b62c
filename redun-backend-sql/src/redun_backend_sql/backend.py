"""The repository in a SQLite file, as a backend."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from redun.backends.base import Backend, refuse_large_values, warn_of_missing_values
from redun.errors import BackendError, ConfigError

from redun_backend_sql import defaults
from redun_backend_sql.lineage import SqlLineage
from redun_backend_sql.reading import is_writable, open_for_reading, refuse_unwritable
from redun_backend_sql.repository import prepare, refuse_foreign, require_present_schema
from redun_backend_sql.run_path.connection import BUSY_TIMEOUT, open_connection, use_write_ahead_log, within_limits
from redun_backend_sql.run_path.extensions import extend_job
from redun_backend_sql.run_path.identities import Identities
from redun_backend_sql.run_path.lookups import Lookups
from redun_backend_sql.run_path.recorder import Recorder
from redun_backend_sql.search_part import SearchPart
from redun_backend_sql.sqlite_errors import translated_errors
from redun_backend_sql.sync import SqlSync
from redun_backend_sql.uri import sqlite_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

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

    from redun_backend_sql.questions import Questions


def make_backend(config_dir: Path, **options: Any) -> SqliteBackend:
    """The backend that a `[backend]` section describes; options as in `redun_backend_sql.settings`.

    Raises `ConfigError` for a database or an option that is not supported.
    """
    for option, reason in defaults.NOT_YET_SUPPORTED.items():
        if options.get(option):
            raise ConfigError(f"[backend] {option}: {reason}")
    path = sqlite_path(options.get("db_uri", defaults.DB_URI), config_dir)
    return SqliteBackend(
        path,
        automigrate=options.get("automigrate", True),
        max_value_size=options.get("max_value_size", defaults.MAX_VALUE_SIZE),
    )


class SqliteBackend(SqlLineage, SearchPart, SqlSync, Backend):
    """Keeps everything in one SQLite file.

    Several processes may use the file at once; within a process, threads share one connection behind one lock. Any
    method raises `BackendError` when the file cannot be read or written, or was not loaded.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        automigrate: bool = True,
        max_value_size: int | None = defaults.MAX_VALUE_SIZE,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> None:
        """Describe a repository; `load` opens it.

        path: the file, made by `load` if it is missing; None keeps everything in memory.
        automigrate: bring an older schema up to date.
        max_value_size: the most bytes that a value may have; `load` lowers it to what SQLite can hold.
        busy_timeout: seconds to wait for another process that writes.
        """
        self._busy_timeout = busy_timeout
        self.path = path
        self.is_durable = path is not None
        self.max_value_size = max_value_size
        self._automigrate = automigrate
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._questions: Questions | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def load(self, *, migrate: bool | None = None) -> None:
        with self._lock, translated_errors(self.path):
            if self._connection is not None:
                return
            connection = open_connection(self.path, busy_timeout=self._busy_timeout)
            try:
                refuse_foreign(connection, self._name)
                if self.path is not None:
                    refuse_unwritable(self.path, self._name)
                    use_write_ahead_log(connection, self.path)
                prepare(connection, self._name, migrate=self._automigrate if migrate is None else migrate)
                self.max_value_size = within_limits(connection, self.max_value_size)
            except BaseException:
                connection.close()
                raise
            self._use(connection)

    def load_for_questions(self) -> None:
        if self.path is None or is_writable(self.path):
            # Not for reading only: whoever closes such a connection last leaves the log beside the file.
            self.load()
            return
        with self._lock, translated_errors(self.path):
            if self._connection is not None:
                return
            connection = open_for_reading(self.path)
            try:
                refuse_foreign(connection, self._name)
                require_present_schema(connection, self._name)
            except BaseException:
                connection.close()
                raise
            self._use(connection)

    @property
    def _name(self) -> str:
        """What messages call the repository."""
        return "the repository in memory" if self.path is None else f"the repository {self.path}"

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        identities = Identities(connection)
        self._lookups = Lookups(connection, identities)
        self._recorder = Recorder(connection, identities, self._lookups)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = self._questions = None

    def is_same_store(self, other: object) -> bool:
        if not isinstance(other, SqliteBackend) or self.path is None or other.path is None:
            return self is other
        return self.path.exists() and other.path.exists() and self.path.samefile(other.path)

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock, translated_errors(self.path):
            if self._connection is None:
                raise BackendError(f"the repository {self.path} is not open: load() it first")
            yield

    # -- the run path -------------------------------------------------------------------------------------------------

    def record(self, batch: RecordBatch) -> None:
        refuse_large_values(batch.values, self.max_value_size)
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
            return extend_job(self._connection, execution_id, number)

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
