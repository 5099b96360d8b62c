"""`redun log` with filters, and `redun tag`, on a repository that workflows have made."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from redun.cli import RedunClient, RedunClientError

WORKFLOW = """
from redun import File, apply_tags, task

redun_namespace = "acme"


@task(tags=[("team", "blue")])
def inc(x: int) -> int:
    return x + 1


@task()
def write(path: str, n: int) -> File:
    file = File(path)
    file.write(str(n))
    return apply_tags(file, [("stage", "raw")])


@task()
def fail(x: int):
    raise ValueError("no luck")


@task()
def main(path: str):
    return [write(path, inc(1)), inc(2), inc(3)]


@task()
def broken():
    return [inc(1), fail(2)]
"""
RUNS = [
    (["--tag", "env=prod", "--tag", "run=1", "wf.py", "main", "--path", "data/out.txt"], 0),
    (["wf.py", "broken"], 1),
    (["--tag", "env=test", "--tag", "run=1", "wf.py", "main", "--path", "data/out.txt"], 0),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    (folder / "wf.py").write_text(WORKFLOW)
    for words, code in RUNS:
        done = command(folder, "run", *words)
        assert done.returncode == code, done.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of the repository, to change."""
    (tmp_path / ".redun").mkdir()
    for name in ("redun.ini", "redun.db"):
        (tmp_path / ".redun" / name).write_bytes((made / ".redun" / name).read_bytes())
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {key: text for key, text in os.environ.items() if not key.startswith(("REDUN", "LESS", "PAGER"))}
    program = str(Path(sys.executable).with_name("redun"))
    return subprocess.run([program, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=100)


def redun(folder: Path, *words: str) -> str:
    """What a command prints. In this process: there are many."""
    output = io.StringIO()
    with contextlib.chdir(folder):
        RedunClient(output).execute(["redun", *words])
    return output.getvalue()


def mistake(folder: Path, *words: str) -> str:
    with pytest.raises(RedunClientError) as caught:
        redun(folder, *words)
    return str(caught.value)


def log(folder: Path, words: str) -> list[str]:
    """The lines, without times, which begin like `Job 3f9a2c1b.17 [ DONE ] acme.inc(x=1)`."""
    lines = redun(folder, "log", *words.split()).splitlines()
    return [re.sub(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: ", "", line) for line in lines]


def numbers(lines: list[str]) -> list[str]:
    return [line.split()[1].partition(".")[2] for line in lines if line.startswith("Job")]


@pytest.fixture(scope="module")
def hashes(made):
    """Of the values 2 and 3, and of the task inc."""
    values = json.loads(redun(made, "log", "--value", "--value-type", "int", "--json"))
    named = {value["preview"]: value["hash"] for value in values}
    (task,) = json.loads(redun(made, "log", "acme.inc", "--json"))
    return {"two": named["2"], "three": named["3"], "inc": task["hash"]}


EXECUTIONS = {
    "--exec": [3, 2, 1],
    "--exec-status DONE": [3, 1],
    "--exec-status failed,RUNNING": [2],
    "--exec-status LOST": [],
    "--exec-tag env=prod": [1],
    "--exec-tag env": [3, 1],
    "--exec-tag run=1 --exec-tag env=test": [3],
    "-t run=1": [3, 1],
    "--tag project=acme --tag env": [3, 1],
    "--tag team=blue": [],
    "--exec-id -,~3": [3, 1],
    "--exec-id ~2 --exec-id -": [3, 2],
    "--exec --task-name fail": [2],
    "--exec --job-status CACHED": [3, 2],
    "--exec --job-status FAILED --exec-status DONE": [],
    "--exec --limit 2": [3, 2],
}


@pytest.mark.parametrize("words", EXECUTIONS)
def test_executions_are_found(made, words):
    found = [line for line in log(made, words) if line.startswith("Exec")]
    commands = ["--tag env=prod", "broken", "--tag env=test"]
    assert [[text in line for text in commands].index(True) + 1 for line in found] == EXECUTIONS[words]
    assert bool(found) == bool(EXECUTIONS[words])


JOBS = {
    "--job": 13,
    "--job --exec-id ~3": 5,
    "~2 --job": 3,
    "~2 --job-status FAILED": 2,
    "--job-status CACHED": 6,
    "--job-status cached,failed --exec-status FAILED": 3,
    "--task-name inc": 7,
    "--task-name acme.inc --task-name fail": 8,
    "--task-name wrong.inc": 0,
    "--task-hash {inc}": 7,
    "inc --job-status DONE": 3,
    "--result {three}": 2,
    "--arg {two}": 5,
    "--result {three} --arg {two} --exec-tag env=prod": 1,
    "--job --tag team=blue": 7,
    "--job --tag team --exec-id ~2": 1,
    "--job --tag team=red": 0,
    "--job --exec-tag env": 10,
}


@pytest.mark.parametrize("words", JOBS)
def test_jobs_are_found_and_counted(made, hashes, words):
    text = words.format(**hashes)
    found = log(made, text)
    assert len(numbers(found)) == len(found) - found.count("(none)") == JOBS[words]
    assert log(made, f"{text} --count") == [f"{JOBS[words]:8} Job"]
    assert len(json.loads(redun(made, "log", *text.split(), "--json"))) == JOBS[words]


def test_the_jobs_of_an_execution_come_last_first(made):
    lines = log(made, "--job --exec-id ~3")
    assert numbers(lines) == ["5", "4", "3", "2", "1"]
    assert re.fullmatch(r"Job \w{8}\.4 \[ DONE \] acme.inc\(x=3\) \(team=blue\)", lines[1])
    assert log(made, "--job --exec-id ~3 -n 2") == [*lines[:2], "... (the first 2; more with a higher --limit)"]


def test_calls_tasks_values_and_files_are_found(made, hashes):
    assert len(log(made, "--call-node")) == 7
    assert [line.split(" ", 2)[2] for line in log(made, "--call-node --task-name fail")] == ["acme.fail(x=2)"]
    tasks = {f"acme.{name}" for name in ("fail", "broken", "write", "inc", "main")}
    assert {line.split()[2] for line in log(made, "--task")} == tasks
    assert [line.split()[2:] for line in log(made, "--task --tag team=blue")] == [["acme.inc", "(team=blue)"]]
    assert len(log(made, "--task --exec-id ~2")) == 3
    (file,) = log(made, "--file")
    assert re.fullmatch(r"File \w{8} data/out.txt \(stage=raw\)", file)
    for words in ("--file-path data/*", "--file-path *out*", "--file --exec-id ~3", "--file --tag stage"):
        assert log(made, words) == [file]
    assert log(made, "--file-path data") == log(made, "--file --exec-id ~2") == ["(none)"]
    (value,) = log(made, "--value --value-type File")
    assert re.fullmatch(r"Value \w{8} redun.File File\(path='data/out.txt', hash='\w{8}'\) \(stage=raw\)", value)
    assert log(made, "--value --file-path data/out.txt") == log(made, "--value-type redun.File") == [value]
    assert {line.split()[-1] for line in log(made, "--value-type int")} == {"1", "2", "3", "4"}
    assert {line.split()[-1] for line in log(made, "--value-type int --exec-id ~2")} == {"1", "2"}


def test_all_shows_every_kind_and_counts_them(made):
    kinds = [line.split()[0] for line in log(made, "--all")]
    assert list(dict.fromkeys(kinds)) == ["Exec", "Job", "CallNode", "Task", "Value"]
    counted = dict(reversed(line.split()) for line in log(made, "--all --file --count"))
    numbers = {"Execution": "3", "Job": "13", "CallNode": "7", "Task": "5", "File": "1"}
    assert counted == {**numbers, "Value": str(kinds.count("Value"))}
    assert [line.split()[0] for line in log(made, "--all --tag team")] == ["Job"] * 7 + ["Task"]
    assert {line.split()[0] for line in log(made, "--all --value-type File")} == {"Value"}
    counts = json.loads(redun(made, "log", "--all", "--count", "--format", "json"))
    assert counts == {"execution": 3, "job": 13, "call": 7, "task": 5, "value": kinds.count("Value")}
    assert log(made, "~2 --count") == ["       3 Job"]


def test_detail_shows_each_in_full(made):
    text = redun(made, "log", "--task-name", "fail", "--detail")
    assert "ValueError: no luck" in text
    assert text == redun(made, "log", text.split()[1])
    for kind, expected in [
        ("exec", "Duration:"),
        ("task", "Recent jobs:"),
        ("value", "Produced by"),
        ("file", "State "),
    ]:
        assert expected in redun(made, "log", f"--{kind}", "--detail", "--limit", "1")
    assert "CallNode " in redun(made, "log", "--call-node", "--detail")
    assert redun(made, "log", "--detail", "-n", "1").startswith(redun(made, "log", "-"))
    found = json.loads(redun(made, "log", "--all", "--detail", "--json", "-n", "1"))
    assert [one["kind"] for one in found] == ["execution", "job", "job", "task", "value"]
    assert len(found[0]["jobs"]) == 5


def test_json_has_the_tags_of_everything(made):
    found = json.loads(redun(made, "log", "--all", "--file", "--format", "json"))
    tagged = {one["kind"]: one["tags"] for one in found if one["tags"] and one["kind"] != "execution"}
    blue, raw = [{"key": "team", "value": "blue"}], [{"key": "stage", "value": "raw"}]
    assert tagged == {"job": blue, "task": blue, "value": raw, "file": raw}
    assert {one["kind"] for one in found} == {"execution", "job", "call", "task", "value", "file"}


MISTAKES = {
    "--exec-status BAD": "--exec-status: 'BAD' is no status. Known: RUNNING, DONE, FAILED, CANCELLED, LOST",
    "--exec-status CACHED": "--exec-status: 'CACHED' is no status",
    "--job-status DONE,": "--job-status: something is missing beside a comma",
    "--exec-id ffffffffffff": "--exec-id: 'ffffffffffff' names no execution",
    "--exec-id ~9": "--exec-id: ~9: the repository has fewer than 9 executions",
    "--task-hash zz": "--task-hash: 'zz' is not the hash of a task",
    "--result 00000000000": "--result: '00000000000' is not the hash of a value",
    "--arg inc": "--arg: 'inc' is not the hash of a value",
    "--tag =1": "--tag: tag '=1' should have the form key=value",
    "--tag a=[1": "--tag: tag value '[1' begins like JSON, but is not",
    "--exec-tag =": "--exec-tag: tag '=' should have the form key=value",
    "--job --value-type int": "--value-type is about values and files: it says nothing about --job",
    "--task --file-path x": "--file-path is about values and files: it says nothing about --task",
    "--task --job-status LOST": "LOST cannot be searched for here",
    "- --exec-id ~2": "give either ID or --exec-id",
    "data/out.txt --job": "'data/out.txt': filters stay within an execution or a task",
    "--format xml": "'xml' is not one of 'text', 'json'",
    "--limit 0": "0 is not in the range x>=1",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_one_message(made, words):
    assert MISTAKES[words] in mistake(made, "log", *words.split())


def test_a_mistake_ends_with_code_2_and_one_line(made):
    for words in (["log", "--exec-status", "BAD"], ["tag", "add", "nothing", "k=v"], ["tag", "rm", "-"]):
        done = command(made, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"redun: error: .+\n", done.stderr)


# -- tags -------------------------------------------------------------------------------------------------------------


def test_tags_are_listed_by_key_and_by_value(made):
    listed = redun(made, "tag", "list").splitlines()
    assert listed[0] == "Tags:"
    assert [line.split(None, 1) for line in listed[1:]][:3] == [
        ["env", "(2 Execution)"],
        ["project", "(3 Execution)"],
        ["redun.version", "(3 Execution)"],
    ]
    assert re.search(r"^  team +\(7 Job, 1 Task\)$", "\n".join(listed), re.MULTILINE)
    values = redun(made, "tag", "list", "--values")
    for line in (r"env=prod +\(1 Execution\)", r"env=test +\(1 Execution\)", r"stage=raw +\(1 Value\)"):
        assert re.search(f"^  {line}$", values, re.MULTILINE)
    assert redun(made, "tag", "list", "run", "env=prod", "--values").split() == (
        ["Tags:", "env=prod", "(1", "Execution)", "run=1", "(2", "Execution)"]
    )
    assert redun(made, "tag", "list", "team") == redun(made, "log", "--all", "--tag", "team")
    assert json.loads(redun(made, "tag", "list", "run", "--values", "--json")) == [
        {"key": "run", "value": 1, "counts": {"execution": 2}}
    ]


def test_tags_are_added_updated_and_removed_and_the_history_is_kept(folder):
    execution = json.loads(redun(folder, "log", "--json"))[0]["id"]
    assert redun(folder, "tag", "add", "-", "env=qa", "n=1", 'j={"a": 1}') == (
        f'add tag Execution:{execution} env="qa" n=1 j={{"a": 1}}\n'
    )
    assert len(log(folder, "--tag env=qa --tag env=test --tag n=1")) == 1
    assert redun(folder, "tag", "update", execution[:8], "env=dev") == f'update tag Execution:{execution} env="dev"\n'
    assert log(folder, "--tag env=qa")[0].startswith("(none")
    assert redun(folder, "tag", "rm", "-", "n=1") == f"delete tag Execution:{execution} n=1\n"
    assert redun(folder, "tag", "rm", "-", "--", "env", "n") == f'delete tag Execution:{execution} env="dev"\n'
    assert redun(folder, "tag", "rm", "-", "n=1") == f"no such tag: Execution:{execution} n=1\n"
    assert redun(folder, "tag", "rm", "-", "--", "a", "b=ü") == f'no such tag: Execution:{execution} a b="ü"\n'
    assert redun(folder, "tag", "list", "n") == "(none)\n"
    with sqlite3.connect(folder / ".redun" / "redun.db") as connection:
        kept = connection.execute(
            "SELECT key, value, is_current FROM tag WHERE entity_id = ? AND key IN ('env', 'n') ORDER BY id",
            (execution,),
        ).fetchall()
    connection.close()
    was = [("env", '"test"'), ("env", '"qa"'), ("n", "1"), ("env", '"dev"')]
    assert [each for *each, mark in kept if mark == 0] == [list(each) for each in was]
    assert [each for *each, mark in kept if mark == -1] == [list(each) for each in was]


def test_everything_that_has_an_id_can_be_tagged(folder, hashes):
    call = json.loads(redun(folder, "log", "--call-node", "--json"))[0]["hash"]
    changed = redun(
        folder, "tag", "add", "~2", "~2.1", "-.2", "acme.inc", call[:10], hashes["two"], "data/out.txt", "n=1"
    )
    names = [line.split()[2].partition(":")[0] for line in changed.splitlines()]
    assert names == ["Execution", "Job", "Job", "Task", "CallNode", "Value", "Value"]
    assert len(log(folder, "--all --file --tag n=1")) == 8
    assert re.search(r"State \w+ \(redun.File\) \(n=1, stage=raw\)", redun(folder, "log", "data/out.txt"))
    assert "(n=1)" in redun(folder, "log", hashes["two"]).splitlines()[0]
    assert re.search(r"n = <\w{8}> 2 \(n=1\)  from acme.inc", redun(folder, "log", "--task-name", "write", "--detail"))
    done = json.loads(redun(folder, "tag", "rm", "~2", "~2.1", "--json", "--", "n"))
    assert done["added"] == []
    assert [(one["kind"], one["value"]) for one in done["removed"]] == [("execution", 1), ("job", 1)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("add - x", "no tags given: redun tag add ID... KEY=VALUE..."),
        ("update - x", "no tags given: redun tag update ID... KEY=VALUE..."),
        ("add - -- x", "tag 'x' should have the form key=value"),
        ("update k=v", "no id given: redun tag update ID... k=v"),
        ("rm -- k", "no id given"),
        ("rm -", "no tags given: redun tag rm ID... [--] KEY[=VALUE]..., where `--` sets bare keys apart"),
        ("add nothing k=v", "'nothing' names no execution, job, task, value or file"),
        ("add - nothing k=v", "'nothing' names no execution, job, task, value or file"),
        ("add - k={", "begins like JSON, but is not"),
        ("rm - =v", "tag '=v' should have the form key=value"),
        ("list =v", "--tag: tag '=v' should have the form key=value"),
        ("list --values =v", "tag '=v' should have the form key=value"),
        ("change - k=v", "No such command 'change'"),
    ],
)
def test_a_wrong_change_is_told_and_changes_nothing(folder, words, message):
    before = redun(folder, "tag", "list", "--values")
    assert message in mistake(folder, "tag", *words.split())
    assert redun(folder, "tag", "list", "--values") == before


def test_what_several_things_share_is_no_id(folder):
    (folder / "wf.py").write_text(WORKFLOW.replace("x + 1", "1 + x"))
    (folder / "data").mkdir()
    assert command(folder, "run", "wf.py", "main", "--path", "data/out.txt").returncode == 0
    assert "'inc' names several versions of a task:\n  " in mistake(folder, "tag", "add", "inc", "k=v")
    assert "names several states of a file" in mistake(folder, "tag", "add", "data/out.txt", "k=v")
