"""Recording as group commit: what happened is collected, and written in one transaction now and then.

What a crash loses is computed again, never wrong: values are bytes by the time they come here, and a batch is written
in one transaction that holds every value its evaluations refer to.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from redun.backends.records import (
    CallRecord,
    EntityKind,
    EvaluationRecord,
    ExecutionRecord,
    HandleEdge,
    HandleRecord,
    JobRecord,
    RecordBatch,
    Status,
    TagRecord,
    TaskRecord,
    TaskSetRecord,
    ValueRecord,
)
from redun.scheduler.extension import WHOLE_EXECUTION
from redun.scheduler.prepared import UNFINISHED
from redun.tags import check_tags
from redun.value import each_inside

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.scheduler.extension import Extension
    from redun.scheduler.job import Job
    from redun.scheduler.prepared import PreparedTask, TaskSet
    from redun.value import EncodedValue

MOST_RECORDS = 5_000
MOST_BYTES = 64_000_000
LONGEST_DELAY = 0.1
"""Seconds that a record waits at most, as long as the run is not computing in its own thread."""
BESIDE_SOURCE = "redun.hashed"
"""Key of the tag of a version of a task that says what else than its text is in its hash."""
HEARTBEAT = 10.0
"""Seconds between signs of life in the execution's row."""


class Recorder:
    """Collects the records of one execution and hands them to the backend in batches."""

    def __init__(self, backend: Backend, execution: ExecutionRecord, extension: Extension = WHOLE_EXECUTION) -> None:
        self._backend = backend
        self._parent, self._start = extension
        self._batch = RecordBatch()
        self._bytes = 0
        self._deadline: float | None = None
        self._started: list[Job] = []
        self._running: dict[int, Job] = {}
        self._last_heartbeat = 0.0
        self.execution = execution
        self.max_value_size = backend.max_value_size

    # -- collecting ---------------------------------------------------------------------------------------------------

    def value(self, encoded: EncodedValue) -> None:
        """A value and what is inside it."""
        self._bytes += len(encoded.data)
        if not encoded.children:
            self._batch.values.append(ValueRecord(*encoded[:4], (), encoded.path))
            return
        self._bytes -= len(encoded.data)
        for each in each_inside(encoded):
            self._bytes += len(each.data)
            hashes = tuple(child.hash for child in each.children)
            self._batch.values.append(ValueRecord(*each[:4], hashes, each.path))

    def started(self, job: Job) -> None:
        """A job runs. It gets a row only if it still does when the next batch is written."""
        self._started.append(job)

    def evaluation(self, job: Job) -> None:
        """What a body returned, while the calls in it are still to be made."""
        assert job.raw_hash is not None
        self._batch.evaluations.append(
            EvaluationRecord(job.eval_hash, job.info.hash, job.args_hash, job.raw_hash, time.time())
        )

    def call(self, job: Job, call_hash: bytes, value_hash: bytes, tasks: TaskSet, is_error: bool) -> None:
        """A call that has come to its end."""
        for encoded in job.new_values:
            self.value(encoded)
        context = job.context
        if not context.is_recorded and context.encoded is not None:
            context.is_recorded = True
            self.value(context.encoded)
        self.tasks(job.info, tasks)
        children = tuple([child for _, child in sorted(job.children)]) if job.children else ()
        self._batch.calls.append(
            CallRecord(
                call_hash,
                job.eval_hash,
                job.info.hash,
                job.args_hash,
                job.context.hash,
                job.recorded_arguments,
                None if is_error else job.raw_hash,
                value_hash,
                is_error,
                children,
                tasks.hash,
                job.end_time,
            )
        )

    def tasks(self, info: PreparedTask, tasks: TaskSet) -> None:
        """A task and a task set, once each."""
        if not info.record_written:
            info.record_written = True
            task = info.task
            self._batch.tasks.append(TaskRecord(info.hash, task.name, task.namespace, task.version, task.source))
            for key, value in check_tags(info.declared_options.get("tags")):
                self.tag(TagRecord(EntityKind.TASK, info.hash.hex(), key, value))
            beside = task.beside_source()
            if beside:
                self.tag(TagRecord(EntityKind.TASK, info.hash.hex(), BESIDE_SOURCE, beside))
        if not tasks.is_recorded:
            tasks.is_recorded = True
            if UNFINISHED in tasks.members:
                self._batch.tasks.append(TaskRecord(UNFINISHED, "unfinished", "redun", None, ""))
            self._batch.task_sets.append(TaskSetRecord(tasks.hash, tuple(sorted(tasks.members))))

    def finished(self, job: Job, call_hash: bytes | None) -> None:
        """A job has come to its end."""
        if job.is_written:
            self._running.pop(job.number, None)
        self._job_row(job, call_hash, job.status, job.end_time)
        for key, value in job.options.tags:
            self.tag(TagRecord(EntityKind.JOB, job.name, key, value))

    def _job_row(self, job: Job, call_hash: bytes | None, status: Status, end_time: float | None) -> None:
        parent = job.parent
        self._batch.jobs.append(
            JobRecord(
                self.execution.id,
                job.number + self._start,
                parent.number + self._start if parent is not None and parent.number else self._parent,
                job.info.hash,
                job.eval_hash,
                call_hash,
                status,
                job.start_time,
                # The clock may have been put back meanwhile.
                None if end_time is None else max(end_time, job.start_time),
                job.executor_name,
                job.attempt,
                job.options.hash,
            )
        )

    def tag(self, record: TagRecord) -> None:
        """A tag."""
        self._batch.tags.append(record)

    def handle(self, record: HandleRecord) -> None:
        """A state of a handle."""
        self._batch.handles.append(record)

    def handle_edge(self, edge: HandleEdge) -> None:
        """That one state of a handle came out of another."""
        self._batch.handle_edges.append(edge)

    # -- writing ------------------------------------------------------------------------------------------------------

    @property
    def is_due(self) -> bool:
        """Whether enough has been collected, or has waited long enough."""
        count = len(self._batch.jobs) + len(self._batch.evaluations)
        if count >= MOST_RECORDS or self._bytes >= MOST_BYTES:
            return True
        if not count and not self._started:
            return False
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + LONGEST_DELAY
        return now >= self._deadline

    @property
    def seconds_left(self) -> float | None:
        """How long the run may sleep before it has to write; None when nothing is waiting."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def flush(self) -> None:
        """Write everything that was collected."""
        self._write_running()
        self._beat()
        if self._batch != _EMPTY:
            self._backend.record(self._batch)
        # Only now: what could not be written is written with the next batch, and writing twice does no harm.
        self._batch = RecordBatch()
        self._bytes, self._deadline = 0, None

    def _write_running(self) -> None:
        started, self._started = self._started, []
        for job in started:
            if not job.is_finished:
                self.tasks(job.info, job.info.own_tasks)
                self._job_row(job, None, Status.RUNNING, None)
                job.is_written = True
                self._running[job.number] = job

    def _beat(self) -> None:
        if self._parent is not None:
            return  # the execution's row belongs to the scheduler that has begun it
        now = time.monotonic()
        if not self._last_heartbeat or now - self._last_heartbeat >= HEARTBEAT:
            self._last_heartbeat = now
            self.execution = self.execution._replace(updated_time=self._moment())
            self._batch.executions.append(self.execution)

    def _moment(self) -> float:
        """Now, but never before the last sign of life: the record with the latest one counts as the newest."""
        return max(time.time(), self.execution.updated_time)

    def finish(self, status: Status) -> None:
        """Write the end of the execution, and of the jobs that it leaves behind."""
        now = self._moment()
        self._started = [job for job in self._started if not job.is_finished]
        for job in [*self._running.values(), *self._started]:
            self.tasks(job.info, job.info.own_tasks)
            self._job_row(job, None, Status.CANCELLED, now)
        self._started = []
        self._running.clear()
        if self._parent is None:
            self.execution = self.execution._replace(status=status, updated_time=now, end_time=now)
            self._batch.executions.append(self.execution)
        self.flush()


_EMPTY = RecordBatch()
