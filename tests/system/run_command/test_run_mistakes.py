"""What `redun run` refuses, and how runs end that fail or are stopped."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nope.py main", "'nope.py' does not exist"),
        ("/dev/null main", "'/dev/null' is not a regular file: name a .py file"),
        (". main", "'.' is a folder: name a .py file in it"),
        ("empty main", "'empty' is a folder: name a .py file in it"),
        ("text.txt main", "'text.txt' is a file whose name does not end in .py"),
        ("folder/wf main", "'folder/wf' does not exist"),
        ("./wf main", "Did you mean ./wf.py?"),
        ("-i nowhere wf.py main", "--input nowhere cannot be read"),
        ("wf.py main --input x", "--input x cannot be read"),
        ("wf.py inc --x 1 --rerun", "in the place of TASK, and acme.inc is a task"),
        ("wf1.py main", "Did you mean wf.py?"),
        ("nomodule main", "no module 'nomodule'"),
        ("wf.py", "acme.main"),
        ("wf.py mian", "no task 'mian'. Did you mean acme.main?"),
        ("wf.py inc", "acme.inc needs --x"),
        ("wf.py inc --x one", "acme.inc --x: 'one' is not an int"),
        ("wf.py inc --x", "acme.inc --x needs a value (INT)"),
        ("wf.py inc --y 1", "acme.inc has no argument --y"),
        ("wf.py inc 1", "unexpected '1'"),
        ("wf.py kinds --my-int 1 --colour blue", "'blue' is not one of red, green"),
        ("wf.py kinds --my-int 1 --mode medium", "'medium' is not one of fast, slow"),
        ("wf.py kinds --my-int 1 --flag 1", "'1' is not one of true, false"),
        ("wf.py kinds --my-int 1 --many", "one or more values"),
        ("wf.py kinds --my-int 1 --pair 1", "takes 2 values (INT TEXT), not 1"),
        ("wf.py kinds --my_int 1", "Did you mean --my-int?"),
        ("--bad wf.py main", "No such option '--bad'"),
        ("--tag x wf.py main", "key=value"),
        ("--execution-id x wf.py main", "'x' is not a UUID"),
    ],
)
def test_what_cannot_be_started_gives_one_message_and_leaves_nothing(redun, words, message):
    assert message in redun.refuses("run", *words.split())
    assert not (redun.folder / ".redun").exists()


def test_a_syntax_error_shows_the_place_and_nothing_of_redun(redun):
    (redun.folder / "broken.py").write_text("x = 1\ndef main(:\n    pass\n")
    lines = redun.refuses("run", "broken.py", "main").splitlines()
    assert lines[0].endswith("broken.py:2: SyntaxError: invalid syntax")
    assert lines[1].strip() == "def main(:"
    assert lines[2].strip() == "^"
    assert len(lines) == 3


def test_an_error_at_import_shows_the_users_traceback_only(redun):
    (redun.folder / "broken.py").write_text("from redun import task\n\n@task(nout='x')\ndef f():\n    pass\n")
    stderr = redun("run", "broken.py", "f", code=2).stderr
    assert 'broken.py", line 3, in <module>' in stderr
    assert stderr.count("  File ") == 1
    assert stderr.rstrip().splitlines()[-1].startswith("TypeError: ")


def test_a_script_named_like_a_loaded_module_is_refused(redun):
    (redun.folder / "json.py").write_text("")
    (redun.folder / "logging.py").write_text("")
    assert "Rename the script" in redun.refuses("run", "logging.py", "main")


def test_a_failing_workflow_exits_1_with_the_traceback_in_terms_of_tasks(redun):
    done = redun("run", "wf.py", "boom", "--n", "2", code=1)
    assert done.stdout == ""
    assert "in acme.boom" in done.stderr
    assert "in acme.fail" in done.stderr
    assert done.stderr.rstrip().endswith("ValueError: bad input")
    assert "redun/scheduler" not in done.stderr
    assert "| acme.fail       0       0       1       0       0       1" in done.stderr
    assert "redun/scheduler" in redun("--debug", "run", "wf.py", "boom", "--n", "2", code=1).stderr


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_the_run_and_what_is_known_is_recorded(redun, sent, code, word):
    process = subprocess.Popen(
        redun.command("run", "wf.py", "wait", "--started", str(redun.folder / "started")),
        cwd=redun.folder,
        env=redun.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while "acme.wait" not in process.stderr.readline():
            pass
        process.send_signal(sent)
        rest = process.stderr.read()
        assert process.wait(timeout=30) == code
    assert f"redun: {word}, ending what runs." in rest
    assert rest.splitlines()[-1] == f"redun: {word}"
    assert "[CANCELLED]" in redun("log").stdout


def test_a_script_that_exits_while_it_is_imported_is_an_error_whatever_its_code(redun):
    (redun.folder / "quits.py").write_text("import sys\nsys.exit(0)\n")
    assert "ended Python" in redun.refuses("run", "quits.py", "main")


def test_a_repository_that_cannot_be_opened_is_refused_before_anything_starts(redun):
    (redun.folder / ".redun").mkdir()
    (redun.folder / ".redun" / "redun.ini").touch()
    database = redun.folder / ".redun" / "redun.db"
    database.write_text("This is no database." * 100)
    for words in (["run", "wf.py", "main"], ["log"], ["init"]):
        assert str(database) in redun.refuses(*words)
    assert database.read_text() == "This is no database." * 100


def test_a_closed_pipe_is_silent(redun):
    redun("run", "wf.py", "main")
    shell = f"{' '.join(redun.command('log'))} | true"
    done = subprocess.run(["bash", "-c", shell], cwd=redun.folder, env=redun.environ, capture_output=True, text=True)
    assert done.stderr == ""


def test_a_second_interrupt_ends_the_process_at_once(redun):
    program = """
import time
from redun.cli.signals import ends_in_order
try:
    with ends_in_order():
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("stuck", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=redun.environ, text=True
    )
    with process:
        for word in ("ready\n", "stuck\n"):
            assert process.stdout.readline() == word
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert "Press Ctrl-C again" in process.stderr.read()
