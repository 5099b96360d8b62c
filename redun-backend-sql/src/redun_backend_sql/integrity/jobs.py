"""Executions, their jobs, and the counts of these."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from redun.backends.records import Status

from redun_backend_sql.integrity.problem import Problem, unless_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection

_STATUSES = ", ".join(str(int(status)) for status in Status)
_FINISHED = f"{int(Status.DONE)}, {int(Status.CACHED)}, {int(Status.FAILED)}"

# The first condition that holds says what is wrong with a job.
_JOBS = f"""
    SELECT uuid, number, what FROM (
    SELECT coalesce(execution.uuid, 'execution ' || job.execution_id) AS uuid, job.number, CASE
        WHEN job.status NOT IN ({_STATUSES})
            THEN 'its status ' || job.status || ' means nothing'
        WHEN job.status = {int(Status.RUNNING)} AND execution.status <> {int(Status.RUNNING)}
            THEN 'it still runs, although its execution has ended'
        WHEN job.status = {int(Status.RUNNING)} AND job.end_time IS NOT NULL
            THEN 'it still runs, although it has an end'
        WHEN job.status <> {int(Status.RUNNING)} AND job.end_time IS NULL
            THEN 'it has ended, and nothing says when'
        WHEN job.end_time < job.start_time
            THEN 'it has ended before it began'
        WHEN job.status IN ({_FINISHED}) AND job.call_id IS NULL
            THEN 'it has ended, and names no call'
        WHEN job.call_id IS NULL AND job.eval_hash IS NULL
            THEN 'it names neither a call nor an evaluation'
        WHEN call.id IS NOT NULL AND call.call_hash IS NULL
            THEN 'it names a call that has not ended'
        WHEN call.task_id <> job.task_id
            THEN 'it names a call of another task'
        WHEN call.id IS NOT NULL AND job.eval_hash <> call.eval_hash
            THEN 'its evaluation is not that of its call'
        WHEN length(job.eval_hash) <> 20
            THEN 'its evaluation has a hash of ' || length(job.eval_hash) || ' bytes'
        WHEN job.parent IS NOT NULL AND parent.number IS NULL
            THEN 'its parent, job ' || job.parent || ', is not there'
        END AS what
    FROM job
    LEFT JOIN execution ON execution.id = job.execution_id
    LEFT JOIN call ON call.id = job.call_id
    LEFT JOIN job AS parent ON parent.execution_id = job.execution_id AND parent.number = job.parent
    ) AS looked_at WHERE what IS NOT NULL
"""  # noqa: S608 - numbers of our own

_BACKWARDS = """
    SELECT job.execution_id, execution.uuid, number FROM job JOIN execution ON execution.id = job.execution_id
    WHERE parent >= number
"""
_PARENT = "SELECT parent FROM job WHERE execution_id = ? AND number = ?"

_COUNTS = """
    SELECT execution_id, task_id, status, sum(jobs), sum(counted) FROM (
        SELECT execution_id, task_id, status, count(*) AS jobs, 0 AS counted FROM job
        GROUP BY execution_id, task_id, status
        UNION ALL
        SELECT execution_id, task_id, status, 0, count FROM job_count
    ) AS both_ways GROUP BY execution_id, task_id, status HAVING sum(jobs) <> sum(counted)
"""


def broken_executions(connection: Connection) -> Iterator[Problem]:
    """Executions that contradict themselves."""
    rows = connection.execute("SELECT uuid, args, status, start_time, updated_time, end_time FROM execution")
    for uuid, args, status, *times in rows:
        where = f"execution {uuid}"
        yield from unless_unreadable(_problems(args, status, times, where), where)


def _problems(args: str, status: int, times: list[Any], where: str) -> Iterator[Problem]:
    start, updated, end = times
    try:
        words = json.loads(args)
    except (ValueError, TypeError):
        words = None
    if not isinstance(words, list):
        yield Problem("its command line is not a list in JSON", where)
    if status not in set(Status):
        yield Problem(f"its status {status} means nothing", where)
    elif (status == Status.RUNNING) != (end is None):
        yield Problem("it runs, and has an end" if end is not None else "it has ended, and nothing says when", where)
    if updated < start or (end is not None and end < start):
        yield Problem("it has ended, or was last heard of, before it began", where)


def broken_jobs(connection: Connection) -> Iterator[Problem]:
    """Jobs that contradict themselves, their execution, their call or their parent."""
    for uuid, number, what in connection.execute(_JOBS):
        yield Problem(what, f"job {uuid}.{number}")
    yield from _circles(connection)


def _circles(connection: Connection) -> Iterator[Problem]:
    """Jobs that are above themselves. In each such circle one comes after the one that it says is its parent."""
    known: set[tuple[int, int]] = set()
    for execution_id, uuid, number in connection.execute(_BACKWARDS).fetchall():
        above: list[tuple[int, int]] = []
        job: tuple[int, int] | None = (execution_id, number)
        while job is not None and job not in known:
            known.add(job)
            above.append(job)
            row = connection.execute(_PARENT, job).fetchone()
            job = None if row is None or row[0] is None else (execution_id, row[0])
        if job in above:
            yield Problem(f"it is above itself: its parent, job {above[-1][1]}, is below it", f"job {uuid}.{job[1]}")


def broken_counts(connection: Connection) -> Iterator[Problem]:
    """Summaries that do not agree with the jobs."""
    for execution_id, task_id, status, jobs, counted in connection.execute(_COUNTS):
        where = f"table job_count, execution {execution_id}, task {task_id}, status {status}"
        yield Problem(f"counts {counted} jobs, and there are {jobs}", where)
