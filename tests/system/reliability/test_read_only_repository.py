"""A repository that cannot be written: it can be looked at, and a run says what is wrong before anything runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def finished(project: Any) -> Any:
    project.redun("run", "wf.py", "squares", "--n", "3")
    project.take_bodies()
    return project


@pytest.fixture
def freeze() -> Iterator[Any]:
    """Makes a file or folder unchangeable, even for root."""
    frozen: list[Path] = []

    def freeze(path: Path) -> None:
        done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"files cannot be made unchangeable here: {done.stderr.strip()}")
        frozen.append(path)

    yield freeze
    for path in frozen:
        subprocess.run(["chattr", "-i", str(path)], check=True)


def can_only_be_looked_at(project: Any) -> None:
    assert "run wf.py squares" in project.redun("log")
    assert "acme.work" in project.redun("log", "-")
    assert project.problems() == []
    errors = project.redun("run", "wf.py", "squares", "--n", "4", code=2)
    said = [line for line in errors.splitlines() if line.startswith("redun: error:")]
    assert len(said) == 1, errors
    assert str(project.repository) in said[0]
    assert "read-only" in said[0] or "may not write" in said[0]
    assert "Traceback" not in errors
    assert project.take_bodies() == []


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_or_folder_that_cannot_be_written(finished: Any, freeze: Any, what: str) -> None:
    freeze(finished.repository if what == "file" else finished.repository.parent)
    can_only_be_looked_at(finished)


def test_a_filesystem_that_is_mounted_to_be_read(project: Any, disk: Any) -> None:
    disk.mount("size=20m")
    project.repository = disk.folder / "redun.db"
    project.configure("type = local", f"db_uri = sqlite:///{project.repository}")
    project.redun("run", "wf.py", "squares", "--n", "3")
    project.take_bodies()
    disk.remount("ro")
    can_only_be_looked_at(project)


def test_options_in_the_uri_are_refused_and_not_ignored(finished: Any) -> None:
    """`?mode=ro` is how SQLite itself is told to write nothing."""
    before = finished.repository.read_bytes()
    finished.configure("type = local", "db_uri = sqlite:///redun.db?mode=ro")
    errors = finished.redun("run", "wf.py", "squares", "--n", "4", code=2)
    assert "options after a question mark are not supported" in errors
    assert finished.take_bodies() == []
    assert finished.repository.read_bytes() == before
