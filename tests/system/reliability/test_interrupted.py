"""Ctrl-C and SIGTERM, once and twice, in each phase of a run.

The first one ends the run in order: what is known is recorded, and the next run goes on from there. The second one ends
the process at once.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

CANCELLED = 5
N = 200
CODES = {signal.SIGINT: (130, "redun: interrupted"), signal.SIGTERM: (143, "redun: terminated")}
SIGNALS = pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
CTRL_C = pytest.mark.parametrize("signum", [signal.SIGINT], ids=["Ctrl-C"])
SIGTERM = pytest.mark.parametrize("signum", [signal.SIGTERM], ids=["SIGTERM"])
INLINE = "type = inline"


def ends_in_order(project: Any, process: subprocess.Popen[str], signum: signal.Signals) -> None:
    code, last_word = CODES[signum]
    process.communicate(timeout=60)
    errors = project.errors(process)
    assert process.returncode == code, errors[-2000:]
    assert errors.splitlines()[-1] == last_word
    assert "Traceback" not in errors


def ends_at_once(project: Any, process: subprocess.Popen[str], signum: signal.Signals) -> None:
    process.communicate(timeout=60)
    errors = project.errors(process)
    # A signal that comes when Python is about to end anyway kills it: for a shell that is the same exit code.
    assert process.returncode in (CODES[signum][0], -signum), errors[-2000:]
    assert "Traceback" not in errors


def dies(project: Any, process: subprocess.Popen[str], signum: signal.Signals) -> None:
    """Outside of a run there is nothing to bring in order, and SIGTERM does what it does to every program."""
    if signum == signal.SIGINT:
        ends_in_order(project, process, signum)
    else:
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGTERM
        assert "Traceback" not in project.errors(process)


def goes_on(project: Any) -> None:
    """The run is recorded as cancelled with all that it had done, and no body of these runs again."""
    assert project.problems() == []
    assert project.statuses() == [CANCELLED]
    project.take_bodies()
    assert project.redun("run", "wf.py", "squares", "--n", str(N)).strip() == str(sum(i * i for i in range(N)))
    assert project.take_bodies() == []


def start_blocking(project: Any, wait: Callable[..., None], task: str = "then_block") -> subprocess.Popen[str]:
    """A run that has done its work, in the middle of a task that never ends."""
    process = project.start("run", "wf.py", task, "--n", str(N))
    wait(lambda: project.has_body("blocks"), process)
    return process


@SIGNALS
def test_while_the_script_is_imported(project: Any, wait: Callable[..., None], signum: signal.Signals) -> None:
    (project.folder / "slow.py").write_text("import time\nfrom wf import leave_line\nleave_line(0)\ntime.sleep(3600)\n")
    process = project.start("run", "slow.py", "main")
    wait(lambda: project.has_body("0"), process)
    process.send_signal(signum)
    dies(project, process, signum)
    assert not project.repository.exists()


@CTRL_C
def test_while_the_repository_is_opened(project: Any, wait: Callable[..., None], signum: signal.Signals) -> None:
    """Somebody else keeps it locked."""
    project.in_mode("threads")
    with closing(sqlite3.connect(project.repository, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        process = project.start("run", "wf.py", "squares", "--n", str(N))
        wait(lambda: is_open(process.pid, project.repository), process)
        process.send_signal(signum)
        dies(project, process, signum)
    assert project.redun("run", "wf.py", "squares", "--n", "3").strip() == "5"


def is_open(pid: int, path: Path) -> bool:
    try:
        return any(os.path.realpath(entry) == str(path) for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@SIGNALS
@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_while_tasks_run(
    project: Any,
    wait: Callable[..., None],
    members: Callable[[int], list[int]],
    mode: str,
    signum: signal.Signals,
) -> None:
    project.in_mode(mode)
    process = start_blocking(project, wait)
    process.send_signal(signum)
    ends_in_order(project, process, signum)
    wait(lambda: not members(process.pid))
    goes_on(project)


def test_in_a_terminal_the_workers_hear_it_too(
    project: Any, wait: Callable[..., None], members: Callable[[int], list[int]]
) -> None:
    project.in_mode("processes")
    process = start_blocking(project, wait)
    os.killpg(process.pid, signal.SIGINT)
    ends_in_order(project, process, signal.SIGINT)
    wait(lambda: not members(process.pid))
    goes_on(project)


@CTRL_C
def test_a_task_in_the_schedulers_thread_is_interrupted(
    project: Any, wait: Callable[..., None], signum: signal.Signals
) -> None:
    project.configure(INLINE)
    process = start_blocking(project, wait)
    process.send_signal(signum)
    ends_in_order(project, process, signum)
    goes_on(project)


@SIGTERM
def test_a_second_one_ends_a_task_in_the_schedulers_thread_that_goes_on(
    project: Any, wait: Callable[..., None], signum: signal.Signals
) -> None:
    project.configure(INLINE)
    (project.folder / "wf.py").write_text(
        (project.folder / "wf.py").read_text().replace("    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "")
    )
    process = start_blocking(project, wait, "then_stubborn")
    process.send_signal(signum)
    wait(lambda: project.has_body("interrupted"), process)
    process.send_signal(signum)
    ends_at_once(project, process, signum)
    assert project.problems() == []


@SIGNALS
@pytest.mark.parametrize(("mode", "task"), [("threads", "then_block"), ("processes", "then_stubborn")])
def test_a_second_one_does_not_wait_for_tasks(
    project: Any,
    wait: Callable[..., None],
    members: Callable[[int], list[int]],
    mode: str,
    task: str,
    signum: signal.Signals,
) -> None:
    """Not even for a worker that does not want to end: that is not left behind either."""
    project.in_mode(mode)
    process = start_blocking(project, wait, task)
    process.send_signal(signum)
    wait(lambda: "ending what runs" in project.errors(process))
    process.send_signal(signum)
    ends_at_once(project, process, signum)
    wait(lambda: not members(process.pid))
    assert project.problems() == []


@SIGTERM
def test_while_a_batch_is_recorded_it_is_written_first(
    project: Any, wait: Callable[..., None], signum: signal.Signals
) -> None:
    process, other = start_recording(project, wait)
    with closing(other):
        process.send_signal(signum)
        wait(lambda: has_taken(process.pid, signum), process)
        assert process.poll() is None
        other.execute("ROLLBACK")
        ends_in_order(project, process, signum)
    assert {int(line) for line in project.take_bodies() if line.isdigit()} >= project.recorded() > set()
    assert project.problems() == []
    assert project.statuses() == [CANCELLED]


@CTRL_C
def test_a_second_one_does_not_wait_for_the_batch(
    project: Any, wait: Callable[..., None], signum: signal.Signals
) -> None:
    process, other = start_recording(project, wait)
    with closing(other):
        process.send_signal(signum)
        wait(lambda: has_taken(process.pid, signum), process)
        # While SQLite sleeps, for a tenth of a second, Python takes two signals for one.
        time.sleep(1)
        process.send_signal(signum)
        ends_at_once(project, process, signum)
    assert project.problems() == []
    assert project.redun("run", "wf.py", "squares", "--n", str(N)).strip() == str(sum(i * i for i in range(N)))


def start_recording(project: Any, wait: Callable[..., None]) -> tuple[subprocess.Popen[str], sqlite3.Connection]:
    """A run that wants to write a batch, and waits for another process that writes."""
    project.in_mode("threads")
    process = project.start("run", "wf.py", "main", "--n", "20000")
    wait(lambda: project.call_count("work") > 0, process)
    other = sqlite3.connect(project.repository, isolation_level=None, timeout=60)
    other.execute("BEGIN IMMEDIATE")
    # SQLite sleeps between two attempts, and nothing else in the scheduler's thread does.
    wait(lambda: "nanosleep" in Path(f"/proc/{process.pid}/wchan").read_text(), process)
    return process, other


def has_taken(pid: int, signum: signal.Signals) -> bool:
    """Whether a signal that was sent to a process has reached it."""
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(mask >> (signum - 1) & 1 for mask in pending)


@CTRL_C
def test_while_the_result_is_printed(project: Any, wait: Callable[..., None], signum: signal.Signals) -> None:
    """Nobody reads it."""
    project.in_mode("threads")
    process = project.start("run", "wf.py", "long_text", "--size", "10000000")
    wait(lambda: project.statuses() == [2], process)
    reader = process.stdout
    assert reader is not None
    reader.read(1)
    process.send_signal(signum)
    dies(project, process, signum)
    assert project.problems() == []
