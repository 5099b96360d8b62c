"""`redun oneshot`: one call of a task, without a scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from redun.executors import Raised, Returned, decode_outcome, encode_call
from redun.executors.base import TaskTarget
from redun.remote.frames import CALL, Frame, pack, unpack
from redun.testing import call_target, make_call, tasks

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = """
import time
from redun import task
redun_namespace = "shot"

@task()
def add(a: int, b: int = 2):
    return a + b

@task()
def fail(message: str):
    raise ValueError(message)

@task()
def nothing():
    pass
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "shots.py"
    path.write_text(WORKFLOW)
    return path


def oneshot(*words: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "redun", "oneshot", *map(str, words)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_without_input_arguments_come_from_the_command_line_and_the_result_is_printed(script: Path) -> None:
    done = oneshot("shots.py", "add", "--a", 3, "--b=4", cwd=script.parent)
    assert (done.stdout, done.stderr, done.returncode) == ("7\n", "", 0)
    assert oneshot("shots", "shot.nothing", cwd=script.parent).stdout == ""
    assert "--a" in oneshot("shots.py", "add", "help", cwd=script.parent).stdout


def test_a_failing_task_shows_its_own_traceback(script: Path) -> None:
    done = oneshot("shots.py", "fail", "--message", "no luck", cwd=script.parent)
    assert done.returncode == 2
    assert "task shot.fail failed" in done.stderr
    assert "ValueError: no luck" in done.stderr
    assert "redun/cli" not in done.stderr


def test_the_result_may_go_to_a_file(script: Path) -> None:
    output = script.parent / "result"
    done = oneshot("shots.py", "add", "--a", 3, "--output", output, cwd=script.parent)
    assert (done.stdout, done.returncode) == ("", 0)
    assert decode_outcome("add", unpack("x", output.read_bytes()).payload) == Returned(5)
    done = oneshot("shots.py", "fail", "--message", "x", "--output", output, "--error", "problem", cwd=script.parent)
    outcome = decode_outcome("fail", unpack("x", (script.parent / "problem").read_bytes()).payload)
    assert done.returncode == 1
    assert isinstance(outcome, Raised)
    assert str(outcome.error) == "x"


def test_a_stale_error_is_removed(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(pack(Frame(CALL, "order", encode_call(make_call(1, tasks.add, 1)))))
    (tmp_path / "error").write_bytes(b"of yesterday")
    done = _run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "error").exists()
    assert unpack("x", (tmp_path / "output").read_bytes()).order == "order"


def test_an_output_that_is_there_is_used_unless_it_must_not_be(tmp_path: Path) -> None:
    for order in ("first", "second", "third"):
        (tmp_path / "input").write_bytes(pack(Frame(CALL, order, encode_call(make_call(1, tasks.add, 1)))))
        done = _run(tmp_path, *(["--no-cache"] if order == "third" else []))
        assert done.returncode == 0
        assert ("Existing output found" in done.stderr) == (order == "second")
    assert unpack("x", (tmp_path / "output").read_bytes()).order == "third"


def test_without_an_index_a_job_of_an_array_says_what_is_missing(tmp_path: Path) -> None:
    done = _run(tmp_path, "--array-job", "--array-rank-env", "MY_RANK")
    assert done.returncode == 2
    assert "MY_RANK" in done.stderr
    done = _run(tmp_path, "--array-job", "--array-rank-env", "MY_RANK", MY_RANK="x")
    assert "MY_RANK is 'x', and should be a number" in done.stderr


def test_a_job_without_input_writes_an_error(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.returncode == 1
    outcome = decode_outcome("x", unpack("x", (tmp_path / "error").read_bytes()).payload)
    assert isinstance(outcome, Raised)
    assert f"there is no file {tmp_path}/input" in str(outcome.error)


def test_a_worker_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "shots.py").write_text(
        "from redun import task\n@task(name='work', namespace='lean')\ndef work(x): return x"
    )
    call = call_target(1, TaskTarget("lean.work", b"", "shots", (str(tmp_path),)), 5)
    (tmp_path / "input").write_bytes(pack(Frame(CALL, "order", encode_call(call))))
    words = ["oneshot", "m", "t", "--input", "input", "--output", "output", "--error", "error"]
    program = (
        "import json, sys\nfrom redun.cli.entry import run_command_line\n"
        f"assert run_command_line({words!r}) == 0\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(json.loads(done.stdout))
    heavy = {"pydantic", "sqlalchemy", "fsspec", "rich", "boto3", "concurrent.futures", "tarfile", "importlib.metadata"}
    assert not modules & heavy
    assert not [name for name in modules if name.startswith(("redun.scheduler.", "redun.backends.", "redun.config."))]


def _run(folder: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    files = [word for name in ("input", "output", "error") for word in (f"--{name}", str(folder / name))]
    return oneshot("redun.testing.tasks", *more, *files, "redun_testing.add", cwd=folder, **variables)
