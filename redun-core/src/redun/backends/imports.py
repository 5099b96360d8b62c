"""Records from a file that may be wrong: each is checked before anything of its batch is recorded.

A value must be what its hash says, and so must a task set, an evaluation and a call; what a record names must be there.
Pickled values, those in a format of their class, and the sources of tasks cannot be checked that way: nothing is
unpickled here, but a workflow that finds such a value in the cache will load it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from redun.backends.contents import call_problem, content_problem, evaluation_problem, task_set_problem
from redun.backends.copying import CopyCount, count_records
from redun.backends.exchange import ExchangeError
from redun.backends.handle_copies import handles_to_tell
from redun.backends.records import (
    CallRecord,
    EvaluationRecord,
    ExecutionRecord,
    JobRecord,
    RecordBatch,
    Status,
    TaskSetRecord,
    ValueRecord,
)
from redun.backends.split_executions import first_other_job, known_jobs
from redun.backends.tag_copies import newer_tags
from redun.errors import BackendError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from redun.backends.base import Backend
    from redun.backends.exchange import Line, ReadBatch


def import_records(
    batches: Iterable[ReadBatch], target: Backend, name: str, progress: Callable[[Counter[str]], None] | None = None
) -> Counter[str]:
    """Record what the target lacks of some batches that were read from a file. How many records of each kind these are.

    name: what messages call the file.
    progress: is called now and then with how many records of each kind were recorded so far.

    Raises `ExchangeError` for a record that is not what its hash says or that names what is not there, with its line,
    and `BackendError` where the target refuses a batch. Batches before that one stay.
    """
    copied = CopyCount()
    for read in batches:
        for line in read.lines:
            problem = _problem(line.record)
            if problem is not None:
                raise ExchangeError(
                    f"{name}, line {line.number}: {_shown(line.record)}: {problem}. It is not imported."
                )
        _refuse_dangling(read, target, name)
        _refuse_other_jobs(read, target, name)
        new = _without_known(read.batch, target)
        if count_records(new).total():
            try:
                target.record(new)
            except BackendError as error:
                where = f"{name}, lines {read.lines[0].number} to {read.lines[-1].number}"
                raise BackendError(f"{where}: {error}") from error
        copied.add(new)
        if progress is not None:
            progress(copied.counts)
    return +copied.counts


def _problem(record: Any) -> str | None:
    if isinstance(record, ValueRecord):
        return content_problem(record.hash, record.type_name, record.codec, record.data)
    if isinstance(record, CallRecord):
        return call_problem(record)
    if isinstance(record, EvaluationRecord):
        return evaluation_problem(record)
    if isinstance(record, TaskSetRecord):
        return task_set_problem(record)
    if isinstance(record, (JobRecord, ExecutionRecord)) and (record.status is Status.RUNNING) != (
        record.end_time is None
    ):
        return "it runs and has an end, or it has ended and nothing says when"
    return None


def _shown(record: Any) -> str:
    kind = type(record).__name__.removesuffix("Record").lower()
    if isinstance(record, JobRecord):
        return f"job {record.execution_id}.{record.number}"
    first = record[0]
    return f"{kind} {first.hex() if isinstance(first, bytes) else first}"


# -- what records name ------------------------------------------------------------------------------------------------


def _refuse_dangling(read: ReadBatch, target: Backend, name: str) -> None:
    """Raise for a value or a call that is neither in the batch nor known; `record` itself looks after the rest."""
    batch = read.batch
    values, calls = _named_values(read.lines), _named_calls(read.lines)
    wanted_values = values.keys() - {value.hash for value in batch.values}
    wanted_calls = calls.keys() - {call.call_hash for call in batch.calls}
    missing_values = target.missing_values(list(wanted_values)) if wanted_values else set()
    missing_calls = wanted_calls - target.call_times(list(wanted_calls)).keys() if wanted_calls else set()
    for kind, missing, lines in (("value", missing_values, values), ("call", missing_calls, calls)):
        for each in sorted(missing, key=lambda each: lines[each].number)[:1]:
            line = lines[each]
            raise ExchangeError(
                f"{name}, line {line.number}: {_shown(line.record)}: it names the {kind} {each.hex()}, which is neither"
                " in the file up to here nor in this repository. It is not imported."
            )


def _refuse_other_jobs(read: ReadBatch, target: Backend, name: str) -> None:
    """Raise for a job in whose place the repository has another one."""
    by_execution: dict[str, list[JobRecord]] = {}
    for job in sorted(read.batch.jobs, key=lambda job: job.number):
        by_execution.setdefault(job.execution_id, []).append(job)
    for jobs in by_execution.values():
        other = first_other_job(target, jobs)
        if other is not None:
            number = next(line.number for line in read.lines if line.record is other[0])
            raise ExchangeError(
                f"{name}, line {number}: {_shown(other[0])} is another one in this repository: the execution went on "
                "in two repositories, each by itself. It is not imported."
            )


def _named_values(lines: Iterable[Line]) -> dict[bytes, Line]:
    named: dict[bytes, Line] = {}
    for line in lines:
        record = line.record
        if isinstance(record, CallRecord):
            raw = () if record.raw_hash is None else (record.raw_hash,)
            hashes: tuple[bytes, ...] = (record.value_hash, *raw, *(each.value_hash for each in record.arguments))
        elif isinstance(record, EvaluationRecord):
            hashes = (record.raw_hash,)
        elif isinstance(record, ValueRecord):
            hashes = record.children
        else:
            continue
        for each in hashes:
            named.setdefault(each, line)
    return named


def _named_calls(lines: Iterable[Line]) -> dict[bytes, Line]:
    named: dict[bytes, Line] = {}
    for line in lines:
        if isinstance(line.record, CallRecord):
            upstream = (each for argument in line.record.arguments for each in argument.upstream)
            for call_hash in (*line.record.children, *upstream):
                named.setdefault(call_hash, line)
    return named


# -- what is new ------------------------------------------------------------------------------------------------------


def _without_known(batch: RecordBatch, target: Backend) -> RecordBatch:
    """The records of a batch that tell the target something, with all values of new calls."""
    times = target.call_times([call.call_hash for call in batch.calls])
    missing = target.missing_values([value.hash for value in batch.values])
    sets = target.load_task_sets([each.hash for each in batch.task_sets])
    evaluations = target.find_evaluations([each.eval_hash for each in batch.evaluations])
    new = RecordBatch(
        tasks=[task for task in batch.tasks if target.task(task.hash) is None],
        task_sets=[each for each in batch.task_sets if each.hash not in sets],
        values=[value for value in batch.values if value.hash in missing],
        evaluations=[
            e
            for e in batch.evaluations
            if e.eval_hash not in evaluations or evaluations[e.eval_hash].raw_hash != e.raw_hash
        ],
        calls=[call for call in batch.calls if times.get(call.call_hash, -1.0) < call.time],
        handles=handles_to_tell({each.hash: each for each in batch.handles}, target),
    )
    states = {each.hash for each in new.handles}
    new.handle_edges = [edge for edge in batch.handle_edges if not states.isdisjoint(edge[:2])]
    _add_new_executions(new, batch, target)
    new.tags = newer_tags(batch.tags, target)
    return new


def _add_new_executions(new: RecordBatch, batch: RecordBatch, target: Backend) -> None:
    for execution in batch.executions:
        known = target.execution(execution.id)
        if known is None or (known.updated_time, known.status != Status.RUNNING) < (
            execution.updated_time,
            execution.status != Status.RUNNING,
        ):
            new.executions.append(execution)
    for execution_id in {job.execution_id for job in batch.jobs}:
        jobs = [job for job in batch.jobs if job.execution_id == execution_id]
        ended = target.ended_jobs(execution_id, [job.number for job in jobs])
        new.jobs += [job for job in jobs if job.number not in ended]
    new.jobs = _without_known_to_run(new.jobs, target)


def _without_known_to_run(jobs: list[JobRecord], target: Backend) -> list[JobRecord]:
    """Some jobs that have not ended in the target, without those that have not ended here either and are there."""
    running = sorted((job for job in jobs if job.status is Status.RUNNING), key=lambda job: job[:2])
    known = {
        other[:2]
        for _, group in groupby(running, key=lambda job: job.execution_id)
        for other in known_jobs(target, list(group))
    }
    return [job for job in jobs if job.status is not Status.RUNNING or job[:2] not in known]
