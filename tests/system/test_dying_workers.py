"""Workflows whose tasks end the process that runs them, as `redun run` shows and records them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = """
import os
import signal
import sys
from pathlib import Path

from redun import catch, task
from redun.errors import ExecutorError, WorkerDiedError

redun_namespace = "deadly"


class Cry(BaseException):
    pass


@task()
def count(number: int) -> int:
    with open("counted", "a") as file:
        file.write(f"{number} ")
    return number


@task()
def die(how: str, after: list) -> int:
    if Path("mended").exists():
        return 100
    if how == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "os._exit":
        os._exit(3)
    if how == "sys.exit":
        sys.exit(3)
    raise Cry("in pain")


@task()
def main(how: str) -> list:
    counted = [count(number) for number in range(3)]
    return [counted, die(how, counted)]


@task()
def recover(error: Exception) -> str:
    return f"recovered from {type(error).__name__}: {error}"


@task()
def guarded(how: str, caught: str) -> list:
    counted = [count(number) for number in range(3)]
    kinds = {"died": WorkerDiedError, "executor": ExecutorError, "value": ValueError}
    return [counted, catch(die(how, counted), kinds[caught], recover)]


@task()
def talk(size: int) -> int:
    print("o" * size)
    print("e" * size, file=sys.stderr)
    return size


@task()
def loud(size: int) -> list:
    return [talk(size + number) for number in range(3)]
"""
REDUN = str(Path(sys.executable).with_name("redun"))
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wf.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    configure(tmp_path, "process")
    return tmp_path


def configure(folder: Path, mode: str) -> None:
    (folder / ".redun/redun.ini").write_text(f"[executors.default]\ntype = local\nmode = {mode}\nmax_workers = 2\n")


def redun(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([REDUN, *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=100)
    assert done.returncode == code, done.stderr
    return done


def counted(folder: Path) -> list[str]:
    return sorted((folder / "counted").read_text().split())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("SIGKILL", "WorkerDiedError: The worker process that ran task deadly.die was ended by SIGKILL: often the"),
        ("os._exit", "WorkerDiedError: The worker process that ran task deadly.die ended with exit code 3: "),
        ("sys.exit", "ExecutorError: Task deadly.die called sys.exit(3)"),
        ("Cry", "Cry: in pain"),
    ],
)
def test_the_traceback_names_the_task_and_what_became_of_it(folder, how, words):
    lines = redun(folder, "run", "wf.py", "main", "--how", how, code=1).stderr.splitlines()
    told = lines[lines.index("redun: the workflow failed.") + 1 :]
    assert told[0] == "Traceback (most recent task last):"
    assert [line.rpartition(", in ")[2] for line in told if line.startswith("  Job ")] == ["deadly.main", "deadly.die"]
    assert f"    how = {how!r}" in told
    assert words in told[-1]


@pytest.mark.parametrize("how", ["SIGKILL", "os._exit"])
def test_the_next_run_repeats_the_failed_call_only(folder, how):
    redun(folder, "run", "wf.py", "main", "--how", how, code=1)
    assert counted(folder) == ["0", "1", "2"]
    assert "[FAILED]" in redun(folder, "log").stdout
    (folder / "mended").touch()
    assert redun(folder, "run", "wf.py", "main", "--how", how).stdout == "[[0, 1, 2], 100]\n"
    assert counted(folder) == ["0", "1", "2"]


@pytest.mark.parametrize("caught", ["died", "executor"])
def test_a_workflow_recovers_from_the_death_of_a_worker(folder, caught):
    run = ["run", "wf.py", "guarded", "--how", "SIGKILL", "--caught", caught]
    output = redun(folder, *run).stdout
    assert "recovered from WorkerDiedError: The worker process that ran task deadly.die" in output
    assert "was ended by SIGKILL" in output
    assert "WorkerDiedError" in redun(folder, *run).stdout
    assert counted(folder) == ["0", "1", "2"]


def test_the_death_of_a_worker_is_not_caught_as_something_else(folder):
    done = redun(folder, "run", "wf.py", "guarded", "--how", "SIGKILL", "--caught", "value", code=1)
    assert "WorkerDiedError" in done.stderr


def test_a_thread_that_calls_sys_exit_fails_its_job(folder):
    configure(folder, "thread")
    done = redun(folder, "run", "wf.py", "main", "--how", "sys.exit", code=1)
    assert "Task deadly.die called sys.exit(3)" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("how", "code"), [("os._exit", 3), ("SIGKILL", -9)])
def test_a_thread_that_ends_the_whole_process_leaves_a_sound_repository(folder, how, code):
    configure(folder, "thread")
    redun(folder, "run", "wf.py", "main", "--how", how, code=code)
    redun(folder, "log")
    (folder / "mended").touch()
    assert redun(folder, "run", "wf.py", "main", "--how", how).stdout == "[[0, 1, 2], 100]\n"
    assert "[ DONE ]" in redun(folder, "log").stdout


def test_much_output_of_workers_comes_through(folder):
    done = redun(folder, "run", "wf.py", "loud", "--size", "2000000")
    assert done.stdout.count("o") == 6_000_003
    assert done.stderr.count("e" * 2_000_000) == 3
