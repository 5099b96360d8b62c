"""Script tasks and async tasks through `redun run`: what comes out, and that no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.standard

WORKFLOW = '''
from redun import task

redun_namespace = "acme"


@task(script=True)
def shout(text: str):
    return f"""
        echo ran >> ran.txt
        echo {text} | tr a-z A-Z
    """


@task(script=True)
def words(text: str):
    return ["printf", "%s", text]


@task()
def measure(output: bytes):
    return len(output)


@task()
def main(text: str = "hello"):
    return [shout(text), words("it's $HOME"), measure(shout(text))]


@task(script=True)
def fail():
    return """
        echo half-way >&2
        exit 4
    """


@task(script=True)
def hold(started: str, release: str):
    return f"""
        echo started > {started}
        cat {release}
    """


@task(script=True, executor="processes")
def in_processes(text: str):
    return ["echo", text]


@task(script=True, executor="inline")
def in_line(text: str):
    return ["echo", text]


@task(script=True)
def no_script():
    return 5
'''
REDUN = str(Path(sys.executable).with_name("redun"))
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wf.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun" / "redun.ini").write_text("[executors.processes]\ntype = local\nmode = process\n")
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REDUN, "run", "wf.py", *words], cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=100
    )


def test_the_result_of_a_script_is_bytes_and_is_cached(folder):
    first = run(folder, "main")
    assert first.stdout == "[b'HELLO\\n', b\"it's $HOME\", 6]\n", first.stderr
    assert (folder / "ran.txt").read_text() == "ran\n"
    second = run(folder, "main")
    assert second.stdout == first.stdout
    assert (folder / "ran.txt").read_text() == "ran\n"


@pytest.mark.parametrize("task", ["in_processes", "in_line"])
def test_scripts_run_on_every_executor_that_declares_them(folder, task):
    done = run(folder, task, "--text", "a b")
    assert done.stdout == "b'a b\\n'\n", done.stderr


def test_a_failing_script_shows_its_exit_code_and_the_end_of_stderr(folder):
    done = run(folder, "fail")
    assert done.returncode == 1
    assert "the script ended with exit code 4" in done.stderr
    assert "half-way" in done.stderr
    assert "acme.fail" in done.stderr


def test_a_body_that_returns_no_script_is_told_what_would_be_one(folder):
    done = run(folder, "no_script")
    assert done.returncode == 1
    assert "acme.no_script must return the text of a script" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_of_a_script(folder, number):
    started, release = folder / "started", folder / "release"
    os.mkfifo(started)
    os.mkfifo(release)
    words = [REDUN, "run", "wf.py", "hold", "--started", str(started), "--release", str(release)]
    with subprocess.Popen(words, cwd=folder, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert started.read_text() == "started\n"
            # Opened while `cat` reads: from now on only its end can break the pipe.
            held = os.open(release, os.O_WRONLY)
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    with pytest.raises(BrokenPipeError):
        os.write(held, b".")
    os.close(held)


ASYNC_WORKFLOW = """
import asyncio

from redun import task

redun_namespace = "acme"


@task()
def add(a: int, b: int):
    return a + b


@task(cache=False)
async def collect(count: int = 50):
    sums = await asyncio.gather(*[add(number, 1) for number in range(count)])
    return await add(sum(sums), 1000)


@task(cache=False, executor="processes")
async def elsewhere():
    return 1
"""


def test_async_tasks_await_calls_on_the_default_executor(folder):
    (folder / "wf.py").write_text(ASYNC_WORKFLOW)
    done = run(folder, "collect")
    assert done.stdout == f"{sum(range(1, 51)) + 1000}\n", done.stderr
    assert "acme.add" in done.stderr


def test_an_async_task_runs_on_the_event_loop_of_an_executor_of_processes_too(folder):
    (folder / "wf.py").write_text(ASYNC_WORKFLOW)
    done = run(folder, "elsewhere")
    assert done.stdout == "1\n", done.stderr


def test_an_executor_that_runs_no_async_tasks_says_so(folder):
    (folder / "wf.py").write_text(ASYNC_WORKFLOW.replace('executor="processes"', 'executor="inline"'))
    done = run(folder, "elsewhere")
    assert done.returncode == 1
    assert "task 'acme.elsewhere' is async, which the executor 'inline' does not support" in done.stderr
