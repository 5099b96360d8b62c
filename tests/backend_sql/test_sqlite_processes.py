"""Several processes on one SQLite file, and one that dies in the middle."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from redun.backends.records import Status, TaskCount
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.sqlite_backend import SqliteBackend

BATCHES = 15
JOBS = 40

WRITE = f"""
import sys
from pathlib import Path
from redun.testing.backend_records import Story
from redun_backend_sql.sqlite_backend import SqliteBackend

path, execution_id, batches = sys.argv[1:]
story = Story(execution_id).begin()
backend = SqliteBackend(Path(path))
print("ready", flush=True)
sys.stdin.readline()
backend.load()
backend.record(story.take())
for batch in range(int(batches)):
    for number in range({JOBS} * batch + 1, {JOBS} * (batch + 1) + 1):
        # Half of the calls are made by every process.
        name = f"{{execution_id}} {{number}}" if number % 2 else f"common {{number}}"
        story.job(number, story.call(name, f"result of {{name}}", arguments=[f"argument of {{name}}"]))
    backend.record(story.take())
    print(batch, flush=True)
backend.close()
"""


def start(path: Path, execution_id: str, batches: int = BATCHES) -> subprocess.Popen[str]:
    """A process that waits for a line on its input before it opens the file."""
    arguments = [sys.executable, "-c", WRITE, str(path), execution_id, str(batches)]
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path):
    """They begin together, so that they also race for making the repository."""
    path = tmp_path / "redun.db"
    processes = [start(path, f"execution-{i}") for i in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
    backend = SqliteBackend(path)
    backend.load()
    total = BATCHES * JOBS
    for i in range(3):
        assert backend.task_counts(f"execution-{i}") == [TaskCount("suite.work", Status.DONE, total)]
        jobs = backend.jobs(f"execution-{i}", limit=10 * total)
        assert [job.number for job in jobs] == list(range(1, total + 1))
        hits = backend.find_evaluations([job.eval_hash for job in jobs])
        assert all(hits[job.eval_hash].call_hash == job.call_hash for job in jobs)
    backend.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # The calls that all of them made are there once.
        assert connection.execute("SELECT count(*), count(DISTINCT call_hash) FROM call").fetchone() == (2 * total,) * 2
        assert connection.execute("SELECT count(*) FROM task").fetchone() == (1,)


@pytest.mark.parametrize("after_batch", [0, 3])
def test_a_process_that_is_killed_leaves_whole_batches(tmp_path: Path, after_batch: int):
    path = tmp_path / "redun.db"
    process = start(path, "killed", batches=10_000)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    while process.stdout.readline() != f"{after_batch}\n":
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    backend = SqliteBackend(path)
    backend.load()
    (count,) = backend.task_counts("killed")
    assert count.count >= JOBS * (after_batch + 1)
    assert count.count % JOBS == 0
    jobs = backend.jobs("killed", limit=100_000)
    assert len(jobs) == count.count
    hits = backend.find_evaluations([job.eval_hash for job in jobs])
    assert len(hits) == len(jobs)
    assert len(backend.load_values([hit.raw_hash for hit in hits.values()])) == len(jobs)
    story = Story("next").begin()
    story.job(1, story.call("after the crash", "result"))
    backend.record(story.take())
    assert backend.load_values([hash_of("result")])
    backend.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
