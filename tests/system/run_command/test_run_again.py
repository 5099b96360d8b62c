"""`redun run --rerun`, `--pdb` and `--exclude-user`."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

WORKFLOW = """
import time
from pathlib import Path

from redun import task
from redun.context import get_context

redun_namespace = "acme"


class Given:
    def __init__(self, x):
        self.x = x


@task()
def bad(given: Given, *more: int, y: int = 2, unit: str = get_context("unit", "m"), **rest: int):
    left = given.x - 5
    return [1 / left, more, y, unit, get_context("unit", "m"), rest]


@task()
def main(x: int = 5):
    return bad(Given(x), 8, 9, y=3, q=7)


@task()
def wait(started: str):
    Path(started).touch()
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def first_run(make_shell: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a repository, and the id of the execution in it, which failed."""
    redun = make_shell(tmp_path_factory.mktemp("failed"))
    (redun.folder / "again.py").write_text(WORKFLOW)
    redun("run", "--context", "unit=km", "again.py", "main", code=1)
    return redun.folder, latest(redun)


@pytest.fixture
def failed(redun: Any, first_run: tuple[Path, str]) -> str:
    """The id of an execution that failed."""
    folder, execution_id = first_run
    shutil.copytree(folder, redun.folder, dirs_exist_ok=True)
    return execution_id


def latest(redun: Any) -> str:
    return str(json.loads(redun("log", "-", "--json").stdout)["id"])


def given_to(redun: Any, job: str) -> list[str]:
    """What the lines say that are about the arguments of a job."""
    lines = redun("log", job).stdout.splitlines()
    indented = lines[lines.index("    Args:") + 1 :]
    return [line.rpartition("> ")[2] for line in itertools.takewhile(lambda line: line.startswith("      "), indented)]


@pytest.mark.parametrize("words", ["--rerun again.py ID", "again.py --rerun ID", "again.py ID --rerun"])
def test_a_job_runs_again_with_the_arguments_that_it_was_given(redun: Any, failed: str, words: str) -> None:
    done = redun("run", *words.replace("ID", f"{failed[:8]}.2").split(), code=1)
    assert "ZeroDivisionError" in done.stderr
    again = latest(redun)
    assert again != failed
    given = given_to(redun, f"{again}.1")
    assert given == given_to(redun, f"{failed}.2")
    assert len(given) == 5
    assert f"the same call failed in {failed[:8]}.2" in redun("explain", f"{again}.1").stdout


@pytest.mark.parametrize("text", ["-", "~1", "-.1", "FULL"])
def test_an_execution_stands_for_its_first_job(redun: Any, failed: str, text: str) -> None:
    redun("run", "--rerun", "again.py", text.replace("FULL", failed), code=1)
    assert json.loads(redun("log", "-.2", "--json").stdout)["task"] == "acme.bad"
    assert given_to(redun, "-.1") == ["5"]


def test_arguments_that_are_given_come_in_the_place_of_recorded_ones(redun: Any, failed: str) -> None:
    done = redun("run", "--rerun", "again.py", "-", "--x", "6")
    assert done.stdout == "[1.0, (8, 9), 3, 'km', 'km', {'q': 7}]\n"
    done = redun("run", "--rerun", "--context", "unit=mile", "again.py", f"{failed}.1", "--x=7")
    assert done.stdout == "[0.5, (8, 9), 3, 'mile', 'mile', {'q': 7}]\n"


def test_an_edited_task_runs_with_what_it_was_given_before(redun: Any, failed: str) -> None:
    (redun.folder / "again.py").write_text(WORKFLOW.replace("1 / left", "left"))
    assert redun("run", "--rerun", "again.py", f"{failed}.2").stdout == "[0, (8, 9), 3, 'km', 'km', {'q': 7}]\n"


@pytest.mark.parametrize(
    ("edit", "words", "message"),
    [
        (("", ""), ["--rerun", "again.py", "main"], "'main' names neither"),
        (("", ""), ["again.py", "main", "--rerun"], "in the place of TASK, and acme.main is a task"),
        (("", ""), ["--rerun", "again.py", "00000000"], "'00000000' names no execution"),
        (("", ""), ["--rerun", "again.py", "-.9"], "has no job number 9"),
        (("", ""), ["--rerun", "again.py", "-.2", "--z", "1"], "acme.bad has no argument --z"),
        (("", ""), ["--rerun", "--input", "x", "again.py", "-"], "give one of them"),
        (("y: int = 2, ", ""), ["--rerun", "again.py", "-.2"], "acme.bad no longer has the parameter 'y'"),
        (("more: int, y", "more: int, z: int, y"), ["--rerun", "again.py", "-.2"], "missing a required argument: 'z'"),
        (("bad", "worse"), ["--rerun", "again.py", "-.2"], "no task 'acme.bad'"),
        (("Given", "Taken"), ["--rerun", "again.py", "-.2"], "the argument 'given' cannot be loaded"),
    ],
)
def test_what_cannot_run_again_is_said_in_one_message(
    redun: Any, failed: str, edit: tuple[str, str], words: list[str], message: str
) -> None:
    (redun.folder / "again.py").write_text(WORKFLOW.replace(*edit))
    assert message in redun.refuses("run", *words)
    assert latest(redun) == failed


def test_the_arguments_of_a_job_without_a_result_are_not_known(redun: Any, failed: str) -> None:
    started = redun.folder / "started"
    process = subprocess.Popen(
        redun.command("run", "again.py", "wait", "--started", str(started)),
        cwd=redun.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        while "Run " not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert "the arguments of a job are recorded with its result" in redun.refuses("run", "--rerun", "again.py", "-")


def debugged(redun: Any, statements: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        redun.command("run", "--pdb", *words),
        cwd=redun.folder,
        env=redun.environ,
        input=statements,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_debugger_opens_in_the_frame_that_failed(redun: Any, failed: str) -> None:
    done = debugged(redun, "p given.x, left, more\nw\nq\n", "again.py", "main")
    assert done.returncode == 1
    assert "redun: stopped at ZeroDivisionError: division by zero\n" in done.stdout
    assert "(Pdb) (5, 0, (8, 9))\n" in done.stdout
    where = done.stdout.partition("(8, 9))\n")[2]
    assert where.count("again.py") == 1
    assert "/redun" not in where
    assert done.stderr.count("redun: the workflow failed.") == 1
    assert debugged(redun, "", "again.py", "main").returncode == 1
    assert debugged(redun, "p 4 * 1000\n", "again.py", "main", "--x", "6").stdout.startswith("[1.0, ")


def test_what_ran_elsewhere_cannot_be_debugged(redun: Any, failed: str) -> None:
    ini = redun.folder / ".redun" / "redun.ini"
    ini.write_text(ini.read_text() + "\n[executors.default]\ntype = local\nmode = process\n")
    done = debugged(redun, "q\n", "again.py", "main")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("redun: --pdb: the task that failed has left no frames here.")
    assert "(Pdb)" not in done.stdout


PLUGIN = """
from redun.plugins import hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_execution_tags(config):
    return {"user_aws": "ada", "user_aws_arn": "arn:1", "user_awsome": "yes", "user_gcp": "ada@x"}
"""


def test_tags_that_say_who_somebody_is_to_a_cloud_can_be_left_out(redun: Any, failed: str) -> None:
    site = redun.folder / "site"
    info = site / "clouds-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "clouds.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clouds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[redun]\nclouds = clouds\n")

    def cloud_tags(*words: str) -> list[str]:
        redun("run", *words, "again.py", "main", "--x", "6", env={"PYTHONPATH": str(site)})
        tags = json.loads(redun("log", "-", "--json").stdout)["tags"]
        return sorted(tag["key"] for tag in tags if tag["key"].startswith("user_"))

    assert cloud_tags() == ["user_aws", "user_aws_arn", "user_awsome", "user_gcp"]
    assert cloud_tags("--exclude-user", "aws") == ["user_awsome", "user_gcp"]
    assert cloud_tags("--exclude-user", "aws", "--exclude-user=gcp") == ["user_awsome"]
    assert "'azure' is not one of" in redun.refuses("run", "--exclude-user", "azure", "again.py", "main")
