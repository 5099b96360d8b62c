"""Sub-runs in other processes, on a repository that both schedulers write: what they leave, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.sqlite_backend import SqliteBackend

pytestmark = pytest.mark.timeout(120)

WORKFLOW = """
import os
import signal
import sqlite3
import time
from pathlib import Path

from redun import task
from redun.scheduler import subrun

redun_namespace = "wf"


@task()
def add(a, b):
    with open("ran.txt", "a") as log:
        log.write("add\\n")
    return a + b


@task()
def total(n):
    return add(add(n, 1), 2)


@task()
def main(executor: str = "process", many: int = 2):
    return [subrun(total(number), executor=executor) for number in range(many)]


@task()
def mixed():
    below = [subrun([total(n) for n in range(10 * k, 10 * k + 10)], executor="process") for k in range(6)]
    return [below, [add(1000 + n, 0) for n in range(200)]]


@task()
def deep(levels: int):
    return subrun(deep(levels - 1), executor="process") if levels else add(0, 0)


@task()
def fail():
    raise KeyError("lost")


@task()
def failing():
    return subrun([add(1, 1), fail()], executor="process")


@task()
def die():
    # Not before the repository says that this job runs.
    with sqlite3.connect("file:.redun/redun.db?mode=ro", uri=True) as connection:
        while connection.execute("SELECT max(number) FROM job").fetchone()[0] < 1_000_000_000:
            time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


@task()
def dying():
    return subrun(die(), executor="process")


@task(cache=False)
def die_once():
    if Path("died").exists():
        return "alive"
    Path("died").touch()
    return die()


@task()
def dying_once():
    return subrun(die_once(), executor="process", max_retries=1, retry_delay=0)


@task()
def wait(name):
    Path(name).write_text(str(os.getpid()))
    time.sleep(100)


@task()
def waiting(executor="process", inner="default"):
    return subrun(wait.options(executor=inner)("started"), executor=executor)


@task(cache=False)
def who():
    return os.getpid()


@task()
def which():
    return [who(), subrun(who(), executor="process")]
"""
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}
REDUN = [sys.executable, "-m", "redun"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wf.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    return tmp_path


def redun(folder: Path, *words: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*REDUN, *words], cwd=folder, env=ENVIRON | environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == code, done.stderr
    return done


def open_repository(folder: Path) -> SqliteBackend:
    path = folder / ".redun/redun.db"
    assert list(check_repository(path)) == []
    backend = SqliteBackend(path)
    backend.load()
    return backend


def latest_jobs(folder: Path) -> list[Any]:
    backend = open_repository(folder)
    rows = backend.jobs(backend.executions(limit=1)[0].id, limit=10_000)
    backend.close()
    return rows


def statuses(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in latest_jobs(folder):
        found.setdefault(row.task_name.removeprefix("wf."), set()).add(row.status.name)
    return found


def ran(folder: Path) -> int:
    log = folder / "ran.txt"
    count = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def is_alive(process: int) -> bool:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(process: int) -> None:
    deadline = time.monotonic() + 30
    while is_alive(process):
        assert time.monotonic() < deadline, f"process {process} is still there"
        time.sleep(0.02)


def test_the_tasks_of_a_sub_run_are_in_another_process(folder: Path) -> None:
    here, there = json.loads(redun(folder, "run", "wf.py", "which").stdout)
    assert here != there


def test_two_schedulers_leave_one_whole_repository_with_every_job_once(folder: Path) -> None:
    redun(folder, "run", "wf.py", "mixed")
    rows = latest_jobs(folder)
    assert len({row.number for row in rows}) == len(rows)
    named = [row.task_name for row in rows]
    assert (named.count("redun.subrun_root_task"), named.count("wf.total")) == (6, 60)
    assert {row.status.name for row in rows} == {"DONE"}
    by_number = {row.number: row for row in rows}
    outermost = [row for row in rows if row.parent is None]
    assert [row.task_name for row in outermost] == ["wf.mixed"]
    for row in rows:
        if row.task_name == "wf.total":
            assert by_number[by_number[row.parent].parent].task_name == "redun.subrun_root_task"


def test_sub_runs_within_sub_runs_are_one_tree(folder: Path) -> None:
    assert redun(folder, "run", "wf.py", "deep", "--levels", "3").stdout == "0\n"
    tree = redun(folder, "log", "-").stdout.split("-" * 80)[1]
    levels = [(len(line) - len(line.lstrip())) // 2 for line in tree.splitlines() if line.strip().startswith("Job")]
    assert levels == list(range(8))


def test_an_edit_below_runs_what_it_must(folder: Path) -> None:
    redun(folder, "run", "wf.py", "main")
    assert ran(folder) == 4
    redun(folder, "run", "wf.py", "main")
    assert ran(folder) == 0
    workflow = folder / "wf.py"
    workflow.write_text(workflow.read_text().replace("return add(add(n, 1), 2)", "return add(add(n, 1), 3)"))
    assert redun(folder, "run", "wf.py", "main").stdout == "[4, 5]\n"
    assert ran(folder) == 2
    workflow.write_text(workflow.read_text().replace("return a + b", "return a + b + 100"))
    assert redun(folder, "run", "wf.py", "main").stdout == "[204, 205]\n"
    assert ran(folder) == 4


def test_every_line_of_both_processes_is_whole(folder: Path) -> None:
    lines = redun(folder, "run", "wf.py", "main", "--many", "6").stderr.splitlines()
    assert all(line.startswith("[redun] ") and line.count("[redun] ") == 1 for line in lines)
    started = [line for line in lines if re.match(r"\[redun\] Run    Job \w{8}\.\d+: wf\.add\(", line)]
    assert len(started) == 12
    # The table of the outer scheduler counts the jobs of all.
    assert any(re.search(r"\| wf\.add +0 +0 +0 +0 +12 +12$", line) for line in lines)


def test_an_error_is_told_by_the_jobs_of_both_schedulers(folder: Path) -> None:
    failed = redun(folder, "run", "wf.py", "failing", code=1)
    told = failed.stderr.split("the workflow failed.")[1]
    order = [
        told.index(name) for name in ("in wf.failing", "in redun.subrun_root_task", "in wf.fail\n", "KeyError: 'lost'")
    ]
    assert order == sorted(order)
    assert statuses(folder)["fail"] == {"FAILED"}
    assert statuses(folder)["failing"] == {"FAILED"}


def test_a_sub_scheduler_that_dies_fails_its_job(folder: Path) -> None:
    failed = redun(folder, "run", "wf.py", "dying", code=1)
    assert "The worker process that ran task redun.subrun_root_task was ended by SIGKILL" in failed.stderr
    assert statuses(folder) == {
        "dying": {"FAILED"},
        "redun.subrun_root_task": {"FAILED"},
        "die": {"CANCELLED"},
    }


def test_a_sub_run_that_is_tried_again_leaves_no_job_of_the_killed_attempt_open(folder: Path) -> None:
    tried = redun(folder, "run", "wf.py", "dying_once")
    assert tried.stdout.strip() == "'alive'"
    assert "Retry" in tried.stderr
    assert statuses(folder) == {
        "dying_once": {"DONE"},
        "redun.subrun_root_task": {"DONE"},
        "die_once": {"CANCELLED", "DONE"},
        "die": {"CANCELLED"},
    }


@pytest.mark.parametrize("executor", ["process", "default"])
@pytest.mark.parametrize("inner", ["process", "default"])
def test_an_interrupt_ends_both_schedulers_and_leaves_no_process(folder: Path, executor: str, inner: str) -> None:
    words = [*REDUN, "run", "wf.py", "waiting", "--executor", executor, "--inner", inner]
    started = folder / "started"
    with subprocess.Popen(words, cwd=folder, env=ENVIRON, stderr=subprocess.PIPE, process_group=0) as process:
        while not (started.exists() and started.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        # What a terminal does at Ctrl-C: the whole group gets it.
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        process.stderr.read()  # to its end, which is that of the last process that could write to it
    assert process.returncode == 130
    wait_until_gone(int(started.read_text()))
    found = statuses(folder)
    assert found["waiting"] == found["redun.subrun_root_task"] == {"CANCELLED"}
    if executor == "process":
        assert found["wait"] == {"CANCELLED"}


def test_a_killed_scheduler_takes_its_sub_scheduler_along(folder: Path) -> None:
    started = folder / "started"
    words = [*REDUN, "run", "wf.py", "waiting", "--inner", "process"]
    with subprocess.Popen(words, cwd=folder, env=ENVIRON, stderr=subprocess.DEVNULL) as process:
        while not (started.exists() and started.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    wait_until_gone(int(started.read_text()))
    open_repository(folder).close()


def test_secrets_come_from_the_environment_and_are_not_recorded(folder: Path) -> None:
    (folder / ".redun/redun.ini").write_text(
        "[tags]\nowner = ${OWNER_TOKEN}\n[executors.process]\ntype = local\nmode = process\n"
    )
    redun(folder, "run", "wf.py", "main", OWNER_TOKEN="s3cret-of-the-test")
    backend = open_repository(folder)
    (execution,) = backend.executions(limit=5)
    backend.close()
    with sqlite3.connect(folder / ".redun/redun.db") as connection:
        for table in ("value", "call", "job", "execution"):
            for row in connection.execute(f"SELECT * FROM {table}"):
                texts = [column if isinstance(column, bytes) else str(column).encode() for column in row]
                assert not any(b"s3cret" in text or b"OWNER_TOKEN" in text for text in texts), table
    assert execution.status.name == "DONE"


def test_of_a_repository_in_memory_only_the_result_comes_back(folder: Path) -> None:
    (folder / ".redun/redun.ini").write_text("[backend]\ndb_uri = memory://\n")
    done = redun(folder, "run", "wf.py", "main", "--many", "1")
    assert done.stdout == "[3]\n"
    assert "WARNING: The repository of the workflow is in memory" in done.stderr
