"""`redun log` and `redun init` on a real repository."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = """
from redun import File, task

redun_namespace = "acme"


@task()
def inc(x: int) -> int:
    return x + 1


@task()
def write(path: str, n: int) -> File:
    file = File(path)
    file.write(str(n))
    return file


@task()
def read(file: File) -> str:
    return file.read()


@task()
def main(path: str):
    return [read(write(path, inc(1))), *[inc(n) for n in range(30)]]


class Odd(Exception):
    pass


@task()
def fail():
    raise Odd("no luck")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    (folder / "wf.py").write_text(WORKFLOW)
    redun(folder, "run", "wf.py", "main", "--path", "out.txt")
    redun(folder, "run", "wf.py", "fail", code=1)
    (folder / "wf.py").unlink()
    return folder


def command() -> str:
    return str(Path(sys.executable).with_name("redun"))


def clean_environment() -> dict[str, str]:
    return {key: text for key, text in os.environ.items() if not key.startswith(("REDUN", "LESS", "PAGER"))}


def redun(folder: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [command(), *words], cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_everything_can_be_reached_from_the_list_of_executions(folder):
    listed = redun(folder, "log").splitlines()[2:]
    assert [line.split()[2:4] for line in listed] == [["[FAILED]", listed[0].split()[3]], ["[", "DONE"]]
    execution = redun(folder, "log", "~2")
    assert "Jobs: 33 (" in execution
    read_line = next(line for line in execution.splitlines() if "acme.read(" in line)
    job = redun(folder, "log", read_line.split()[1])
    assert "acme.read" in job
    assert "from acme.write (Job " in job
    assert "return file.read()" in job
    value_prefix = job.split("file = <")[1][:8]
    value = redun(folder, "log", value_prefix)
    assert "Produced by:" in value
    assert "acme.write(" in value
    file = redun(folder, "log", "out.txt")
    assert "acme.read(" in file.partition("Consumed by:")[2]
    task = redun(folder, "log", "acme.inc")
    assert "return x + 1" in task


def test_a_failure_is_explained_without_the_workflows_classes(folder):
    job = redun(folder, "log", "~1.1")
    assert "wf.Odd('no luck')" in job
    assert 'raise Odd("no luck")' in job
    assert "[FAILED]" in job


def test_json_is_json_everywhere(folder):
    executions = json.loads(redun(folder, "log", "--json"))
    assert [one["status"] for one in executions] == ["FAILED", "DONE"]
    execution = json.loads(redun(folder, "log", "~2", "--json"))
    assert len(execution["jobs"]) == 33
    assert len(json.loads(redun(folder, "log", "~2", "--json", "--limit", "3"))["jobs"]) == 3
    for what, kind in [("~1.1", "job"), ("out.txt", "file")]:
        assert json.loads(redun(folder, "log", what, "--json"))["kind"] == kind
    assert json.loads(redun(folder, "log", "inc", "--json"))[0]["kind"] == "task"


def test_what_is_not_there_gives_one_message_and_code_2(folder, tmp_path):
    assert redun(folder, "log", "nosuchthing", code=2).startswith("redun: error: 'nosuchthing' names no ")
    assert "no repository" in redun(tmp_path, "log", code=2)
    assert not list(tmp_path.iterdir())


def test_a_terminal_gets_a_pager_that_can_be_refused(folder):
    for words, expected in [(["log"], b"paged"), (["log", "--no-pager"], b"Exec ")]:
        controller, terminal = pty.openpty()
        environ = {**clean_environment(), "PAGER": "sed s/^Exec.*/paged/", "TERM": "xterm"}
        with subprocess.Popen([command(), *words], cwd=folder, env=environ, stdin=terminal, stdout=terminal) as process:
            os.close(terminal)
            output = b""
            try:
                while piece := os.read(controller, 65536):
                    output += piece
            except OSError:  # how Linux says that the other side is closed
                pass
        os.close(controller)
        assert process.returncode == 0
        assert (b"paged" in output, b"Exec " in output) == (expected == b"paged", expected == b"Exec ")


def test_init_makes_a_repository_that_log_can_read(tmp_path):
    assert redun(tmp_path, "init", "here").startswith("Initialized redun repository: ")
    assert (tmp_path / "here" / ".redun" / "redun.ini").is_file()
    assert "(none yet)" in redun(tmp_path / "here", "log")
    redun(tmp_path, "-c", "elsewhere", "init")
    assert (tmp_path / "elsewhere" / "redun.db").is_file()
    redun(tmp_path, "init")
    redun(tmp_path, "init")
    assert (tmp_path / ".redun" / "redun.db").is_file()
