"""Handles with real databases, in real runs: killed at the worst moment, in worker processes, and two at a time."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redun_backend_sql.integrity import check_repository

WORKFLOW = '''
import os
import signal
import sqlite3
from pathlib import Path

from redun import Handle, merge_handles, task

redun_namespace = "durable"
HERE = Path(__file__).parent


class Slots(Handle):
    """A table of texts."""

    def __init__(self, name, path, namespace=None):
        with (HERE / "opened").open("a") as opened:
            opened.write(f"{os.getpid()}\\n")
        self.instance = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
        self.instance.execute("CREATE TABLE IF NOT EXISTS slots (name PRIMARY KEY, text)")

    def write(self, name, version, *before):
        with (HERE / "bodies").open("a") as bodies:
            bodies.write(f"{name} {os.getpid()}\\n")
        found = [text for each in before for text, in self.execute("SELECT text FROM slots WHERE name = ?", (each,))]
        self.execute("INSERT OR REPLACE INTO slots VALUES (?, ?)", (name, f"{name}{version}({','.join(found)})"))
        if (HERE / f"kill-{name}").exists():
            # The effect is committed, and nobody has heard of it: the worst moment.
            os.killpg(0, signal.SIGKILL)
        return self


@task(version="1")
def first(slots):
    return slots.write("first", 1)


@task(version="1")
def left(slots):
    return slots.write("left", 1, "first")


@task(version="1")
def right(slots):
    return slots.write("right", 1, "first")


@task(version="1")
def last(slots):
    return slots.write("last", 1, "left", "right")


@task(version="1")
def text(slots):
    return slots.execute("SELECT text FROM slots WHERE name = 'last'").fetchone()[0]


@task(version="1")
def main():
    slots = first(Slots("slots", str(HERE / "slots.db")))
    return text(last(merge_handles([left(slots), right(slots)])))
'''


class Project:
    """A folder with the workflow and a repository."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.folder = folder
        (folder / ".redun").mkdir()
        (folder / ".redun/redun.ini").write_text(f"[executors.default]\ntype = local\nmode = {mode}\nmax_workers = 2\n")
        (folder / "wf.py").write_text(WORKFLOW)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "redun", "run", "wf.py", "main"]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self) -> str:
        process = self.start()
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert list(check_repository(self.folder / ".redun/redun.db")) == []
        return stdout.strip().strip("'")

    def run_into_kill(self, name: str) -> None:
        """A run that dies, with everything that it has started, right after a task has written."""
        hook = self.folder / f"kill-{name}"
        hook.touch()
        process = self.start()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        hook.unlink()

    def edit(self, name: str, old: int, new: int) -> None:
        workflow = self.folder / "wf.py"
        for before, after in (
            (f'@task(version="{old}")\ndef {name}(', f'@task(version="{new}")\ndef {name}('),
            (f'slots.write("{name}", {old}', f'slots.write("{name}", {new}'),
        ):
            source = workflow.read_text()
            assert before in source
            workflow.write_text(source.replace(before, after))

    def ran(self) -> list[str]:
        """The bodies that have run since this was last asked."""
        bodies = self.folder / "bodies"
        lines = bodies.read_text().split("\n")[:-1] if bodies.exists() else []
        bodies.unlink(missing_ok=True)
        return sorted(line.split()[0] for line in lines)

    def text(self, name: str) -> str:
        with closing(sqlite3.connect(self.folder / "slots.db")) as connection:
            return connection.execute("SELECT text FROM slots WHERE name = ?", (name,)).fetchone()[0]


@pytest.fixture(params=["thread", "process"])
def project(tmp_path: Path, request: Any) -> Project:
    return Project(tmp_path, request.param)


FRESH = "last1(left1(first1()),right1(first1()))"


@pytest.mark.timeout(200)
def test_a_kill_between_the_effect_and_its_record_leaves_nothing_that_looks_done(project: Project) -> None:
    assert project.run() == FRESH
    assert project.ran() == ["first", "last", "left", "right"]
    assert project.run() == FRESH
    assert project.ran() == []

    # The database has the effect of an edit that is then taken back: the old result must not be believed.
    project.edit("left", 1, 2)
    project.run_into_kill("left")
    assert project.text("left") == "left2(first1())"
    project.ran()
    project.edit("left", 2, 1)
    assert project.run() == FRESH
    assert project.ran() == ["last", "left"]
    assert project.text("left") == "left1(first1())"
    assert project.text("last") == FRESH

    # The same with the edit kept.
    project.edit("first", 1, 2)
    project.run_into_kill("first")
    assert project.ran() == ["first"]
    assert project.run() == FRESH.replace("first1", "first2")
    assert project.ran() == ["first", "last", "left", "right"]
    assert project.run() == FRESH.replace("first1", "first2")
    assert project.ran() == []


@pytest.mark.timeout(200)
def test_two_runs_at_a_time_leave_what_one_leaves(project: Project) -> None:
    processes = [project.start() for _ in range(2)]
    for process in processes:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert stdout.strip() == repr(FRESH)
    assert set(project.ran()) == {"first", "last", "left", "right"}
    assert project.run() == FRESH
    assert project.text("last") == FRESH


@pytest.mark.timeout(100)
def test_threads_share_what_is_open_and_processes_open_it_again(project: Project, request: Any) -> None:
    project.run()
    opened = set((project.folder / "opened").read_text().split())
    bodies = {line.split()[1] for line in (project.folder / "bodies").read_text().splitlines()}
    if request.node.callspec.params["project"] == "thread":
        assert len((project.folder / "opened").read_text().split()) == 1
        assert bodies == opened
    else:
        assert bodies < opened
