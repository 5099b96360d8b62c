"""What the configuration does to `redun run`, and what a run shows and records of itself."""

from __future__ import annotations

import os
import pickle
import pty
import subprocess

import pytest

SETUP = """
import enum

from redun import Scheduler, task

redun_namespace = "acme"


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@task()
def main():
    return "ran"


def setup_scheduler(config, profile: str = "prod", workers: int = 1, size: Size = Size.SMALL):
    print("profile", profile, workers + 1)
    return Scheduler(config=config)


def broken(config):
    return 7


def fails(config):
    return {}["CLUSTER"]
"""


def test_setup_scheduler_makes_the_scheduler_with_arguments_of_setup(redun):
    (redun.folder / "flow.py").write_text(SETUP)
    (redun.folder / ".redun").mkdir()
    ini = redun.folder / ".redun" / "redun.ini"
    ini.write_text("[scheduler]\nsetup_scheduler = ../flow.py::setup_scheduler\n")
    done = redun("--setup", "profile=dev", "-s", "workers=2", "run", "flow.py", "main")
    assert done.stdout == "profile dev 3\n'ran'\n"
    assert "Run    Job" in done.stderr
    shown = redun("--setup-help").stdout
    assert "profile=TEXT  (default: 'prod')" in shown
    assert "size=[SMALL|LARGE]  (default: SMALL)" in shown
    for setup, message in [
        ("profil=x", "Did you mean profile?"),
        ("workers=two", "--setup workers: 'two' is not an int"),
        ("size=huge", "--setup size: 'huge' is not one of SMALL, LARGE"),
        ("x", "key=value"),
    ]:
        assert message in redun.refuses("--setup", setup, "run", "flow.py", "main")
    ini.write_text("[scheduler]\nsetup_scheduler = ../flow.py::broken\n")
    assert "must return a Scheduler" in redun.refuses("run", "flow.py", "main")
    ini.write_text("[scheduler]\nsetup_scheduler = ../flow.py::nosuch\n")
    assert "no function 'nosuch'" in redun.refuses("run", "flow.py", "main")
    ini.write_text("[scheduler]\nsetup_scheduler = ../flow.py::fails\n")
    stderr = redun("run", "flow.py", "main", code=2).stderr
    assert stderr.startswith("redun: error: setup_scheduler failed:\nTraceback")
    assert stderr.count("  File ") == 1
    assert stderr.endswith("KeyError: 'CLUSTER'\n")
    ini.write_text("[scheduler]\nsetup_scheduler = flow.py::setup_scheduler\n")
    assert "should be relative to redun.ini" in redun("run", "flow.py", "main").stderr
    ini.write_text("")
    assert "set setup_scheduler" in redun.refuses("--setup", "a=b", "run", "flow.py", "main")


def test_log_level_hides_job_lines(redun):
    assert redun("--log-level", "WARN", "run", "wf.py", "main").stderr == ""


def test_each_job_the_table_and_the_traceback_of_a_failure_are_shown_once(redun):
    stderr = redun("run", "wf.py", "fail", "--x", "1", code=1).stderr
    once = [
        "Start Execution",
        "Run    Job",
        "Failed Job",
        "JOB STATUS",
        "Execution duration",
        "(most recent task last)",
    ]
    assert [stderr.count(text) for text in once] == [1] * len(once)


def test_tags_of_the_configuration_are_recorded_without_secrets(redun):
    (redun.folder / ".redun").mkdir()
    ini = redun.folder / ".redun" / "redun.ini"
    ini.write_text('[tags]\nteam = ["a", 1]\napi_token = s3cret\n')
    redun("run", "wf.py", "nothing")
    line = redun("log").stdout.splitlines()[2]
    assert 'team=["a", 1]' in line
    assert "s3cret" not in line
    ini.write_text("[tags]\nteam = [a\n")
    assert "[tags] team: tag value '[a' begins like JSON" in redun.refuses("run", "wf.py", "nothing")


def test_the_status_table_is_repeated_while_a_workflow_runs(redun):
    (redun.folder / "live.py").write_text(LIVE)
    (redun.folder / ".redun").mkdir()
    (redun.folder / ".redun" / "redun.ini").write_text("[scheduler]\njob_status_interval = 1\n")
    end = redun.folder / "end"
    words = redun.command("run", "live.py", "wait", "--end", str(end))
    with subprocess.Popen(
        words, cwd=redun.folder, env=redun.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while "| acme.wait       0       1 " not in process.stderr.readline():
            pass
        end.touch()
        assert "| acme.wait       0       0       0       0       1       1" in process.stderr.read()


def test_who_ran_what_is_recorded_as_tags_without_secrets(redun):
    git = redun.folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text("0123abcd\n")
    (git / "config").write_text('[remote "origin"]\n\turl = https://ada:s3cret@example.org/acme.git\n')
    redun("run", "wf.py", "nothing", env={"REDUN_USER": "ada"})
    line = redun("log").stdout.splitlines()[2]
    assert "git_commit=0123abcd, git_origin_url=https://example.org/acme.git" in line
    assert "project=acme" in line
    assert "user=ada" in line
    assert "s3cret" not in line


LIVE = """
import time
from pathlib import Path
from redun import task

redun_namespace = "acme"


@task()
def wait(end: str):
    print("printed by the task")
    while not Path(end).exists():
        time.sleep(0.01)
    return "ended"
"""


def test_tasks_without_namespace_are_warned_about_once_and_that_can_be_turned_off(redun):
    (redun.folder / "bare.py").write_text("from redun import task\n@task\ndef f(): pass\n@task\ndef g(): pass\n")
    stderr = redun("run", "bare.py", "f").stderr
    assert stderr.count("without a namespace") == 1
    assert "bare.py:f, " in stderr
    assert "bare.py:g. " in stderr
    (redun.folder / ".redun" / "redun.ini").write_text("[scheduler]\nignore_warnings = namespace\n")
    assert "namespace" not in redun("run", "bare.py", "f").stderr


def test_a_terminal_shows_a_live_table_and_no_job_lines(redun):
    (redun.folder / "live.py").write_text(LIVE)
    end = redun.folder / "end"
    controller, terminal = pty.openpty()
    environ = {**redun.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    words = redun.command("run", "live.py", "wait", "--end", str(end))
    with subprocess.Popen(words, cwd=redun.folder, env=environ, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while b"acme.wait " not in shown:
            shown += os.read(controller, 65536)
        end.touch()
        try:
            while piece := os.read(controller, 65536):
                shown += piece
        except OSError:  # how Linux says that the other side is closed
            pass
        output = process.stdout.read()
    os.close(controller)
    # The table is on the terminal; results and what tasks print stay on stdout.
    assert output == b"printed by the task\n'ended'\n"
    assert process.returncode == 0
    assert b"RUNNING" in shown
    assert b"Run    Job" not in shown
    assert b"[redun] Execution duration" in shown


@pytest.mark.parametrize("words", ["-i in wf.py kinds --flag true", "wf.py kinds --flag true --input=in"])
def test_arguments_from_a_file_are_added_to_and_replaced_by_those_of_the_command_line(redun, words):
    (redun.folder / "in").write_bytes(pickle.dumps([(7,), {"many": [1], "flag": False}]))
    assert redun("run", *words.split()).stdout.startswith("[7, 'red', 'fast', None, [1], True, 'nobody'")
    (redun.folder / "in").write_bytes(pickle.dumps([(), {"n": 7}]))
    assert "--input in does not fit acme.kinds: got an unexpected keyword argument 'n'" in redun.refuses(
        "run", *words.split()
    )


def test_the_word_help_shows_the_help_of_a_task_that_has_a_parameter_of_that_name(redun):
    (redun.folder / "wf.py").write_text(
        "from redun import task\n@task(namespace='acme')\ndef main(help: int): return help\n"
    )
    shown = redun("run", "wf.py", "main", "help").stdout
    assert "redun run wf.py main" in shown
    assert "--help INT" in shown
    assert redun("run", "wf.py", "main", "--help", "7").stdout == "7\n"


def test_a_new_repository_in_a_place_that_was_named_is_told_of_once(redun):
    warning = "there was no"
    done = redun("-c", "elsewhere", "run", "wf.py", "main")
    assert done.stderr.count(warning) == 1
    assert str(redun.folder / "elsewhere") in done.stderr
    assert warning not in redun("-c", "elsewhere", "run", "wf.py", "main").stderr
    assert warning not in redun("run", "wf.py", "main").stderr
