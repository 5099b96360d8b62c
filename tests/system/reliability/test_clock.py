"""A clock that is put back or forward by days, between runs and while one goes on.

Promised is: a result is never wrong, and what is recorded stays whole. No job and no execution ends before it began.
What waits for a time span, such as the recording of a batch, does not go by the clock. Executions are listed by the
time at which they began, as the clock had it, so that one that ran while the clock was behind stands further down.
Where one call has had several results, the one that was seen at the latest time by the clock is used: after the clock
was put back, a new result counts as the newest only when the time of the former one has come again.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DONE, CACHED = 2, 3
DAY = 86_400
N = 400
RESULT = str(sum(i * i for i in range(N)))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What shifts the clock of a process: see `shifted_clock.c`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler, and Linux")
    path = tmp_path_factory.mktemp("clock") / "shifted_clock.so"
    source = Path(__file__).with_name("shifted_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(path), str(source)], check=True, timeout=60)
    return path


@pytest.fixture
def clock(project: Any, library: Path, tmp_path: Path) -> Callable[[int], None]:
    """Sets the clock for the project's processes, also for those that run: so many days from the right time."""
    setting = tmp_path / "clock"

    def set_clock(days: int) -> None:
        # In place: running processes have mapped the file.
        with setting.open("r+b" if setting.exists() else "wb") as file:
            file.write(struct.pack("=q", days * DAY))

    set_clock(0)
    project.environ.update(LD_PRELOAD=str(library), CLOCK_SHIFT=str(setting))
    return set_clock


def seconds(project: Any) -> float:
    """The time as a process of the project has it."""
    command = [sys.executable, "-S", "-c", "import time; print(time.time())"]
    return float(subprocess.run(command, env=project.environ, capture_output=True, text=True, check=True).stdout)


def no_time_is_negative(project: Any) -> None:
    assert project.problems() == []
    for table in ("execution", "job"):
        ((shortest, missing),) = project.ask(f"SELECT min(end_time - start_time), sum(end_time IS NULL) FROM {table}")
        assert shortest >= 0
        assert missing == 0


def test_the_clock_can_be_set(project: Any, clock: Callable[[int], None]) -> None:
    """Otherwise the tests below say nothing."""
    now = seconds(project)
    clock(-3)
    assert -3.1 * DAY < seconds(project) - now < -2.9 * DAY


@pytest.mark.parametrize(("mode", "days"), [("threads", -3), ("threads", 3), ("processes", -3)])
def test_while_a_run_goes_on(
    project: Any, wait: Callable[..., None], clock: Callable[[int], None], days: int, mode: str
) -> None:
    project.in_mode(mode)
    process = project.start("run", "wf.py", "main", "--n", str(N))
    wait(lambda: project.call_count("work") > 0, process)
    clock(days)
    # Records go on being written: they wait for a tenth of a second, whatever the clock says.
    seen = project.call_count("work")
    wait(lambda: project.call_count("work") > seen, process)
    stdout, _ = process.communicate(timeout=100)
    assert process.returncode == 0, project.errors(process)[-2000:]
    assert stdout.strip() == RESULT
    assert project.statuses() == [DONE]
    no_time_is_negative(project)
    (took,) = re.findall(r"Execution duration: (.*) seconds", project.errors(process))
    assert 0 <= float(took) < 100
    listed = project.redun("log")
    assert "[ DONE ]" in listed
    project.take_bodies()
    assert project.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert project.take_bodies() == []


def test_between_runs(project: Any, clock: Callable[[int], None]) -> None:
    for days in (0, -3, 3, -1):
        clock(days)
        assert project.redun("run", "wf.py", "squares", "--n", "10").strip() == "285"
    assert sorted(project.take_bodies(), key=int) == [str(i) for i in range(10)]
    no_time_is_negative(project)
    listed = re.findall(r"Exec .{8} \[.{6}\] (\S+ \S+): ", project.redun("log"))
    assert len(listed) == 4
    assert listed == sorted(listed, reverse=True)


def test_a_file_that_changed_while_the_clock_was_behind_is_made_again(
    project: Any, clock: Callable[[int], None]
) -> None:
    """The newest state of the file has the older time."""
    source = project.folder / "source.txt"
    (project.folder / "wf2.py").write_text(
        "from redun import File, task\n"
        "from wf import leave_line\n"
        "redun_namespace = 'acme'\n"
        "@task()\n"
        "def make(text: str):\n"
        "    leave_line('make')\n"
        "    file = File('made.txt')\n"
        "    file.write(text)\n"
        "    return file\n"
        "@task()\n"
        "def main(text: str):\n"
        "    return read(make(text))\n"
        "@task()\n"
        "def read(file):\n"
        "    return file.read()\n"
    )
    assert not source.exists()
    for days in (0, -3, -3, 3, -5):
        clock(days)
        (project.folder / "made.txt").unlink(missing_ok=True)
        assert project.redun("run", "wf2.py", "main", "--text", "hello").strip() == "'hello'"
        assert project.take_bodies() == ["make"]
    assert project.redun("run", "wf2.py", "main", "--text", "hello").strip() == "'hello'"
    no_time_is_negative(project)
