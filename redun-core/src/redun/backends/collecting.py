"""Collects executions with all that they need, as batches that can be recorded elsewhere one after the other.

After each batch the other side is whole: nothing that it was sent names anything that it has not got. An execution that
is sent in several batches is shown as running there until the last one, so that a copy that was interrupted is known as
such, and the next one goes on from what has arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.handle_copies import handle_batch
from redun.backends.positions import Positions, pages_of, parts
from redun.backends.records import EntityKind, RecordBatch, Status, TaskSetRecord
from redun.backends.tag_copies import tags_to_tell
from redun.backends.value_copies import ValueCopies
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.base import Backend
    from redun.backends.holders import Holder
    from redun.backends.records import CallRecord, ExecutionRecord, JobRecord
    from redun.backends.sync import ExecutionState

CALLS = 1000
"""Calls to send together, unless more of them name each other."""
JOBS = 5000
"""Jobs to send together."""

_REUSABLE = frozenset({Status.DONE, Status.CACHED})

_Jobs = list[tuple["JobRecord", "int | None"]]


class Collector:
    """Collects from one repository what somebody else has not got."""

    def __init__(self, source: Backend, other: Holder) -> None:
        self._source = source
        self._other = other
        self._values = ValueCopies(source, other)
        self._sent = Positions()
        self._known_tasks: set[bytes] = set()
        self._known_task_sets: set[bytes] = set()

    def collect(self, states: Sequence[ExecutionState]) -> Iterator[RecordBatch]:
        """Everything about these executions that the other side lacks."""
        if not states:
            return
        batch = handle_batch(self._source, self._other)
        if batch is not None:
            yield batch
        group: list[str] = []
        jobs = 0
        for state in states:
            if group and jobs + state.jobs > JOBS:
                yield from self._group(group)
                group, jobs = [], 0
            group.append(state.id)
            jobs += state.jobs
        yield from self._group(group)

    def tagged_values(self, after: int = 0) -> Iterator[RecordBatch]:
        """The values to which tags were added, also those that no call names: one that was returned within a list.

        after: the position of a tag after which to look.
        """
        while page := self._source.tags_since(after):
            after = page[-1].position
            ids = {row.tag.entity_id for row in page if row.tag.entity_kind is EntityKind.VALUE}
            batch = RecordBatch()
            tagged = self._source.tags(EntityKind.VALUE, sorted(ids)) if ids else {}
            yield from self._values.add(batch, [bytes.fromhex(each) for each, tags in tagged.items() if tags], {})
            yield batch

    def _group(self, execution_ids: Sequence[str]) -> Iterator[RecordBatch]:
        # Before the jobs are read: what ends meanwhile is sent by the next copy.
        executions = [each for each in map(self._source.execution, execution_ids) if each is not None]
        wanted = Positions()
        kept: dict[str, _Jobs] = {}
        for execution in executions:
            for number, page in enumerate(self._pages_of_jobs(execution.id)):
                for _, position in page:
                    if position is not None:
                        wanted.add(position)
                if number == 0 and len(page) < JOBS:
                    kept[execution.id] = page
        yield from self._calls(wanted)
        yield from self._jobs(executions, kept, wanted)

    def _pages_of_jobs(self, execution_id: str) -> Iterator[_Jobs]:
        after = 0
        is_full = True
        while is_full:
            page = self._source.job_records(execution_id, after=after, limit=JOBS)
            if page:
                yield page
                after = page[-1][0].number
            is_full = len(page) == JOBS

    # -- calls --------------------------------------------------------------------------------------------------------

    def _calls(self, wanted: Positions) -> Iterator[RecordBatch]:
        """The calls at some positions, and those that they name, each after these or together with them."""
        missing, spans = self._missing_calls(wanted)
        for page in pages_of(missing, spans, CALLS):
            calls, small = self._source.calls_at(page)
            batch = RecordBatch(calls=calls)
            self._add_tasks(batch, {call.task_hash for call in calls}, {call.task_set_hash for call in calls})
            yield from self._values.add(batch, _values_of(calls), small)
            self._add_tags(batch, EntityKind.CALL, [call.call_hash.hex() for call in calls])
            yield batch
            for position in page:
                self._sent.add(position)

    def _missing_calls(self, wanted: Positions) -> tuple[Positions, list[tuple[int, int]]]:
        """The positions of calls that the other side lacks, among these and below; which of them name later ones."""
        missing, seen, spans = Positions(), Positions(), []
        frontier = [position for position in wanted if position not in self._sent]
        for position in frontier:
            seen.add(position)
        while frontier:
            below: list[int] = []
            for page in parts(frontier, CALLS):
                links = self._source.call_links(page)
                if len(links) < len(page):
                    raise BackendError("the repository was changed while it was read: something was removed. Try again")
                times = self._other.call_times([each.call_hash for each in links])
                for each in links:
                    if each.call_hash not in times or times[each.call_hash] < each.time:
                        missing.add(each.position)
                new = [each for each in links if each.call_hash not in times]
                named = self._source.call_positions(list({call for each in new for call in each.calls}))
                for each in new:
                    for position in (named[call] for call in each.calls if call in named):
                        if position > each.position:
                            spans.append((each.position, position))
                        if position not in self._sent and seen.add(position):
                            below.append(position)
            frontier = sorted(below)
        return missing, spans

    # -- jobs and executions ------------------------------------------------------------------------------------------

    def _jobs(
        self, executions: Sequence[ExecutionRecord], kept: dict[str, _Jobs], wanted: Positions
    ) -> Iterator[RecordBatch]:
        batch = RecordBatch()
        for execution in executions:
            pages = iter([kept[execution.id]]) if execution.id in kept else self._pages_of_jobs(execution.id)
            is_begun = execution.id in kept
            for page in pages:
                if not is_begun:
                    is_begun = True
                    self._begin(batch, execution)
                yield from self._add_jobs(batch, execution, page, wanted)
                if execution.id not in kept:
                    yield batch
                    batch = RecordBatch()
            batch.executions.append(execution)
            self._add_tags(batch, EntityKind.EXECUTION, [execution.id])
        yield batch

    def _begin(self, batch: RecordBatch, execution: ExecutionRecord) -> None:
        """An execution whose jobs come in several batches: until the last one it is there as one that runs."""
        if self._other.execution(execution.id) is None:
            started = execution.start_time
            batch.executions.append(execution._replace(status=Status.RUNNING, updated_time=started, end_time=None))

    def _add_jobs(
        self, batch: RecordBatch, execution: ExecutionRecord, page: _Jobs, wanted: Positions
    ) -> Iterator[RecordBatch]:
        ended = self._other.ended_jobs(execution.id, [job.number for job, _ in page])
        jobs = [
            # Its call came after the calls were read: for this copy it still runs.
            job if position is None or position in wanted else _still_running(job)
            for job, position in page
            if job.number not in ended
        ]
        batch.jobs += jobs
        evaluations = self._source.open_evaluations([job.eval_hash for job in jobs if job.status not in _REUSABLE])
        known = self._other.find_evaluations([each.eval_hash for each in evaluations])
        evaluations = [e for e in evaluations if e.eval_hash not in known or known[e.eval_hash].raw_hash != e.raw_hash]
        batch.evaluations += evaluations
        self._add_tasks(batch, {job.task_hash for job in jobs} | {each.task_hash for each in evaluations}, set())
        yield from self._values.add(batch, {each.raw_hash for each in evaluations}, {})
        self._add_tags(batch, EntityKind.JOB, [f"{job.execution_id}.{job.number}" for job in jobs])

    # -- what records name --------------------------------------------------------------------------------------------

    def _add_tasks(self, batch: RecordBatch, task_hashes: set[bytes], set_hashes: set[bytes]) -> None:
        new_sets = sorted(set_hashes - self._known_task_sets)
        self._known_task_sets |= set_hashes
        members = self._source.load_task_sets(new_sets)
        known = self._other.load_task_sets(new_sets) if new_sets else {}
        batch.task_sets += [
            TaskSetRecord(each, tuple(sorted(members[each])))
            for each in new_sets
            if each in members and each not in known
        ]
        named = task_hashes.union(*members.values())
        new = []
        for task_hash in sorted(named - self._known_tasks):
            self._known_tasks.add(task_hash)
            task = self._source.task(task_hash)
            if task is not None and self._other.task(task_hash) is None:
                new.append(task)
        batch.tasks += new
        self._add_tags(batch, EntityKind.TASK, [task.hash.hex() for task in new])

    def _add_tags(self, batch: RecordBatch, kind: EntityKind, entity_ids: Sequence[str]) -> None:
        batch.tags += tags_to_tell(self._source, self._other, kind, entity_ids)


def _still_running(job: JobRecord) -> JobRecord:
    return job._replace(call_hash=None, status=Status.RUNNING, end_time=None)


def _values_of(calls: Iterable[CallRecord]) -> set[bytes]:
    found: set[bytes] = set()
    for call in calls:
        found.add(call.value_hash)
        if call.raw_hash is not None:
            found.add(call.raw_hash)
        if call.context_hash:
            found.add(call.context_hash)
        found.update(argument.value_hash for argument in call.arguments)
    return found
