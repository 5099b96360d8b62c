"""A folder with a workflow, and a shell in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = '''
from __future__ import annotations

import enum
import time
from pathlib import Path
from typing import Literal, Optional

from redun import File, task

redun_namespace = "acme"


class Colour(enum.Enum):
    red = 1
    green = 2


@task()
def inc(x: int) -> int:
    """Add one."""
    return x + 1


@task()
def main(x: int = 3):
    return [inc(x), inc(inc(x))]


@task()
def nothing() -> None:
    return None


@task()
def fail(x):
    raise ValueError("bad input")


@task()
def boom(n: int):
    return [inc(n), fail(n)]


@task()
def kinds(
    my_int: int,
    colour: Colour = Colour.red,
    mode: Literal["fast", "slow"] = "fast",
    maybe: Optional[int] = None,
    many: list[int] = [],
    flag: bool = False,
    user: str = "nobody",
    file: File | None = None,
    pair: tuple[int, str] = (0, ""),
    either: int | str = 0,
    untyped=None,
):
    return [my_int, colour.name, mode, maybe, many, flag, user, file and file.path, pair, either, untyped]


@task()
def positional(a: int, b: int = 2, c: int = 3, /, *rest, **more):
    return [a, b, c]


@task()
def count(numbers: dict[str, int]):
    return sum(numbers.values())


@task(namespace="other", name="elsewhere")
def renamed():
    return "found"


@task()
def wait(started: str):
    Path(started).touch()
    time.sleep(60)
'''


class Shell:
    """Runs `redun` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}

    def command(self, *words: str) -> list[str]:
        # Not `python -m redun`, which would put the working directory on `sys.path` by itself.
        return [str(Path(sys.executable).with_name("redun")), *words]

    def __call__(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**self.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == code, done.stderr
        return done

    def refuses(self, *words: str) -> str:
        """The one message of a command that could not be started as it was asked for."""
        done = self(*words, code=2)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("redun: error: ")
        return done.stderr


@pytest.fixture(scope="session")
def make_shell():
    """Makes a shell in a folder, with the workflow in it."""

    def make_shell(folder: Path) -> Shell:
        (folder / "wf.py").write_text(WORKFLOW)
        (folder / "text.txt").touch()
        (folder / "empty").mkdir()
        return Shell(folder)

    return make_shell


@pytest.fixture
def redun(make_shell, tmp_path):
    return make_shell(tmp_path)
