"""A project in a folder of its own, the runs that are started in it, and what they leave behind."""

from __future__ import annotations

import contextlib
import marshal
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.packing import unpack_arguments

# The support for PostgreSQL is imported by name.
sys.path.append(str(Path(__file__).parents[2] / "backend_sql"))

REDUN = str(Path(sys.executable).with_name("redun"))
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}
TIMEOUT = 100
MODES = {"threads": "thread", "processes": "process"}


class Project:
    """A folder with the workflow of `counted.py` and a repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / ".redun/redun.db"
        self.bodies = folder / "bodies"
        self.environ = {**ENVIRON, "BODIES": str(self.bodies)}
        self.started: list[subprocess.Popen[str]] = []
        folder.mkdir(exist_ok=True)
        shutil.copy(Path(__file__).with_name("counted.py"), folder / "wf.py")

    def configure(self, default: str, backend: str = "") -> None:
        """Write `redun.ini`: the section of the default executor, and more of the backend's."""
        (self.folder / ".redun").mkdir(exist_ok=True)
        db_uri = "" if "db_uri" in backend else "db_uri = sqlite:///redun.db\n"
        text = f"[backend]\n{db_uri}{backend}\n[executors.default]\n{default}\n"
        (self.folder / ".redun/redun.ini").write_text(text)

    def in_mode(self, mode: str) -> None:
        """Run tasks in `threads` or `processes`."""
        self.configure(f"type = local\nmode = {MODES[mode]}\nmax_workers = 4")

    # -- runs ---------------------------------------------------------------------------------------------------------

    def start(self, *words: str, command: tuple[str, ...] = (REDUN,)) -> subprocess.Popen[str]:
        """A process in a session of its own, so that everything it starts can be found."""
        # Not a pipe, which would fill up while nobody reads it.
        with self._errors(len(self.started)).open("w") as errors:
            process = subprocess.Popen(
                [*command, *words],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def errors(self, process: subprocess.Popen[str]) -> str:
        """What a process has written to stderr so far."""
        return self._errors(self.started.index(process)).read_text()

    def _errors(self, number: int) -> Path:
        return self.folder / f"stderr-{number}"

    def redun(self, *words: str, code: int = 0, command: tuple[str, ...] = (REDUN,)) -> str:
        """What a command prints: to stdout, or to stderr where it has to fail."""
        process = self.start(*words, command=command)
        stdout, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == code, self.errors(process)[-2000:]
        return stdout if code == 0 else self.errors(process)

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.started:
            for pid in session_members(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate(timeout=TIMEOUT)

    # -- what they leave behind ---------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What the check of the repository finds."""
        return [str(problem) for problem in check_repository(self.repository)]

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the repository; none while it is not there yet."""
        uri = f"{self.repository.as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                return connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "unable to open" in str(error):
                return []
            raise

    def jobs(self, *statuses: int) -> int:
        """How many jobs of all executions are recorded with one of these statuses."""
        listed = ", ".join(map(str, statuses))
        rows = self.ask(f"SELECT coalesce(sum(count), 0) FROM job_count WHERE status IN ({listed})")
        return int(rows[0][0]) if rows else 0  # type: ignore[call-overload]

    def statuses(self) -> list[int]:
        """The status of every execution, oldest first."""
        return [status for (status,) in self.ask("SELECT status FROM execution ORDER BY id")]  # type: ignore[misc]

    def call_count(self, name: str) -> int:
        """How many calls of a task the repository has."""
        rows = self.ask(
            "SELECT count(*) FROM call JOIN task ON task.id = call.task_id"
            f" WHERE task.name = '{name}' AND call_hash IS NOT NULL"
        )
        return int(rows[0][0]) if rows else 0  # type: ignore[call-overload]

    def recorded(self, name: str = "work") -> set[int]:
        """The numbers whose calls the repository has."""
        rows = self.ask(f"SELECT arguments FROM call JOIN task ON task.id = task_id WHERE task.name = '{name}'")
        firsts = [next(iter(unpack_arguments(packed))) for (packed,) in rows if packed]  # type: ignore[arg-type]
        return {marshal.loads(first.data) for first in firsts if first.data is not None}

    def take_bodies(self) -> list[str]:
        """The lines that bodies have left since this was asked last."""
        lines = self.bodies.read_text().splitlines() if self.bodies.exists() else []
        self.bodies.unlink(missing_ok=True)
        return lines

    def has_body(self, line: str) -> bool:
        """Whether a body has left this line."""
        return self.bodies.exists() and line in self.bodies.read_text().splitlines()


class Disk:
    """A small filesystem in memory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def mount(self, *options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a filesystem cannot be mounted here: {done.stderr.strip()}")

    def resize(self, size: str) -> None:
        self.remount(f"size={size}")

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], capture_output=True)


def session_members(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] not in "ZX":
                    found.append(int(folder.name))
    return found


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Wait for something that tells nobody when it happens. Fails when the process ends before."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        if process is not None and process.poll() is not None:
            assert condition(), f"the process has ended with {process.returncode}"
        time.sleep(0.002)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project, whose processes are ended with the test."""
    project = Project(tmp_path / "project")
    yield project
    project.end()


@pytest.fixture
def wait() -> Callable[..., None]:
    """See `wait_until`."""
    return wait_until


@pytest.fixture
def members() -> Callable[[int], list[int]]:
    """See `session_members`."""
    return session_members


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.unmount()
