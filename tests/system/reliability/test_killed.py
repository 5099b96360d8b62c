"""Runs that are killed in the middle: the next one goes on from what was recorded, and comes to the right result.

What a kill costs are the bodies that had run, or were running, and were not yet recorded: records are written when some
thousands have gathered, and at the latest after a tenth of a second.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

DONE = 2


class Moment(NamedTuple):
    """When to kill a run."""

    calls: int
    """When so many more calls are recorded than before the run,"""
    seconds: float
    """and then some time later: within the tenth of a second until the next batch, or while that is written."""


def kill(process: subprocess.Popen[str], victims: str) -> None:
    if victims == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate(timeout=60)


def kill_and_go_on(project: Any, wait: Any, members: Any, moments: list[Moment], n: int, victims: str) -> None:
    """Kill one run after the other, then let one end."""
    known: set[int] = set()
    for moment in moments:
        process = project.start("run", "wf.py", "main", "--n", str(n))
        wanted = len(known) + moment.calls
        wait(lambda wanted=wanted: project.call_count("work") >= wanted, process)
        time.sleep(moment.seconds)
        kill(process, victims)
        # Workers notice that nobody is at the other end any more.
        wait(lambda pid=process.pid: not members(pid))
        assert project.problems() == []
        bodies = [int(line) for line in project.take_bodies()]
        assert len(bodies) == len(set(bodies))
        assert known.isdisjoint(bodies), "a body ran again although its result was recorded"
        known = project.recorded()
        assert known
    assert project.redun("run", "wf.py", "main", "--n", str(n)).strip() == str(sum(i * i for i in range(n)))
    bodies = [int(line) for line in project.take_bodies()]
    assert sorted(bodies) == sorted(set(range(n)) - known)
    assert project.problems() == []
    ((cached,),) = project.ask(
        "SELECT coalesce(sum(count), 0) FROM job_count JOIN task ON task.id = task_id WHERE status = 3"
        " AND task.name = 'work' AND execution_id = (SELECT max(id) FROM execution)"
    )
    assert cached == len(known)
    assert project.statuses() == [1] * len(moments) + [DONE]


@pytest.mark.parametrize(("mode", "victims"), [("threads", "main"), ("processes", "main"), ("processes", "group")])
def test_a_killed_run_is_taken_up_again(
    project: Any, wait: Callable[..., None], members: Callable[[int], list[int]], mode: str, victims: str
) -> None:
    project.in_mode(mode)
    kill_and_go_on(project, wait, members, [Moment(1, 0.0), Moment(100, 0.04)], 1500, victims)


@pytest.mark.campaign_killed
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victims", ["main", "group"])
@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_ten_kills(
    project: Any, wait: Callable[..., None], members: Callable[[int], list[int]], mode: str, victims: str
) -> None:
    seed = int(os.environ.get("KILL_SEED", time.time_ns() % 1_000_000))
    print(f"KILL_SEED={seed}")
    rng = random.Random(seed)
    project.in_mode(mode)
    moments = [Moment(rng.randint(1, 250), rng.uniform(0, 0.1)) for _ in range(10)]
    kill_and_go_on(project, wait, members, moments, 5000, victims)
