"""What `redun run` gives: results, cached or not, with arguments and tasks as they are named."""

from __future__ import annotations

import subprocess
import sys


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


def test_a_dry_run_runs_nothing_and_exits_1(redun):
    stderr = redun("run", "--dryrun", "wf.py", "main", code=1).stderr
    assert "Dryrun Job" in stderr
    assert stderr.rstrip().splitlines()[-1].startswith("redun: dry run: ")
    redun("run", "wf.py", "main")
    assert redun("run", "--dryrun", "wf.py", "main").stdout == "[4, 5]\n"


def test_positional_only_parameters_and_json_can_be_given(redun):
    assert redun("run", "wf.py", "positional", "--a", "1", "--c", "5").stdout == "[1, 2, 5]\n"
    assert redun("run", "wf.py", "count", "--numbers", '{"a": 1, "b": 2}').stdout == "3\n"


def test_another_repository_of_the_configuration_can_be_used(redun):
    (redun.folder / ".redun").mkdir()
    (redun.folder / ".redun" / "redun.ini").write_text("[repos.shared]\nconfig_dir = ../shared\n")
    assert "`redun init` makes one" in redun.refuses("--repo", "shared", "run", "wf.py", "nothing")
    redun("-c", "shared", "init")
    redun("--repo", "shared", "run", "wf.py", "nothing")
    assert (redun.folder / "shared" / "redun.db").is_file()
    assert "run wf.py nothing" in redun("-r", "shared", "log").stdout
    assert "Known: default, shared" in redun.refuses("-r", "shard", "log")


def test_the_command_can_be_run_as_a_module(redun):
    done = subprocess.run(
        [sys.executable, "-m", "redun", "run", "wf.py", "inc", "--x", "1"],
        cwd=redun.folder,
        env=redun.environ,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "2\n"


def test_a_result_that_cannot_be_shown_is_a_result_all_the_same(redun):
    (redun.folder / "odd.py").write_text(
        'from redun import task\nredun_namespace = "odd"\n'
        "class Shy:\n    def __repr__(self): raise RuntimeError('not me')\n"
        "@task\ndef shy(): return Shy()\n"
        "@task\ndef deep():\n    found = []\n    for _ in range(5000): found = [found]\n    return found\n"
    )
    shy = redun("run", "odd.py", "shy")
    assert shy.returncode == 0
    assert shy.stdout == "<a result of type Shy that cannot be shown: RuntimeError: not me>\n"
    deep = redun("run", "odd.py", "deep")
    assert deep.returncode == 0
    assert deep.stdout.startswith("<a result of type list that cannot be shown: RecursionError")
