"""The interface of backends: where executions, results and provenance are kept.

A backend is told things in batches and asked things in batches. Nothing here is called once a job: with a fan-out of
10,000 jobs a backend sees some tens of calls.

Promises of every backend, checked by `redun.testing.BackendSuite`:

- `record` writes a whole batch or nothing of it, and writing the same batch again changes nothing;
- a record may name a value, task set or call that is in the same batch, in an earlier one, or already known; a record
  that names an execution, task, task set, state of a handle or (a job) call of which none of this is true is refused,
  and the batch with it;
- a look-up sees everything that an earlier `record` wrote;
- the newest evaluation of an evaluation hash wins, by its time; the calls of older ones stay;
- the end of a job is never taken back by a record that says that it runs;
- all methods may be called from any thread.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from redun.backends.parts import Lineage, Maintenance, SchemaVersions, Search, Synchronized
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
        ValueRecord,
    )
    from redun.backends.tag_entity import TagEntity as TagEntity


logger = logging.getLogger("redun.backend")


def warn_of_missing_values(asked: Sequence[bytes], found: Mapping[bytes, StoredValue]) -> None:
    """Log in one line that a repository lacks values that something in it refers to; for use by backends."""
    if len(found) < len(asked):
        missing = {value_hash for value_hash in asked if value_hash not in found}
        if missing:
            example = min(missing).hex()
            logger.warning(
                "The repository lacks %d value%s, such as %s: what needs them is made again.",
                len(missing),
                "s" if len(missing) > 1 else "",
                example,
            )


def refuse_large_values(values: Sequence[ValueRecord], limit: int | None) -> None:
    """Raise `BackendError` for a value with more bytes than `Backend.max_value_size`; for use by backends."""
    if limit is None:
        return
    for value in values:
        if len(value.data) > limit:
            raise BackendError(
                f"a value of type {value.type_name} has {len(value.data):,} bytes, and max_value_size allows {limit:,}."
                " Return a File instead of large data, or raise the limit in [backend]."
            )


EXTENSION = 1_000_000_000
"""How many job numbers an extension of an execution has to itself: see `Backend.extend_job`."""
MOST_CALLS = 20
"""How many earlier calls with the same evaluation hash a look-up gives."""


class Backend(Lineage, Search, Synchronized, SchemaVersions, Maintenance):
    """Keeps what happened, and answers what it was."""

    is_durable: bool = True
    """False when everything is forgotten at the end of the process."""
    max_value_size: int | None = None
    """The most bytes that one value may have: the scheduler fails a job whose result is larger, and `record` refuses a
    batch with a larger value. None for no bound."""

    # -- life ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def load(self, *, migrate: bool | None = None) -> None:
        """Open the repository, creating it where that is safe.

        migrate: bring an older schema up to date; None leaves the choice to the backend's settings.

        Raises `BackendVersionError` for a schema that this version cannot use, and `BackendError` when it cannot be
        opened.
        """

    def load_for_questions(self) -> None:
        """Open the repository for who only asks it something: what cannot be written is then opened for reading.

        Afterwards `record` may raise `BackendError`. A backend that knows no such difference does as `load`.

        Raises what `load` raises, and `BackendError` when there is no repository and none can be made.
        """
        self.load()

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections. Closing twice is fine."""

    # -- the run path -------------------------------------------------------------------------------------------------

    @abstractmethod
    def record(self, batch: RecordBatch) -> None:
        """Write a batch in one transaction.

        Raises `BackendError`, after which nothing of the batch is there: when it cannot be written, when a record names
        something unknown, or when a value is larger than `max_value_size`.
        """

    @abstractmethod
    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:
        """The newest evaluation of each hash that is known. Any number of hashes may be asked for, here and below."""

    @abstractmethod
    def find_calls(self, eval_hashes: Sequence[bytes], context_hash: bytes) -> dict[bytes, list[CallHit]]:
        """The successful completed calls of each evaluation hash under this context (empty for none), newest first.

        At least the newest `MOST_CALLS` of each: an earlier one is what fits after an edit below it was taken back.
        """

    @abstractmethod
    def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        """The values that are known, by hash. What is missing or damaged is left out, with a warning in the log."""

    @abstractmethod
    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:
        """The task sets that are known, by hash."""

    def extend_job(self, execution_id: str, number: int) -> int | None:  # noqa: ARG002 - for who supports it
        """Let another scheduler add jobs below a job of an execution: what `Scheduler.extend_run` asks for.

        The number after which `EXTENSION` job numbers are given to nobody else, however many processes ask at once; a
        multiple of `EXTENSION`. None when there is no such job.

        Raises `BackendError`, also where the backend does not support extensions.
        """
        raise BackendError(f"{type(self).__name__} does not let another scheduler add jobs to an execution")

    # -- handles ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def find_valid_handles(self, states: Sequence[bytes]) -> set[bytes]:
        """Those of these states of handles that are recorded, and valid."""

    @abstractmethod
    def handle_branches(self, states: Sequence[bytes]) -> dict[bytes, dict[bytes, HandleStep]]:
        """For each state of a handle that has any: the forks of it and what it was merged into, and which of these."""

    @abstractmethod
    def roll_back(self, states: Sequence[bytes]) -> set[bytes]:
        """Make these states of handles invalid, and every valid state that came out of them, in one transaction.

        What came out of a state below them that was invalid already is left as it is. Returns the states that it met,
        valid or not; unknown ones are left out.
        """

    # -- questions ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def find_ids(self, prefix: str, limit: int = 20) -> list[EntityRef]:
        """What an id prefix may name: executions (by UUID), calls, tasks and values (by hex hash)."""

    @abstractmethod
    def executions(self, *, limit: int, skip: int = 0) -> list[ExecutionRecord]:
        """Executions, newest first."""

    @abstractmethod
    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution by its full id."""

    @abstractmethod
    def task_counts(self, execution_id: str) -> list[TaskCount]:
        """How many jobs of each task are in each state. Costs no more for a large execution than for a small one."""

    @abstractmethod
    def jobs(self, execution_id: str, *, parent: int | None = None, after: int = 0, limit: int = 1000) -> list[JobRow]:
        """A page of an execution's jobs with numbers above `after`, by number; with `parent`, only its children."""

    @abstractmethod
    def job(self, execution_id: str, number: int) -> JobRow | None:
        """One job."""

    @abstractmethod
    def call(self, call_hash: bytes) -> CallRecord | None:
        """One completed call."""

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        """The completed calls that are known, by hash. A backend that can ask for many at once does better."""
        found = ((call_hash, self.call(call_hash)) for call_hash in dict.fromkeys(call_hashes))
        return {call_hash: record for call_hash, record in found if record is not None}

    @abstractmethod
    def jobs_of_call(self, call_hash: bytes, limit: int = 20) -> list[JobRow]:
        """The jobs that made this call, newest first."""

    @abstractmethod
    def calls_with_result(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        """The calls whose result is this value, or holds it as one of its children."""

    @abstractmethod
    def calls_with_argument(self, value_hash: bytes, limit: int = 20) -> list[CallRecord]:
        """The calls that took this value, or a container of it, as an argument."""

    @abstractmethod
    def task(self, task_hash: bytes) -> TaskRecord | None:
        """One version of a task."""

    @abstractmethod
    def tasks_named(self, full_name: str, limit: int = 20) -> list[TaskRecord]:
        """The versions of a task, newest first. A name without namespace finds it in every namespace."""

    @abstractmethod
    def jobs_of_task(self, task_hash: bytes, limit: int = 20) -> list[JobRow]:
        """The jobs of one version of a task, newest first."""

    @abstractmethod
    def files(self, path: str, limit: int = 100) -> list[FileRow]:
        """The recorded states of the file at exactly this path, newest first."""

    @abstractmethod
    def tags(self, kind: EntityKind, entity_ids: Iterable[str]) -> Mapping[str, list[TagRecord]]:
        """The tags of some things of one kind, by their id."""


RedunBackend = Backend
"""The name that workflows know the interface by."""


def __getattr__(name: str) -> Any:
    if name != "TagEntity":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from redun.backends.tag_entity import TagEntity

    return TagEntity
