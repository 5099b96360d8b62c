"""A disk that fills up: the run says so and ends, and what was recorded stays whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

N = 500


def is_said_in_one_line(errors: str, repository: Path) -> None:
    said = [line for line in errors.splitlines() if line.startswith("redun: error:")]
    assert len(said) == 1, errors
    assert "the disk is full" in said[0]
    assert str(repository) in said[0]
    assert "Traceback" not in errors


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_a_run_that_fills_the_disk_can_be_taken_up_again(project: Any, disk: Any, mode: str) -> None:
    disk.mount("size=3m")
    project.repository = disk.folder / "redun.db"
    project.configure(f"type = local\nmode = {mode}\nmax_workers = 4", f"db_uri = sqlite:///{project.repository}")
    errors = project.redun("run", "wf.py", "fill", "--n", str(N), code=1)
    is_said_in_one_line(errors, project.repository)
    disk.resize("50m")
    assert project.problems() == []
    known = project.recorded("padded")
    assert 0 < len(known) < N
    project.take_bodies()
    assert project.redun("run", "wf.py", "fill", "--n", str(N)).strip() == str(N)
    assert {int(line) for line in project.take_bodies()} == set(range(N)) - known
    assert project.problems() == []


def test_a_repository_for_which_there_is_no_room(project: Any, disk: Any) -> None:
    disk.mount("size=64k")
    project.repository = disk.folder / "redun.db"
    project.configure("type = local", f"db_uri = sqlite:///{project.repository}")
    # As with everything that is wrong before anything has run, the exit code is 2.
    is_said_in_one_line(project.redun("run", "wf.py", "squares", "--n", "3", code=2), project.repository)
    assert project.take_bodies() == []
    disk.resize("50m")
    assert project.redun("run", "wf.py", "squares", "--n", "3").strip() == "5"
    assert project.problems() == []
