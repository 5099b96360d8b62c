"""Which job of a call is said to have made its result."""

from __future__ import annotations

from pathlib import Path

import pytest
from redun import File, Scheduler, task
from redun.backends.records import Status
from redun.provenance.derivation import consumers, producers, upstream_jobs
from redun.value import hash_value

redun_namespace = "test_provenance_producers"


@task
def write(path: str) -> File:
    File(path).write("made")
    return File(path)


@task
def read(file: File) -> str:
    return file.read()


@task
def main(path: str) -> str:
    return read(write(path))


@pytest.mark.parametrize("runs", [2, 25])
def test_it_is_the_one_that_ran_the_task_however_often_the_result_was_used_again(
    scheduler: Scheduler, tmp_path: Path, runs: int
) -> None:
    path = str(tmp_path / "file")
    for _ in range(runs):
        assert scheduler.run(main(path)) == "made"
    backend = scheduler.backend
    first = backend.executions(limit=1, skip=runs - 1)[0].id
    made_by, taken_by = producers(backend, hash_value(File(path))), consumers(backend, hash_value(File(path)))
    jobs = [made_by[0].job, taken_by[0].job, *upstream_jobs(backend, [made_by[0].call.call_hash])]
    for job in jobs:
        assert job is not None
        assert (job.execution_id, job.status) == (first, Status.DONE)
