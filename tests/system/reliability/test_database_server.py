"""Runs on a PostgreSQL server that goes away: for a moment, for good, and while somebody presses Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import postgres_server
import pytest
from postgres_server import Database, PostgresServer

pytestmark = pytest.mark.timeout(150)
N = 600
RESULT = str(sum(i * i for i in range(N)))
DONE = 2


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop and start."""
    programs = postgres_server.find_programs()
    if programs is None:
        pytest.skip(postgres_server.HOW_TO_GET)
    monkeypatch.setenv("REDUN_DB_USERNAME", postgres_server.USER)
    monkeypatch.setenv("REDUN_DB_PASSWORD", postgres_server.PASSWORD)
    server = PostgresServer(programs)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(server: PostgresServer) -> Database:
    return postgres_server.make_database(server.uri)


@pytest.fixture
def project(project: Any, database: Database) -> Any:
    """The project, with its repository on the server."""
    project.environ |= {name: os.environ[name] for name in ("REDUN_DB_USERNAME", "REDUN_DB_PASSWORD")}
    project.repository = database.uri
    project.ask = database.rows
    return project


def configure(project: Any, database: Database, options: str = "") -> None:
    executor = "type = local\nmode = process\nmax_workers = 2"
    project.configure(executor, f"db_uri = {database.uri}\nautomigrate = True\n{options}")


def run_in_the_middle(project: Any, server: PostgresServer, wait: Callable[..., None]) -> subprocess.Popen[str]:
    """A run that has recorded something when the server crashes, and that has noticed."""
    project.redun("init")
    process = project.start("run", "wf.py", "main", "--n", str(N))
    wait(lambda: project.jobs(DONE) > 0, process)
    server.stop("immediate")
    wait(lambda: "trying again" in project.errors(process), process)
    return process  # type: ignore[no-any-return]


def test_a_run_waits_for_a_server_that_crashed_and_completes(
    project: Any, server: PostgresServer, database: Database, wait: Callable[..., None]
) -> None:
    configure(project, database, "db_retries = 1000\ndb_retries_backoff = 0.1\ndb_retries_backoff_max = 0.1")
    process = run_in_the_middle(project, server, wait)
    server.start()
    stdout, _ = process.communicate(timeout=100)
    assert (process.returncode, stdout.strip()) == (0, RESULT), project.errors(process)[-2000:]
    assert project.errors(process).count("trying again") == 1
    assert "Traceback" not in project.errors(process)
    assert project.problems() == []
    assert project.call_count("work") == N
    project.take_bodies()
    assert project.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert project.take_bodies() == []
    assert "run wf.py main" in project.redun("log")


def test_several_runs_wait_for_a_server_that_was_restarted_and_complete(
    project: Any, server: PostgresServer, database: Database, wait: Callable[..., None]
) -> None:
    """Two of the same workflow and two of others that make the same calls; an administrator stops the server."""
    configure(project, database, "db_retries = 1000\ndb_retries_backoff = 0.1\ndb_retries_backoff_max = 0.1")
    project.redun("init")
    tasks = ("main", "main", "squares", "squares_by_label")
    processes = [project.start("run", "wf.py", name, "--n", str(N)) for name in tasks]
    wait(lambda: project.jobs(DONE) > 0, processes[0])
    server.stop("fast")
    for process in processes:
        wait(lambda process=process: "trying again" in project.errors(process), process)
    server.start()
    for process in processes:
        stdout, _ = process.communicate(timeout=100)
        assert (process.returncode, stdout.strip()) == (0, RESULT), project.errors(process)[-2000:]
        assert "Traceback" not in project.errors(process)
    assert project.problems() == []  # also: no row is there twice
    assert project.statuses() == [DONE] * len(tasks)
    assert project.call_count("work") == N
    # Every job of all of them is there, with its end.
    assert project.ask("SELECT count(*) FROM job WHERE status NOT IN (2, 3)") == [(0,)]
    per_execution = "SELECT count(*) FROM job JOIN task ON task.id = task_id WHERE name = 'work' GROUP BY execution_id"
    assert project.ask(per_execution) == [(N,)] * len(tasks)


def test_a_server_that_is_gone_for_good_ends_the_run_with_a_clear_error(
    project: Any, server: PostgresServer, database: Database, wait: Callable[..., None]
) -> None:
    configure(project, database, "db_retries = 2\ndb_retries_backoff = 0.05")
    process = run_in_the_middle(project, server, wait)
    process.communicate(timeout=100)
    assert process.returncode == 1
    last = project.errors(process).strip().splitlines()[-1]
    assert "cannot be reached" in last
    assert "Tried again 2 times" in last
    assert postgres_server.PASSWORD not in project.errors(process)
    assert "cannot be reached" in project.redun("log", code=2)
    server.start()
    assert project.problems() == []
    recorded = project.recorded()
    assert recorded
    project.take_bodies()
    assert project.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert {int(line) for line in project.take_bodies()} == set(range(N)) - recorded
    assert project.problems() == []


SAYS_WHAT_IT_HEARS = """

from redun.scheduler.interrupts import Interrupts

handle = Interrupts._handle


def hear(self, signum, frame):
    with open("heard", "a") as file:
        file.write(".")
    handle(self, signum, frame)


Interrupts._handle = hear
"""


def test_ctrl_c_twice_ends_a_run_that_waits_for_its_server(
    project: Any, server: PostgresServer, database: Database, wait: Callable[..., None]
) -> None:
    configure(project, database, "db_retries = 5\ndb_retries_backoff = 1000\ndb_retries_backoff_max = 1000")
    with (project.folder / "wf.py").open("a") as workflow:
        workflow.write(SAYS_WHAT_IT_HEARS)
    process = run_in_the_middle(project, server, wait)
    process.send_signal(signal.SIGINT)
    # Two that come quickly may count as one.
    wait(lambda: (project.folder / "heard").exists(), process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert (project.folder / "heard").read_text() == ".."
    assert process.returncode == 130, project.errors(process)[-2000:]
    server.start()
    assert project.problems() == []
