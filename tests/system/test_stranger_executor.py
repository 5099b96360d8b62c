"""An executor that a stranger might have written, installed and used without a checkout of redun."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples/plugins/redun-executor-subprocess"
PAGE = (ROOT / "docs/plugins/writing-an-executor.md").read_text()

WORKFLOW = """
import os
import time

from redun import task

redun_namespace = "stranger"


@task(executor="fresh")
def where(number: int) -> int:
    print("printed by a task")
    return os.getpid()


@task(executor="fresh", script=True)
def shout(word: str) -> str:
    return f"echo {word} | tr a-z A-Z"


@task(executor="fresh")
def fail() -> None:
    raise LookupError("on purpose")


@task(executor="fresh")
def die() -> None:
    os.abort()


@task(executor="fresh", python=3)
def choose_badly() -> None:
    pass


@task(executor="fresh", pyton="/usr/bin/python3")
def spell_badly() -> int:
    return 1


@task(executor="fresh")
def hold(pipe: str) -> None:
    with open(pipe, "w") as stream:
        print(os.getpid(), file=stream, flush=True)
        time.sleep(60)


@task(executor="default")
def main(calls: int = 6) -> list[int]:
    return [where(number) for number in range(calls)]
"""

pytestmark = pytest.mark.packages


@pytest.fixture(scope="module")
def programs(
    wheels: list[Path],
    build: Callable[..., list[Path]],
    make_environment: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The programs of an environment with the wheels of redun and of the example."""
    example = build([PACKAGE], tmp_path_factory.mktemp("stranger_dist"))
    return make_environment(tmp_path_factory.mktemp("stranger"), [*wheels, *example], "pytest")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workflow and the configuration that the page ends with."""
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    configure(tmp_path, re.findall(r"^```ini file=.redun/redun.ini\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[-1])
    return tmp_path


def configure(folder: Path, text: str) -> None:
    (folder / ".redun").mkdir(exist_ok=True)
    (folder / ".redun/redun.ini").write_text(text)


def call(*command: str | Path, folder: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing of the checkout on its path."""
    return subprocess.run(command, cwd=folder, env=clean(), capture_output=True, text=True, timeout=timeout)


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("REDUN", "PYTHONPATH"))}


@pytest.mark.timeout(600)
def test_its_own_tests_pass_where_it_is_installed(programs: Path, tmp_path: Path) -> None:
    # Elsewhere, since pytest would take the settings of this checkout for those of the package.
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    done = call(programs / "pytest", "-q", "-p", "no:cacheprovider", "tests", folder=tmp_path, timeout=580)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 50
    assert "failed" not in done.stdout


def test_its_type_runs_every_call_in_an_interpreter_of_its_own(programs: Path, folder: Path) -> None:
    first = call(programs / "redun", "run", "workflow.py", "main", folder=folder)
    assert first.returncode == 0, first.stderr
    assert len(set(json.loads(first.stdout))) == 6
    assert first.stderr.count("printed by a task") == 6
    second = call(programs / "redun", "run", "workflow.py", "main", folder=folder)
    assert second.stdout == first.stdout, "everything comes from the cache"
    assert "printed by a task" not in second.stderr


def test_its_type_runs_scripts(programs: Path, folder: Path) -> None:
    done = call(programs / "redun", "run", "workflow.py", "shout", "--word", "loud", folder=folder)
    assert done.stdout == "b'LOUD\\n'\n", done.stderr


def test_failures_are_told_with_their_cause(programs: Path, folder: Path) -> None:
    failed = call(programs / "redun", "run", "workflow.py", "fail", folder=folder)
    assert failed.returncode == 1
    assert "LookupError: on purpose" in failed.stderr
    assert "workflow.py" in failed.stderr
    died = call(programs / "redun", "run", "workflow.py", "die", folder=folder)
    assert died.returncode == 1
    assert "SIGABRT" in died.stderr
    assert "stranger.die" in died.stderr


def test_an_interrupted_run_leaves_no_interpreter_behind(programs: Path, folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    command = [programs / "redun", "run", "workflow.py", "hold", "--pipe", str(pipe)]
    process = subprocess.Popen(command, cwd=folder, env=clean(), stderr=subprocess.PIPE, text=True)
    try:
        with pipe.open() as stream:
            worker = int(stream.readline())
            process.send_signal(signal.SIGINT)
            _, printed = process.communicate(timeout=60)
            assert stream.read() == "", "the worker has closed the pipe"
    finally:
        process.kill()
    assert process.returncode == 130, printed
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_it_is_listed_with_what_it_provides(programs: Path, folder: Path) -> None:
    listed = json.loads(call(programs / "redun", "plugins", "--json", folder=folder).stdout)
    record = next(one for one in listed["plugins"] if one["plugin"] == "subprocess")
    assert (record["distribution"], record["status"]) == ("redun-executor-subprocess", "loaded")
    assert record["provides"] == {"executor type": ["subprocess"]}
    assert listed["problems"] == []


def test_its_settings_are_shown_documented_and_checked(programs: Path, folder: Path) -> None:
    shown = call(programs / "redun", "config", "show", folder=folder).stdout
    assert "slots = 4    (" in shown
    assert re.search(r"^python = .*default", shown, re.MULTILINE)
    assert '"const": "subprocess"' in call(programs / "redun", "config", "schema", folder=folder).stdout
    assert call(programs / "redun", "config", "check", folder=folder).returncode == 0

    configure(folder, "[executors.fresh]\ntype = subprocess\nslot = 4\n")
    checked = call(programs / "redun", "config", "check", folder=folder)
    assert checked.returncode == 2
    expected = re.search(r"^```text check\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert expected
    assert expected[1].strip() in checked.stderr

    configure(folder, "[executors.fresh]\ntype = subprocess\nslots = many\n")
    assert "redun.ini:3: [executors.fresh] slots" in call(programs / "redun", "config", "check", folder=folder).stderr


def test_the_options_of_its_tasks_are_checked(programs: Path, folder: Path) -> None:
    wrong = call(programs / "redun", "run", "workflow.py", "choose_badly", folder=folder)
    assert wrong.returncode == 1
    assert "task 'stranger.choose_badly': the option python = 3 cannot be used by the executor 'fresh'" in wrong.stderr
    near = call(programs / "redun", "run", "workflow.py", "spell_badly", folder=folder)
    assert near.stdout == "1\n"
    assert "the executor 'fresh' has no option 'pyton'. Did you mean 'python'?" in near.stderr
