"""Several schedulers in processes of their own on one PostgreSQL repository, and one that dies in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from postgres_server import Database
from redun import Scheduler
from redun.backends.records import Status
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend

pytestmark = pytest.mark.timeout(300)
JOBS = 500

WORKFLOW = """
import logging
import os
import sys
import threading
from redun import Scheduler, task
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.server import Server
from redun_backend_sql.uri import postgres_address

logging.disable(logging.INFO)
redun_namespace = "acme"


@task
def work(x: int, label: str) -> list[int]:
    if x == 250 and "BLOCK" in os.environ:
        threading.Event().wait()
    return [x] * 20


@task
def main(n: int, label: str) -> list[list[int]]:
    return [work(i, label) for i in range(n)]


if __name__ == "__main__":
    uri, automigrate, *labels = sys.argv[1:]
    backend = PostgresBackend(Server.at(postgres_address(uri)), automigrate=bool(automigrate))
    print("ready", flush=True)
    sys.stdin.readline()
    backend.load()
    for label in labels:
        scheduler = Scheduler(backend=backend)
        assert len(scheduler.run(main(JOBS, label))) == JOBS
    backend.close()
""".replace("JOBS", str(JOBS))


def start(database: Database, *labels: str, automigrate: str = "", **environ: str) -> subprocess.Popen[str]:
    """A process that waits for a line on its input before it opens the repository."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKFLOW, database.uri, automigrate, *labels],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_schedulers_that_write_the_same_and_different_workflows_lose_nothing(database: Database) -> None:
    """They begin together, so that they also race for making the tables."""
    labels = ["common", "one", "two", "three", "four"]
    processes = [start(database, *order, automigrate="yes") for order in (labels[:2], labels[:3:2], labels[3:], labels)]
    for process in processes:
        go(process)
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert (process.returncode, errors) == (0, "")
    assert list(check_repository(database.uri)) == []  # also: no row is there twice
    runs = 2 + 2 + 2 + 5
    assert database.rows("SELECT count(*) FROM execution WHERE status = 2") == [(runs,)]
    assert database.rows("SELECT count(*) FROM job") == [(runs * (JOBS + 1),)]
    # Each call is there once, however many made it.
    per_label = "SELECT count(*) FROM call JOIN task ON task.id = task_id WHERE name = 'work'"
    assert database.rows(per_label) == [(len(labels) * JOBS,)]
    # At most the two that are the same in name and source.
    assert database.rows("SELECT count(*) FROM task WHERE name = 'work'") == [(1,)]


def test_a_scheduler_that_is_killed_leaves_what_the_next_one_uses(repository: Database) -> None:
    process = start(repository, "label", BLOCK="in the middle")
    go(process)
    done = "SELECT coalesce(sum(count), 0) FROM job_count WHERE status = 2"
    while repository.rows(done)[0][0] < 200:
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    before = repository.rows(done)[0][0]
    assert list(check_repository(repository.uri)) == []
    second = start(repository, "label")
    go(second)
    _, errors = second.communicate(timeout=120)
    assert (second.returncode, errors) == (0, "")
    backend = PostgresBackend(repository.server)
    backend.load()
    finished, killed = backend.executions(limit=5)
    assert (finished.status, killed.status) == (Status.DONE, Status.RUNNING)
    counts = {count.status: count.count for count in backend.task_counts(finished.id) if "work" in count.task_name}
    assert counts == {Status.CACHED: before, Status.DONE: JOBS - before}
    backend.close()
    assert list(check_repository(repository.uri)) == []


def test_the_lock_of_a_killed_writer_is_free(repository: Database) -> None:
    """The server lets go of it when the connection ends."""
    code = (
        WORKFLOW.partition("if __name__")[0]
        + """
backend = PostgresBackend(Server.at(postgres_address(sys.argv[1])))
backend.load()
with backend._connection.transaction():
    print("locked", flush=True)
    sys.stdin.readline()
"""
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, repository.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    process.kill()
    process.communicate(timeout=60)
    backend = PostgresBackend(repository.server, lock_timeout=30)
    backend.load()
    assert Scheduler(backend=backend).run(1) == 1
    backend.close()
