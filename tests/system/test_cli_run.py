"""`redun run`, as a user's shell sees it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = '''
from __future__ import annotations

import enum
import time
from pathlib import Path
from typing import Literal, Optional

from redun import File, task

redun_namespace = "acme"


class Colour(enum.Enum):
    red = 1
    green = 2


@task()
def inc(x: int) -> int:
    """Add one."""
    return x + 1


@task()
def main(x: int = 3):
    return [inc(x), inc(inc(x))]


@task()
def nothing() -> None:
    return None


@task()
def fail(x):
    raise ValueError("bad input")


@task()
def boom(n: int):
    return [inc(n), fail(n)]


@task()
def kinds(
    my_int: int,
    colour: Colour = Colour.red,
    mode: Literal["fast", "slow"] = "fast",
    maybe: Optional[int] = None,
    many: list[int] = [],
    flag: bool = False,
    user: str = "nobody",
    file: File | None = None,
    pair: tuple[int, str] = (0, ""),
    either: int | str = 0,
    untyped=None,
):
    return [my_int, colour.name, mode, maybe, many, flag, user, file and file.path, pair, either, untyped]


@task()
def positional(a: int, b: int = 2, c: int = 3, /, *rest, **more):
    return [a, b, c]


@task()
def count(numbers: dict[str, int]):
    return sum(numbers.values())


@task(namespace="other", name="elsewhere")
def renamed():
    return "found"


@task()
def wait(started: str):
    Path(started).touch()
    time.sleep(60)
'''


class Shell:
    """Runs `redun` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}

    def command(self, *words: str) -> list[str]:
        # Not `python -m redun`, which would put the working directory on `sys.path` by itself.
        return [str(Path(sys.executable).with_name("redun")), *words]

    def __call__(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**self.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == code, done.stderr
        return done

    def refuses(self, *words: str) -> str:
        """The one message of a command that could not be started as it was asked for."""
        done = self(*words, code=2)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("redun: error: ")
        return done.stderr


@pytest.fixture
def redun(tmp_path):
    (tmp_path / "wf.py").write_text(WORKFLOW)
    (tmp_path / "text.txt").touch()
    (tmp_path / "empty").mkdir()
    return Shell(tmp_path)


def test_the_result_goes_to_stdout_and_everything_else_to_stderr(redun):
    done = redun("run", "wf.py", "main", "--x", "4")
    assert done.stdout == "[5, 6]\n"
    lines = done.stderr.splitlines()
    assert all(line.startswith("[redun]") for line in lines)
    assert lines[0].endswith(": redun run wf.py main --x 4")
    execution = lines[0].split()[3].rstrip(":")
    assert lines[1] == f"[redun] Run    Job {execution[:8]}.1: acme.main(x=4) on default"
    assert "[redun] | ALL             0       0       0       0       3       3" in lines
    assert "[redun] | acme.inc        0       0       0       0       2       2" in lines
    assert lines[-1].startswith("[redun] Execution duration: ")


def test_a_second_run_is_served_from_the_cache_unless_it_must_not(redun):
    redun("run", "wf.py", "main")
    assert "| ALL             0       0       0       3       0       3" in redun("run", "wf.py", "main").stderr
    assert "Run    Job" in redun("run", "--no-cache", "wf.py", "main").stderr


def test_a_run_without_provenance_records_no_job_and_uses_no_earlier_result(redun):
    redun("run", "wf.py", "main")
    assert redun("run", "--no-prov", "wf.py", "main").stdout == redun("run", "wf.py", "main", "--no-prov").stdout
    assert "DONE: 0, CACHED: 0" in redun("log", "-").stdout


def test_a_result_of_none_prints_nothing(redun):
    assert redun("run", "wf.py", "nothing").stdout == ""


def test_log_level_hides_job_lines(redun):
    assert redun("--log-level", "WARN", "run", "wf.py", "main").stderr == ""


def test_arguments_are_read_by_their_annotations(redun):
    (redun.folder / "f.txt").touch()
    words = "--my-int -1 --colour green --mode slow --maybe 7 --many 1 -2 3 --flag TRUE --user ada --file f.txt"
    done = redun(
        "run", "wf.py", "kinds", *words.split(), "--pair", "5", "a b", "--either=x", "--untyped", "7", "--doc", "text"
    )
    assert done.stdout.replace("\n", "") == (
        "[-1, 'green', 'slow', 7, [1, -2, 3], True, 'ada', 'f.txt', (5, 'a b'), 'x', '7']"
    )


def test_run_options_may_stand_anywhere_and_the_tasks_own_come_first(redun):
    words = [
        "--tag",
        "a=1",
        "wf.py",
        "--tag=b=x",
        "kinds",
        "--my-int",
        "1",
        "--tag",
        "c=2",
        "--user",
        "ada",
        "--project=p",
    ]
    redun("run", "-u", "grace", *words)
    line = redun("log", "--limit", "1").stdout.splitlines()[2]
    assert line.endswith("(a=1, b=x, c=2, project=p, redun.version=" + _version() + ", user=grace)")


def _version() -> str:
    from redun.version import __version__

    return __version__


def test_tasks_are_found_by_name_full_name_and_in_modules(redun):
    assert redun("run", "wf.py", "acme.inc", "--x", "1").stdout == "2\n"
    assert redun("run", "wf", "inc", "--x", "1").stdout == "2\n"
    assert redun("run", "wf.py", "elsewhere").stdout == "'found'\n"


def test_help_for_scripts_and_tasks(redun):
    listed = redun("run", "wf.py", "help").stdout
    assert "   acme.inc\n" in listed
    assert "redun." not in listed
    by_word = redun("run", "wf.py", "kinds", "help").stdout
    assert by_word == redun("run", "wf.py", "kinds", "--my-int", "1", "--help").stdout
    for text in ("--my-int INT", "[required]", "--colour [red|green]", "--many INT...", "[default: 'nobody']"):
        assert text in by_word
    info = redun("run", "wf.py", "inc", "info").stdout
    assert "acme.inc" in info
    assert "return x + 1" in info
    assert not (redun.folder / ".redun").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nope.py main", "'nope.py' does not exist"),
        (". main", "'.' is a folder: name a .py file in it"),
        ("empty main", "'empty' is a folder: name a .py file in it"),
        ("text.txt main", "'text.txt' is a file whose name does not end in .py"),
        ("folder/wf main", "'folder/wf' does not exist"),
        ("./wf main", "Did you mean ./wf.py?"),
        ("--pdb wf.py main", "--pdb of `redun run` is not supported yet"),
        ("-i nowhere wf.py main", "--input nowhere cannot be read"),
        ("-i wf.py wf.py inc --x 1", "--input holds the arguments, so --x cannot be given"),
        ("wf.py main --input x", "--input has to stand before the task"),
        ("wf.py inc --x 1 --rerun", "--rerun of `redun run` is not supported yet"),
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


def test_a_dry_run_runs_nothing_and_exits_1(redun):
    stderr = redun("run", "--dryrun", "wf.py", "main", code=1).stderr
    assert "Dryrun Job" in stderr
    assert stderr.rstrip().splitlines()[-1].startswith("redun: dry run: ")
    redun("run", "wf.py", "main")
    assert redun("run", "--dryrun", "wf.py", "main").stdout == "[4, 5]\n"


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


SETUP = """
from redun import Scheduler, task

redun_namespace = "acme"


@task()
def main():
    return "ran"


def setup_scheduler(config, profile: str = "prod", workers: int = 1):
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
    assert "profile=TEXT  (default: 'prod')" in redun("--setup-help").stdout
    for setup, message in [
        ("profil=x", "Did you mean profile?"),
        ("workers=two", "'two' is not an int"),
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


def test_a_repository_that_cannot_be_opened_is_refused_before_anything_starts(redun):
    (redun.folder / ".redun").mkdir()
    (redun.folder / ".redun" / "redun.ini").touch()
    database = redun.folder / ".redun" / "redun.db"
    database.write_text("This is no database." * 100)
    for words in (["run", "wf.py", "main"], ["log"], ["init"]):
        assert str(database) in redun.refuses(*words)
    assert database.read_text() == "This is no database." * 100


def test_positional_only_parameters_and_json_can_be_given(redun):
    assert redun("run", "wf.py", "positional", "--a", "1", "--c", "5").stdout == "[1, 2, 5]\n"
    assert redun("run", "wf.py", "count", "--numbers", '{"a": 1, "b": 2}').stdout == "3\n"


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


def test_another_repository_of_the_configuration_can_be_used(redun):
    (redun.folder / ".redun").mkdir()
    (redun.folder / ".redun" / "redun.ini").write_text("[repos.shared]\nconfig_dir = ../shared\n")
    redun("--repo", "shared", "run", "wf.py", "nothing")
    assert (redun.folder / "shared" / "redun.db").is_file()
    assert "run wf.py nothing" in redun("-r", "shared", "log").stdout
    assert "Known: default, shared" in redun.refuses("-r", "shard", "log")


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


def test_a_closed_pipe_is_silent(redun):
    redun("run", "wf.py", "main")
    shell = f"{' '.join(redun.command('log'))} | true"
    done = subprocess.run(["bash", "-c", shell], cwd=redun.folder, env=redun.environ, capture_output=True, text=True)
    assert done.stderr == ""


def test_the_command_can_be_run_as_a_module(redun):
    done = subprocess.run(
        [sys.executable, "-m", "redun", "run", "wf.py", "inc", "--x", "1"],
        cwd=redun.folder,
        env=redun.environ,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "2\n"


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
