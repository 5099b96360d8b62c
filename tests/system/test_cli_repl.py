"""`redun repl`: at a terminal, and with statements that come through a pipe."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)
WORKFLOW = """
from dataclasses import dataclass

from redun import task

redun_namespace = "acme"


@dataclass
class Point:
    x: int


@task()
def double(point: Point) -> Point:
    return Point(2 * point.x)


@task()
def main(x: int = 1):
    return double(Point(x))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two executions."""
    folder = tmp_path_factory.mktemp("repl")
    (folder / "wf.py").write_text(WORKFLOW)
    for x in "1", "2":
        redun(folder, "run", "wf.py", "main", "--x", x)
    return folder


def command() -> str:
    return str(Path(sys.executable).with_name("redun"))


def redun(folder: Path, *words: str) -> str:
    return subprocess.run([command(), *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def piped(folder: Path, statements: str, *words: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [command(), "repl", *words], cwd=folder, input=statements, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def masked(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{40}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{8}\b", "SHORT", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)


def test_piped_statements_show_what_they_are_worth(folder: Path) -> None:
    statements = """\
execs
last_exec.task_counts()
for job in last_exec.jobs():
    print(job.status, job.task_name)
query("-.2").arguments
query("-.2").result.load()
repo.job("-.1").result.preview()
x = 3
explain()
diff()
"""
    assert masked("".join(piped(folder, statements))) == (
        """[Execution(ID, DONE, 'redun run wf.py main --x 2'),
 Execution(ID, DONE, 'redun run wf.py main --x 1')]
{'acme.double': {'DONE': 1}, 'acme.main': {'DONE': 1}}
DONE acme.main
DONE acme.double
{'point': Argument(point=wf.Point(x=2))}
Point(x=4)
'wf.Point(x=4)'
Job SHORT.1 [ DONE ] TIME:  acme.main(x=2)
It ran: the argument x was 1 and is 2.

Compared with:
  Job SHORT.1 [ DONE ] TIME:  acme.main(x=1)
"""
        + masked(
            subprocess.run(
                [command(), "diff", "~2", "-"], cwd=folder, capture_output=True, text=True, check=True
            ).stdout
        )
    )


def test_the_id_on_the_command_line_is_obj(folder: Path) -> None:
    assert masked(piped(folder, "obj", "-.2")[0]) == "Job(ID.2, DONE, acme.double)\n"
    assert masked(piped(folder, "obj", "double")[0]) == "[Task(ID, acme.double)]\n"
    assert piped(folder, "obj == last_exec")[0] == "True\n"
    assert "'nothing' names no execution" in piped(folder, "1", "nothing", code=2)[1]


def test_show_prints_what_log_prints(folder: Path) -> None:
    log = redun(folder, "log", "-.2")
    assert piped(folder, 'show("-.2")')[0] == piped(folder, 'show(query("-.2"))')[0] == log


@pytest.mark.parametrize(
    ("statements", "stdout", "stderr", "code"),
    [
        ("", "", "", 0),
        ("print(1)\nexit(3)\nprint(2)", "1\n", "", 3),
        ("print(1)\nexit()\nprint(2)", "1\n", "", 0),
        ("print(1)\nquery('nothing')\nprint(2)", "1\n", "redun: error: 'nothing' names no ", 2),
        ("print(1)\nx = 1 / 0\nprint(2)", "1\n", 'File "<stdin>", line 2, in <module>\n    x = 1 / 0', 1),
        ("print(1)\nx = (", "", "SyntaxError: '(' was never closed", 1),
    ],
)
def test_the_first_piped_statement_that_fails_ends_the_rest(
    folder: Path, statements: str, stdout: str, stderr: str, code: int
) -> None:
    printed, errors = piped(folder, statements, code=code)
    assert printed == stdout
    assert stderr in errors
    assert "redun/cli" not in errors


class Terminal:
    """A session at a terminal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.screen, terminal = os.openpty()
        environ = {**os.environ, "TERM": "dumb", "IPYTHONDIR": str(folder / "ipython")}
        self.process = subprocess.Popen(
            [command(), "repl", *words],
            cwd=folder,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environ,
            start_new_session=True,
        )
        os.close(terminal)
        self.seen = ""

    def wait_for(self, text: str) -> str:
        """What has come since the last time, up to this text."""
        while text not in self.seen:
            self.seen += os.read(self.screen, 10_000).decode()
        before, _, self.seen = self.seen.partition(text)
        return before.replace("\r", "")

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def end(self) -> int:
        try:
            while os.read(self.screen, 10_000):
                pass
        except OSError:  # nobody has the terminal any more
            pass
        return self.process.wait(60)


@pytest.fixture
def session(folder: Path) -> Iterator[Callable[..., Terminal]]:
    open_ones: list[Terminal] = []

    def start(*words: str) -> Terminal:
        open_ones.append(Terminal(folder, *words))
        return open_ones[-1]

    yield start
    for each in open_ones:
        each.process.kill()
        each.process.wait()
        os.close(each.screen)


def test_a_session_greets_answers_and_ends_with_ctrl_d(session: Callable[..., Terminal], folder: Path) -> None:
    terminal = session("--plain")
    assert terminal.wait_for("(redun) ") == (
        f"""redun 0.1.0, repository of {folder}/.redun

  query(ID)      what an id names: an execution, a job, a task, a value; of a name or a path, a list
  executions(N)  the N latest executions; execs are the 20 latest, last_exec is the latest
  obj            what the ID on the command line names, else the latest execution
  show(X)        print what `redun log` says of an id or of an object
  explain(JOB)   print why a job ran, as `redun explain`
  diff(A, B)     print in what two executions differ, as `redun diff`
  repo, backend  the repository as objects, and what keeps it: help(repo) says more

"""
    )
    terminal.type("len(execs)\n")
    assert terminal.wait_for("(redun) ").endswith("\n2\n")
    terminal.type("query('nothing')\n")
    assert "\nerror: 'nothing' names no execution" in terminal.wait_for("(redun) ")
    terminal.type("1 / 0\n")
    assert "ZeroDivisionError" in terminal.wait_for("(redun) ")
    terminal.type("_\n")
    assert terminal.wait_for("(redun) ").endswith("\n2\n")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_names_are_completed(session: Callable[..., Terminal]) -> None:
    terminal = session("--plain")
    terminal.wait_for("(redun) ")
    terminal.type("last_exec.task_c\t")
    terminal.wait_for("task_counts()")
    terminal.type("\n")
    assert "{'acme.double': {'DONE': 1}, 'acme.main': {'DONE': 1}}" in terminal.wait_for("(redun) ")
    terminal.type("exit()\n")
    assert terminal.end() == 0


@pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="IPython is not installed")
def test_ipython_is_used_where_it_is_installed(session: Callable[..., Terminal]) -> None:
    terminal = session()
    assert "query(ID)      what an id names" in terminal.wait_for("In [1]: ")
    terminal.type("len(execs) + 4000\n")
    terminal.wait_for("4002")
    terminal.type("exit\n")
    assert terminal.end() == 0


def test_where_there_is_no_repository_there_is_nothing_to_ask(tmp_path: Path) -> None:
    assert "no repository" in piped(tmp_path, "1", code=2)[1]
    assert not (tmp_path / ".redun").exists()
