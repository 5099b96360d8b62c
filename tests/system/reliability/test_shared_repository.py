"""Several commands on one repository at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

N = 2000
RESULT = str(sum(i * i for i in range(N)))
CACHED, DONE = 3, 2


def run_together(project: Any) -> None:
    processes = [project.start("run", "wf.py", "main", "--n", str(N)) for _ in range(2)]
    for process in processes:
        stdout, _ = process.communicate(timeout=100)
        assert process.returncode == 0, project.errors(process)[-2000:]
        assert stdout.strip() == RESULT
        assert "locked" not in project.errors(process)
    assert project.problems() == []  # also: no row is there twice


@pytest.mark.parametrize("attempt", range(3))
def test_two_runs_of_one_workflow(project: Any, attempt: int) -> None:
    """They begin together, so that they also race for making the repository."""
    assert not project.repository.parent.exists()
    run_together(project)
    assert project.call_count("work") == N
    project.take_bodies()
    assert project.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert project.take_bodies() == []
    last = "execution_id = (SELECT max(id) FROM execution) AND count > 0"
    assert project.ask(f"SELECT DISTINCT status FROM job_count WHERE {last}") == [(CACHED,)]
    assert project.statuses() == [DONE] * 3


def test_two_runs_in_a_repository_that_is_there(project: Any) -> None:
    project.redun("run", "wf.py", "squares", "--n", "100")
    project.take_bodies()
    run_together(project)
    ran = {int(line) for line in project.take_bodies()}
    assert ran == set(range(100, N))


def test_a_run_is_looked_at_while_it_goes_on(project: Any, wait: Callable[..., None]) -> None:
    process = project.start("run", "wf.py", "main", "--n", "2000")
    wait(lambda: project.jobs(DONE) > 0, process)
    looks = 0
    while process.poll() is None:
        assert "run wf.py main" in project.redun("log")
        assert "acme.work" in project.redun("log", "-")
        looks += 1
    assert looks
    assert process.returncode == 0
    assert project.problems() == []
