"""Collections while another process runs workflows on the same repository, and collections that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redun.backends.records import Status
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.sqlite_backend import SqliteBackend

PROGRAM = """
import random, sys
from redun import Scheduler, task
from redun.config import Config
from redun.config.build import make_backend
from redun.executors.inline import InlineExecutor
from redun.scheduler import recorder

recorder.HEARTBEAT = 0.05
recorder.LONGEST_DELAY = 0.01
recorder.MOST_RECORDS = 20
redun_namespace = "meanwhile"

@task
def text(x: int) -> str:
    return f"{x} " * 300

@task
def length(text: str) -> int:
    return len(text)

@task
def pair(x: int) -> list[int]:
    return [length(text(x)), x]

@task
def some(numbers: list[int]) -> list[list[int]]:
    return [pair(x) for x in numbers]

@task(check_valid="shallow")
def shallow(x: int) -> list[int]:
    return pair(x)

@task
def rounds(n: int, seed: int) -> list:
    if not n:
        return []
    numbers = random.Random(f"{n} {seed}").sample(range(40), 3)
    return [some(numbers), shallow(numbers[0]), rounds(n - 1, seed)]

def expected(n: int, seed: int) -> list:
    if not n:
        return []
    numbers = random.Random(f"{n} {seed}").sample(range(40), 3)
    pairs = [[len(f"{x} " * 300), x] for x in numbers]
    return [pairs, pairs[0], expected(n - 1, seed)]

backend = make_backend(Config({"backend": {"db_uri": sys.argv[1]}}))
scheduler = Scheduler(config=Config({}), backend=backend, executor=InlineExecutor("default"))
scheduler.load()
print("ready", flush=True)
for seed in map(int, sys.argv[3].split(",")):
    n = int(sys.argv[2])
    assert scheduler.run(rounds(n, seed)) == expected(n, seed)
print("done", flush=True)
"""

COLLECT = """
import sys
from redun.config import Config
from redun.config.build import make_backend

backend = make_backend(Config({"backend": {"db_uri": sys.argv[1]}}))
backend.load()
from redun_backend_sql.garbage import calls, jobs, values
calls.AT_ONCE = jobs.AT_ONCE = values.AT_ONCE = 20
begin = backend._transaction
left = int(sys.argv[2])

import contextlib, os, signal

@contextlib.contextmanager
def deadly(*, durable=False):
    global left
    with begin(durable=durable):
        yield
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)  # after its last statement, before the commit

backend._transaction = deadly
backend.collect_garbage([each.id for each in backend.executions(limit=1000)], grace=0)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str | Path, Callable[[], SqlBackend]]:
    """The `db_uri` of the repository, what the check takes, and what makes a backend on it."""
    if request.param == "sqlite":
        path = tmp_path / "redun.db"
        SqliteBackend(path).load()
        return f"sqlite:///{path}", path, lambda: SqliteBackend(path)
    database = request.getfixturevalue("repository")
    return database.uri, database.uri, lambda: PostgresBackend(database.server)


def start(program: str, *arguments: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


def run_through(program: str, *arguments: Any) -> None:
    process = start(program, *arguments)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


@contextmanager
def opened(make: Callable[[], SqlBackend]) -> Iterator[SqlBackend]:
    backend = make()
    backend.load()
    try:
        yield backend
    finally:
        backend.close()


@pytest.mark.parametrize(("rounds", "seeds"), [(3, "1,2,3,4,5,6"), (80, "1")])
def test_runs_lose_nothing_while_everything_else_is_removed(place: Any, rounds: int, seeds: str):
    """Many short runs, and two long ones; what they use belongs to executions that go under their hands."""
    uri, check, make = place
    run_through(PROGRAM, uri, 20, "100,101")
    process = start(PROGRAM, uri, rounds, seeds)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    removed: dict[str, int] = {}
    collections = 0
    with opened(make) as backend:
        while process.poll() is None or not collections:
            chosen = [each.id for each in backend.executions(limit=100)]
            garbage = backend.collect_garbage(chosen, grace=0)
            collections += 1
            for size in garbage.sizes:
                removed[size.kind] = removed.get(size.kind, 0) + size.count
        output, errors = process.communicate(timeout=60)
        assert (output, errors) == ("done\n", "")
        assert list(map(str, check_repository(check))) == []
        assert removed["executions"] >= 2
        assert removed["calls"] > 50
        states = {each.status for each in backend.executions(limit=100)}
        assert states <= {Status.DONE}
        left = [each.id for each in backend.executions(limit=100)]
    with opened(make) as backend:
        backend.collect_garbage(left, grace=0)
        assert list(map(str, check_repository(check))) == []


def test_a_collection_that_is_killed_leaves_the_repository_whole(place: Any):
    """Each one goes on from where the one before was killed."""
    uri, check, make = place
    run_through(PROGRAM, uri, 25, "1,2")
    for after in (2, 5):
        process = start(COLLECT, uri, after)
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (-signal.SIGKILL, "")
        assert list(map(str, check_repository(check))) == []
    with opened(make) as backend:
        backend.collect_garbage([each.id for each in backend.executions(limit=100)], grace=0)
        assert {kind: number for kind, number, _ in backend.stats().kinds if kind in ("jobs", "calls", "values")} == {
            "jobs": 0,
            "calls": 0,
            "values": 0,
        }
