"""The parts of the backend interface that no run needs: search, copies, lineage, maintenance, versions of the schema.

Their records, and what each promises, stand in the module of each part. Nothing is imported here, because every run
imports the interface. By default a part is not supported, so that backends may be without it.
"""

# ruff: noqa: ARG002 - the arguments are for backends that have the part

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.lineage import ValueLinks
    from redun.backends.maintenance import Flaw, Garbage, RepositoryStats
    from redun.backends.records import (
        CallRecord,
        EntityKind,
        EvaluationRecord,
        ExecutionRecord,
        FileRow,
        HandleEdge,
        HandleRecord,
        JobRecord,
        JobRow,
        TagRecord,
        TaskRecord,
    )
    from redun.backends.schema_versions import SchemaChange, SchemaInfo
    from redun.backends.search import Kind, Query, TagChanges, TagCount, TagEdit, ValueRow
    from redun.backends.sync import CallLinks, CallsAt, ExecutionState, TagRow, ValueOutline

MOST_JOBS_OF_CALL = 1000
"""How many jobs of a call are looked at for one that ran: so many that it takes a moment."""
GRACE = 3600.0
"""Seconds for which nothing that is new counts as garbage, unless somebody says otherwise."""


def nothing_told(stage: str) -> None:
    """Tell nobody about the progress of something."""


class Search:
    """The part of a backend that searches. Every method raises `BackendError` where the backend lacks this part."""

    def search_executions(self, query: Query) -> Iterator[ExecutionRecord]:
        """Executions, newest first."""
        raise self._cannot_search()

    def search_jobs(self, query: Query) -> Iterator[JobRow]:
        """Jobs, newest executions first, and the last job of each first."""
        raise self._cannot_search()

    def search_calls(self, query: Query) -> Iterator[CallRecord]:
        """Completed calls, newest first; one that was made under several contexts once."""
        raise self._cannot_search()

    def search_tasks(self, query: Query) -> Iterator[TaskRecord]:
        """Versions of tasks, newest first."""
        raise self._cannot_search()

    def search_values(self, query: Query) -> Iterator[ValueRow]:
        """Values. Newest first where a backend keeps them in that order; small ones may come after all others."""
        raise self._cannot_search()

    def search_files(self, query: Query) -> Iterator[FileRow]:
        """Files and directories, each path once, with the newest of its states that the query lets through.

        By path; where the query asks something of jobs or tags, in the order in which these are met.
        """
        raise self._cannot_search()

    def count(self, kind: Kind, query: Query) -> int:
        """How many things a search would give."""
        return sum(1 for _ in self.search(kind, query))

    def search(self, kind: Kind, query: Query) -> Iterator[Any]:
        """One of the searches above."""
        return getattr(self, f"search_{kind.value}s")(query)  # type: ignore[no-any-return]

    def tag_counts(self, key: str | None = None) -> list[TagCount]:
        """How often each key is used, for each kind of thing; with a key, how often each of its values. Sorted."""
        raise self._cannot_search()

    def edit_tags(self, edits: Sequence[TagEdit]) -> TagChanges:
        """Change tags, all edits in one transaction. What is removed is kept, marked as no longer current."""
        raise self._cannot_search()

    def _cannot_search(self) -> BackendError:
        return BackendError(f"{type(self).__name__} does not support searching and changing tags")


class Synchronized:
    """The part of a backend that copies records, and says which it has. Any number of things may be asked about."""

    # -- what there is to copy ----------------------------------------------------------------------------------------

    def execution_states(self, execution_ids: Sequence[str] | None = None) -> list[ExecutionState]:
        """How much is known of each of these executions, or of all, oldest first; unknown ones are left out."""
        self._cannot_copy()

    def job_records(
        self,
        execution_id: str,
        *,
        after: int = 0,
        limit: int = 1000,
    ) -> list[tuple[JobRecord, int | None]]:
        """A page of an execution's jobs with numbers above `after`, by number, with the positions of their calls."""
        self._cannot_copy()

    def call_positions(self, call_hashes: Sequence[bytes]) -> dict[bytes, int]:
        """Where those of these calls are that are known."""
        self._cannot_copy()

    def call_links(self, positions: Sequence[int]) -> list[CallLinks]:
        """What the calls at these positions name, in any order."""
        self._cannot_copy()

    def calls_at(self, positions: Sequence[int]) -> CallsAt:
        """The calls at these positions, in any order."""
        self._cannot_copy()

    def open_evaluations(self, eval_hashes: Sequence[bytes]) -> list[EvaluationRecord]:
        """The evaluations with these hashes that no completed call has taken the place of."""
        self._cannot_copy()

    def value_outlines(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueOutline]:
        """What is known of these values. Small ones without children may be left out, as are unknown ones."""
        self._cannot_copy()

    def handles(self, *, after: int = 0, limit: int = 5000) -> list[tuple[int, HandleRecord]]:
        """A page of all states of handles with numbers above `after`, by number, with these numbers."""
        self._cannot_copy()

    def handle_edges(self, parents: Sequence[bytes]) -> list[HandleEdge]:
        """How other states of handles came out of these."""
        self._cannot_copy()

    def tags_since(self, position: int, limit: int = 5000) -> list[TagRow]:
        """A page of the tags that were added or removed after a position, in that order; one may come repeatedly."""
        self._cannot_copy()

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:
        """All tags that some things of one kind have or once had, by their id, each with its number of `edits`."""
        self._cannot_copy()

    # -- what is there already ----------------------------------------------------------------------------------------

    def ended_jobs(self, execution_id: str, numbers: Sequence[int]) -> set[int]:
        """Those of these jobs that are known to have ended."""
        self._cannot_copy()

    def call_times(self, call_hashes: Sequence[bytes]) -> dict[bytes, float]:
        """When each of these completed calls was last seen; unknown ones are left out."""
        self._cannot_copy()

    def missing_values(self, value_hashes: Sequence[bytes]) -> set[bytes]:
        """Those of these values that are not known."""
        self._cannot_copy()

    # -- between two --------------------------------------------------------------------------------------------------

    def is_same_store(self, other: object) -> bool:
        """Whether another backend keeps its records in the same place as this one."""
        return self is other

    def store_name(self) -> str:
        """A name for where the records are kept that no other place has; empty where there is none."""
        return ""

    def sync_point(self, source: str) -> str:
        """What was last noted about copies from a source; empty for nothing."""
        return ""

    def note_sync_point(self, source: str, point: str) -> None:
        """Note how far copies from a source have come, for the next one. Forgetting it costs time, and nothing else.

        source: a name for the source that no other one has.
        """

    def _cannot_copy(self) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support copies from one repository to another")


class Lineage:
    """The part of a backend that knows what came before a call, and what a value holds."""

    def calls_of_evaluation(self, eval_hash: bytes, limit: int = 20) -> list[CallRecord]:
        """The completed calls of an evaluation, failed ones as well and under any context, newest first."""
        self._refuse("the calls of an evaluation")

    def jobs_of_call_before(self, call_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        """The jobs that made a call before a job did, newest first.

        Before it are the jobs of earlier executions, and those of lower numbers in its own.
        """
        self._refuse("the jobs before another")

    def jobs_of_task_before(self, task_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:
        """The jobs of one version of a task before a job, newest first."""
        self._refuse("the jobs before another")

    def newest_jobs_of_calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, JobRow]:
        """Of each of these calls the newest job that made it, rather one that ran than one that had it from the cache.

        Where the newest `MOST_JOBS_OF_CALL` had it from the cache, the newest of these. Calls without jobs are left
        out.
        """
        from redun.backends.records import Status

        found: dict[bytes, JobRow] = {}
        for each in dict.fromkeys(call_hashes):
            jobs = self.jobs_of_call(each, MOST_JOBS_OF_CALL)
            ran = (job for job in jobs if job.status is not Status.CACHED)
            if jobs:
                found[each] = next(ran, jobs[0])
        return found

    if TYPE_CHECKING:

        def jobs_of_call(self, call_hash: bytes, limit: int = 20) -> list[JobRow]: ...  # noqa: D102 - see `Backend`

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:
        """Where files are and what values hold, by hash. Values of which neither can be said may be left out.

        A backend without this leaves out all of them: derivations end at values that are inside of others.
        """
        return {}

    def options_hashes(self, execution_id: str, numbers: Sequence[int]) -> dict[int, bytes]:
        """The hashes of the options of some jobs, by number; jobs that had none, or are unknown, are left out."""
        self._refuse("the options of a job")

    def _refuse(self, what: str) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support this question: {what}")


class Maintenance:
    """The part of a backend that keeps the repository small and whole.

    A collection removes executions, with everything that only they need, and what nothing refers to. What runs
    meanwhile loses nothing: executions that run are never removed, nor is what they may still come to use. Should a
    collection be killed, the repository is whole, and the next one goes on from there.
    """

    def stats(self, largest: int = 10) -> RepositoryStats:
        """What the repository holds, with its largest values.

        Raises `BackendError` when it cannot be read, and where it is not supported; so do the others.
        """
        self._cannot_maintain("statistics")

    def plan_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        """What a collection would remove. Nothing is changed.

        executions: full ids of those to remove, with what only they need; empty for what nothing refers to.
        grace: seconds. What was recorded, or last heard of, within them stays.
        tell: is called with the name of each stage.
        """
        self._cannot_maintain("collecting garbage")

    def collect_garbage(
        self, executions: Sequence[str], grace: float = GRACE, tell: Callable[[str], None] = nothing_told
    ) -> Garbage:
        """Remove garbage, and say what. As for `plan_garbage`."""
        self._cannot_maintain("collecting garbage")

    def reclaim_space(self) -> int:
        """Give what is unused back to the filesystem, and say how many bytes that was. Others may have to wait."""
        self._cannot_maintain("giving back space")

    def flaws(self, tell: Callable[[str], None] = nothing_told) -> Iterator[Flaw]:
        """Everything that is wrong with the repository, as it is found: nothing, where it is whole."""
        self._cannot_maintain("being checked")

    def _cannot_maintain(self, what: str) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support {what}")


class SchemaVersions:
    """For backends whose repositories outlive a version of redun. By default nothing of it is supported."""

    def schema_info(self) -> SchemaInfo:
        """The version of the schema that is there, and those that are known. Nothing is changed.

        Raises `BackendVersionError` for a schema that is newer, and `BackendError` when there is no repository or it
        cannot be read.
        """
        raise self._without_versions()

    def upgrade_schema(self, to: int | None = None) -> SchemaChange:
        """Bring the schema up to a version, by default the latest; an empty database gets its tables.

        Raises `BackendError` for an unknown version, for one that is older, and when the schema cannot be changed.
        """
        raise self._without_versions()

    def downgrade_schema(self, to: int, *, force: bool = False) -> SchemaChange:
        """Bring the schema back to an earlier version.

        force: also where something is recorded that has no place there; it is lost.

        Raises `BackendError` for an unknown version, for one that is newer, and where something would be lost.
        """
        raise self._without_versions()

    def _without_versions(self) -> BackendError:
        return BackendError(f"{type(self).__name__} does not support versions of its schema")
