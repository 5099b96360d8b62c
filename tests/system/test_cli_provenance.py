"""`redun explain`, `diff`, `viz` and `log --downstream` on a real repository, as people type them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import click
import pytest

WORKFLOW = """
from redun import File, task

redun_namespace = "shop"


@task()
def load(path: str) -> File:
    table = File("table.csv")
    table.write(File(path).read())
    return table


@task()
def count(table: File) -> int:
    return len(table.read().split())


@task()
def label(size: int, unit: str) -> str:
    return f"{size} {unit}"


@task()
def main(path: str = "in.csv", unit: str = "words"):
    return label(count(load(path)), unit)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three executions: the first, one with another argument, one with an edited task."""
    folder = tmp_path_factory.mktemp("provenance")
    (folder / "in.csv").write_text("a b c")
    (folder / "wf.py").write_text(WORKFLOW)
    redun(folder, "run", "wf.py", "main")
    redun(folder, "run", "wf.py", "main", "--unit", "rows")
    (folder / "wf.py").write_text(WORKFLOW.replace("len(table.read().split())", "len(table.read().splitlines())"))
    redun(folder, "run", "wf.py", "main", "--unit", "rows")
    return folder


@pytest.fixture(scope="module")
def latest(folder: Path) -> str:
    """The id of the latest execution."""
    return str(json.loads(redun(folder, "log", "-", "--json"))["id"])


def command() -> str:
    return str(Path(sys.executable).with_name("redun"))


def redun(folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    clean = {key: text for key, text in os.environ.items() if not key.startswith(("REDUN", "LESS", "PAGER"))}
    done = subprocess.run(
        [command(), *words], cwd=folder, env={**clean, **environment}, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def masked(text: str) -> str:
    """Without ids, hashes and times."""
    text = re.sub(r"[0-9a-f]{8}\.(\d+)", r"EXEC.\1", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"Exec [0-9a-f]{8}", "Exec EXEC", text)
    text = re.sub(r"hash='[0-9a-f]{8}'", "hash='HASH'", text)
    return re.sub(r" \(project=shop[^)]*\)", "", text)


def job_of(folder: Path, execution: str, task: str) -> str:
    jobs = json.loads(redun(folder, "log", execution, "--json"))["jobs"]
    return next(job["id"] for job in jobs if job["task"] == f"shop.{task}")


@pytest.mark.parametrize(
    "words", ["log -.2", "log -.2 --json", "log --downstream -.2", "explain -.2", "explain --json -.2", "viz -.2"]
)
def test_a_job_of_the_latest_execution_is_no_option(folder: Path, latest: str, words: str) -> None:
    assert redun(folder, *words.split()) == redun(folder, *words.replace("-.2", f"{latest}.2").split())
    assert f"execution {latest} has no job number 99" in redun(folder, *words.replace("-.2", "-.99").split(), code=2)
    assert "No such option" in redun(folder, *words.split(), "--jsn", code=2)


def test_explain_of_what_is_no_job_names_the_command_for_it(folder: Path) -> None:
    assert redun(folder, "explain", "table.csv", code=2) == (
        "redun: error: 'table.csv' is a file, and only jobs are explained. `redun log table.csv` shows where it came "
        "from, and `redun log table.csv --downstream` what was made from it\n"
    )
    assert "`redun log --task-name shop.count` lists its jobs" in redun(folder, "explain", "shop.count", code=2)
    value = json.loads(redun(folder, "log", "--value", "--value-type", "File", "--json", "-n1"))[0]["hash"]
    assert f"'{value[:12]}' is a value, and only jobs are explained" in redun(folder, "explain", value[:12], code=2)


def test_explain_reads_well(folder: Path) -> None:
    assert masked(redun(folder, "explain", job_of(folder, "~1", "count"))) == (
        """Job EXEC.3 [ DONE ] TIME:  shop.count(table=File(path='table.csv', hash='HASH'))
It ran: the code of shop.count differs from that of EXEC.3 shop.count.

  @@ -1,2 +1,2 @@
   def count(table: File) -> int:
  -    return len(table.read().split())
  +    return len(table.read().splitlines())

Compared with:
  Job EXEC.3 [CACHED] TIME:  shop.count(table=File(path='table.csv', hash='HASH'))
"""
    )
    assert masked(redun(folder, "explain", job_of(folder, "~1", "label"))) == (
        """Job EXEC.4 [ DONE ] TIME:  shop.label(size=1, unit='rows')
It ran: the argument size was 3 and is 1.

  from EXEC.3 shop.count: the code of shop.count differs from that of EXEC.3 shop.count

Compared with:
  Job EXEC.4 [ DONE ] TIME:  shop.label(size=3, unit='rows')
"""
    )
    assert "It did not run: its result is known from " in redun(folder, "explain", job_of(folder, "~1", "load"))
    assert "the argument unit was 'words' and is 'rows'" in redun(folder, "explain", "~2")


def test_explain_speaks_json(folder: Path) -> None:
    told = json.loads(redun(folder, "explain", job_of(folder, "~1", "label"), "--json"))
    assert told["kind"] == "explanation"
    assert told["job"]["task"] == told["earlier"]["task"] == "shop.label"
    [reason] = told["reasons"]
    assert reason["kind"] == "argument"
    assert (reason["value"]["before"]["preview"], reason["value"]["after"]["preview"]) == ("3", "1")
    assert [cause["task"] for cause in reason["causes"]] == ["shop.count"]


def on_terminal(folder: Path, *words: str, columns: int = 100, **environment: str) -> str:
    """What a command writes to a terminal."""
    clean = {
        key: text
        for key, text in os.environ.items()
        if not key.startswith(("REDUN", "LESS", "PAGER", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"))
    }
    child, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    try:
        done = subprocess.Popen(
            [command(), *words],
            cwd=folder,
            env={**clean, "TERM": "xterm-256color", **environment},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
        )
    finally:
        os.close(terminal)
    found = b""
    with contextlib.suppress(OSError):  # the terminal is gone with its last writer
        while chunk := os.read(child, 4096):
            found += chunk
    os.close(child)
    done.wait(timeout=60)
    return found.decode().replace("\r\n", "\n")


def test_colours_are_for_terminals_that_want_them(folder: Path) -> None:
    words = ("log", "-", "--no-pager")
    shown = on_terminal(folder, *words)
    assert "\x1b[32m[ DONE ]\x1b[0m" in shown
    assert "\x1b[34m[CACHED]\x1b[0m" in shown
    plain = redun(folder, *words)
    assert click.unstyle(shown) == plain
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert on_terminal(folder, *words, **variables) == plain
    assert redun(folder, *words, FORCE_COLOR="1") == shown
    assert redun(folder, *words, FORCE_COLOR="1", NO_COLOR="1") == plain
    assert json.loads(redun(folder, *words, "--json", FORCE_COLOR="1"))["kind"] == "execution"
    assert "\x1b[1mIt ran:\x1b[0m" in on_terminal(folder, "explain", job_of(folder, "~1", "count"), "--no-pager")
    assert "\x1b[31m\x1b[1mredun: error:\x1b[0m" in on_terminal(folder, "log", "nosuchthing")


def test_sentences_are_wrapped_on_a_narrow_terminal_and_names_are_not_broken(folder: Path) -> None:
    job = job_of(folder, "~1", "count")
    shown = on_terminal(folder, "explain", job, "--no-pager", columns=40, NO_COLOR="1")
    sentence = shown.partition("It ran:")[2].partition("\n\n")[0]
    assert len(sentence.splitlines()) > 1
    assert all(len(line) <= 40 for line in sentence.splitlines())
    assert " ".join(sentence.split()) in " ".join(redun(folder, "explain", job).split())
    stats = on_terminal(folder, "db", "stats", columns=40, NO_COLOR="1")
    names = [line for line in stats.partition("Largest values:")[2].splitlines() if line.startswith("  redun.")]
    assert all(len(line) <= 40 for line in stats.partition("Largest values:")[2].splitlines() if line not in names)


def test_diff_reads_well(folder: Path) -> None:
    assert masked(redun(folder, "diff", "~2", "-")) == (
        """- Exec EXEC [ DONE ] TIME:  run wf.py main --unit rows
+ Exec EXEC [ DONE ] TIME:  run wf.py main --unit rows

TASK                   RAN          CACHED          FAILED
shop.count          0 -> 1          1 -> 0               0
shop.label               1               0               0
shop.load                0               1               0
shop.main           1 -> 0          0 -> 1               0

Calls: 3 changed, 0 added, 0 removed
~ shop.main (EXEC.1 -> EXEC.1): result
  ~ shop.count (EXEC.3 -> EXEC.3): code, result
  ~ shop.label (EXEC.4 -> EXEC.4): argument size, result
      - size = 3
      + size = 1

The execution:
  - result = '3 rows'
  + result = '1 rows'

Code:
  shop.count
    @@ -1,2 +1,2 @@
     def count(table: File) -> int:
    -    return len(table.read().split())
    +    return len(table.read().splitlines())
"""
    )
    assert "... and 2 more (--limit)" in redun(folder, "diff", "~2", "-", "--limit", "1")
    assert "The same calls with the same results." in redun(folder, "diff", "-", "-")


def test_diff_speaks_json(folder: Path) -> None:
    told = json.loads(redun(folder, "diff", "~2", "-", "--json"))
    assert [told[kind] for kind in ("changed", "added", "removed")] == [3, 0, 0]
    assert list(told["code"]) == ["shop.count"]
    assert [job["what"] for job in told["jobs"]] == [["result"], ["code", "result"], ["argument size", "result"]]
    assert told["task_counts"]["shop.count"] == [{"CACHED": 1}, {"DONE": 1}]


def test_viz_writes_every_format(folder: Path, tmp_path: Path) -> None:
    assert redun(folder, "viz", "-").startswith("digraph redun {\n")
    assert redun(folder, "viz", "-", "--format", "mermaid", "--graph", "data").startswith("flowchart LR\n")
    graph = json.loads(redun(folder, "viz", "-", "--graph", "data", "--json"))
    assert {node["label"] for node in graph["nodes"]} >= {"table.csv", "shop.count"}
    for ending, start in ((".dot", "digraph"), (".mmd", "flowchart"), (".json", "{")):
        assert redun(folder, "viz", "-", "-o", str(tmp_path / f"graph{ending}")) == ""
        assert (tmp_path / f"graph{ending}").read_text().startswith(start)
    assert redun(folder, "viz", "~1.3").count("label=") == 2
    if shutil.which("dot"):
        assert "<svg" in redun(folder, "viz", "-", "--format", "svg")


def test_svg_without_graphviz_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    message = redun(folder, "viz", "-", "-o", str(tmp_path / "graph.svg"), code=2, PATH="/nowhere")
    assert re.fullmatch(r"redun: error: svg needs the program `dot` of Graphviz.*\n", message)
    assert not list(tmp_path.iterdir())


def test_log_shows_the_derivation_of_a_file_and_what_was_made_from_it(folder: Path) -> None:
    derivation = masked(redun(folder, "log", "table.csv")).partition("Derivation of the newest state:\n")[2]
    assert derivation == (
        "  Job EXEC.2 [ DONE ] TIME:  shop.load(path='in.csv')\n    path <- 'in.csv' (given to the root)\n"
    )
    made = masked(redun(folder, "log", "table.csv", "--downstream")).splitlines()
    assert made[0] == "Made from file table.csv:"
    assert [re.sub(r".*(shop\.\w+).*(  as \w+|  passes.*)", r"\1\2", line) for line in made[1:]] == [
        *("shop.count  as table", "shop.label  as size", "shop.main  passes it on (end)"),
        *("shop.count  as table", "shop.label  as size", "shop.main  passes it on (end)"),
    ]
    told = json.loads(redun(folder, "log", job_of(folder, "-", "load"), "--downstream", "--json"))
    assert {call["job"]["task"] for call in told["values"][0]["calls"]} == {"shop.count", "shop.label", "shop.main"}
    assert json.loads(redun(folder, "log", "table.csv", "--json"))["upstream"][1]["argument"] == "path"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("explain nosuchthing", "'nosuchthing' names no "),
        ("explain table.csv", "'table.csv' is a file"),
        ("explain ~1.99", "has no job number 99"),
        ("explain", "Missing argument 'JOB'"),
        ("diff -", "Missing argument 'EXEC2'"),
        ("diff - ~1.2", "'~1.2' is no execution"),
        ("diff - -.2", "'-.2' is no execution"),
        ("log -.0", "'-.0' names no execution, job, "),
        ("log -.2.3", "'-.2.3' is no id: `-.3` is job 3 of the latest execution"),
        ("db gc -.2", "'-.2' is a job, and an execution is needed"),
        ("diff - ~99", "fewer than 99 executions"),
        ("viz table.csv", "'table.csv' is no job and no execution"),
        ("viz - --format png", "'png' is not one of"),
        ("viz - -o graph.png", "graph.png: no format has this ending"),
        ("viz - -o /nowhere/graph.dot", "/nowhere/graph.dot cannot be written"),
        ("viz - --depth -1", "-1 is not in the range"),
        ("log - --downstream", "--downstream is about a file, a value or a job"),
        ("log --downstream", "--downstream needs a file, a value or a job"),
    ],
)
def test_what_makes_no_sense_gives_one_message_and_code_2(folder: Path, words: str, expected: str) -> None:
    message = redun(folder, *words.split(), code=2)
    assert expected in message
    assert "Traceback" not in message


KILLED = """
import os
import signal

from redun import task


@task()
def main(x: int = 1):
    if os.path.exists("kill"):
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    return x
"""


def test_a_job_that_was_cancelled_is_told_as_far_as_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "wf.py").write_text(KILLED)
    redun(tmp_path, "run", "wf.py", "main")
    (tmp_path / "kill").touch()
    redun(tmp_path, "run", "wf.py", "main", "--x", "2", code=130)
    told = redun(tmp_path, "explain", "-")
    assert "The job was cancelled, and what it was called with is recorded at its end." in told
    assert "an argument must differ" in told
