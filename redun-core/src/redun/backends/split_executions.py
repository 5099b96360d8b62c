"""Executions that went on in two repositories, each without knowing of the other.

Jobs are numbered as they begin, so that a copy and its original agree on what a number means, and what either has more
than the other adds up. Where both sides have gone on by themselves, one number stands for two jobs. Mixing these would
make a tree of jobs that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from redun.backends.parts import Synchronized
    from redun.backends.records import JobRecord

_PAGE = 5000


class SplitExecutionError(BackendError):
    """An execution was not copied, because both sides have other jobs in it. Everything else was."""

    def __init__(self, message: str, counts: Counter[str]) -> None:
        super().__init__(message)
        self.counts = counts
        """How many records of each kind were copied all the same."""


def split_at(source: Synchronized, target: Synchronized, execution_id: str) -> tuple[JobRecord, JobRecord] | None:
    """The first job of an execution that both have, but not the same one, as each has it; None where they agree."""
    after = 0
    while True:
        ours = [job for job, _ in source.job_records(execution_id, after=after, limit=_PAGE)]
        theirs = [job for job, _ in target.job_records(execution_id, after=after, limit=_PAGE)]
        found = _first_other(ours, theirs)
        if found is not None:
            return found
        ends = [page[-1].number for page in (ours, theirs) if len(page) == _PAGE]
        if not ends or not ours or not theirs:
            return None
        after = min(ends)


def first_other_job(target: Synchronized, jobs: Sequence[JobRecord]) -> tuple[JobRecord, JobRecord] | None:
    """The first of some jobs of one execution, in order, in whose place a repository has another one; with that one."""
    for page in _pages_around(target, jobs):
        found = _first_other(jobs, page)
        if found is not None:
            return found
    return None


def known_jobs(target: Synchronized, jobs: Sequence[JobRecord]) -> list[JobRecord]:
    """What a repository has in the places of some jobs of one execution, in order."""
    numbers = {job.number for job in jobs}
    return [job for page in _pages_around(target, jobs) for job in page if job.number in numbers]


def _pages_around(target: Synchronized, jobs: Sequence[JobRecord]) -> Iterator[list[JobRecord]]:
    """What a repository has from the first to the last of some jobs of one execution, in order."""
    after, last = jobs[0].number - 1, jobs[-1].number
    while after < last:
        page = [job for job, _ in target.job_records(jobs[0].execution_id, after=after, limit=min(_PAGE, last - after))]
        if not page:
            return
        yield [job for job in page if job.number <= last]
        after = page[-1].number


def _first_other(ours: Sequence[JobRecord], theirs: Sequence[JobRecord]) -> tuple[JobRecord, JobRecord] | None:
    known = {job.number: job for job in theirs}
    for job in ours:
        other = known.get(job.number)
        if other is not None and not _may_be_same(job, other):
            return job, other
    return None


def _may_be_same(job: JobRecord, other: JobRecord) -> bool:
    # Not by their times: where both have made the same call there, they agree on the tree. What a job evaluates is sure
    # when it has ended: before, its arguments may still be missing.
    have_ended = job.call_hash is not None and other.call_hash is not None
    is_same_place = (job.parent, job.task_hash) == (other.parent, other.task_hash)
    return is_same_place and (not have_ended or job.eval_hash == other.eval_hash)
