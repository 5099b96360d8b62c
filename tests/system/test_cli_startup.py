"""What the command line imports: commands must not pay for what they do not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("alembic", "fsspec", "pluggy", "pydantic", "rich", "sqlalchemy")
PROGRAM = """
import json, sys
from redun.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
sys.stdout.flush()
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def modules_after(folder, *words):
    environ = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    output, _, modules = done.stdout.rstrip().rpartition("\n")
    return output, set(json.loads(modules))


def test_the_version_needs_not_even_the_command_line(tmp_path):
    output, modules = modules_after(tmp_path, "--version")
    assert output.strip()[0].isdigit()
    assert not modules & {*HEAVY, "click", "redun.task", "redun.scheduler", "redun.config"}


@pytest.mark.parametrize("words", [["--help"], ["help"], [], ["--check-version", ">=0.1", "help"]])
def test_help_loads_no_plugin_and_no_engine(tmp_path, words):
    output, modules = modules_after(tmp_path, *words)
    for name in ("run", "log", "init", "config", "plugins", "completion"):
        assert f"\n  {name} " in output
    assert not modules & {
        *HEAVY,
        "importlib_metadata",
        "redun.task",
        "redun.scheduler",
        "redun.config",
        "redun.cli.run",
    }
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["run", "log", "tag", "init", "completion"])
def test_help_of_a_built_in_command_loads_no_plugin(tmp_path, name):
    output, modules = modules_after(tmp_path, name, "--help")
    assert f"redun {name}" in output
    assert not modules & {*HEAVY, "importlib_metadata"}
    assert output == modules_after(tmp_path, "help", name)[0]


def test_a_run_on_a_ready_repository_needs_no_heavy_library(tmp_path):
    (tmp_path / "flow.py").write_text("from redun import task\n@task(namespace='a')\ndef main():\n    return 'ran'\n")
    for _ in range(2):
        output, modules = modules_after(tmp_path, "run", "flow.py", "main")
        assert "'ran'" in output
    assert not modules & {"alembic", "fsspec", "pydantic", "rich", "sqlalchemy"}


def test_a_group_without_a_command_shows_its_help(tmp_path):
    output, _ = modules_after(tmp_path, "config")
    assert output.startswith("Usage: redun config ")
    assert "\n  check " in output


def test_commands_that_are_planned_are_told_from_typing_errors(tmp_path):
    from redun.cli.planned import COMMANDS as PLANNED
    from redun.cli.root import COMMANDS

    assert not set(PLANNED) & set(COMMANDS)
    for name in PLANNED:
        done = subprocess.run(
            [sys.executable, "-m", "redun", name, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr == f"redun: error: the command `redun {name}` is not supported yet\n"


def test_a_command_of_a_package_that_is_not_there_says_which_it_is(tmp_path):
    environ = {**os.environ, "REDUN_PLUGIN_AUTOLOAD": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "redun", "aws", "list-jobs"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("redun: error: no installed plugin provides the command `redun aws`. ")
    assert "redun-aws" in done.stderr


def test_all_commands_can_be_loaded():
    from redun.cli.root import COMMANDS, root

    for name, command in COMMANDS.items():
        loaded = root.get_command(None, name)
        assert loaded is not None
        assert loaded.help
        assert command.summary


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_with_instructions(tmp_path, shell):
    output, _ = modules_after(tmp_path, "completion", shell)
    assert output.startswith("# ")
    assert f"_REDUN_COMPLETE={shell}_complete" in output


def test_completion_knows_the_commands_without_importing_them(tmp_path):
    environ = {**os.environ, "_REDUN_COMPLETE": "bash_complete", "COMP_WORDS": "redun pl", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "redun"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "plain,plugins\n"


def test_help_all_lists_the_commands_of_plugins_and_a_plugin_command_runs(tmp_path):
    (tmp_path / "acme_plugin.py").write_text(
        "from redun.plugins import Command, hookimpl\n"
        "REDUN_PLUGIN_API = (1, 0)\n"
        "@hookimpl\n"
        "def redun_register_commands():\n"
        "    return [Command(name='acme', command='acme_command:acme', summary='Do as acme does.')]\n"
    )
    (tmp_path / "acme_command.py").write_text(
        "import click\n"
        "@click.command()\n"
        "@click.option('--times', default=1)\n"
        "@click.pass_obj\n"
        "def acme(app, times):\n"
        "    '''Long help of acme.'''\n"
        "    print('acme' * times, app.config_option)\n"
    )
    information = tmp_path / "acme-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[redun]\nacme = acme_plugin\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def redun(*words):
        return subprocess.run(
            [sys.executable, "-m", "redun", *words], cwd=tmp_path, env=environ, capture_output=True, text=True
        )

    listed = redun("help", "--all").stdout
    assert "Do as acme does." in listed
    assert redun("-c", "x", "acme", "--times", "2").stdout == "acmeacme x\n"
    assert "Long help of acme." in redun("help", "acme").stdout
    assert "Long help of acme." in redun("acme", "--help").stdout
    wrong = redun("acmee")
    assert wrong.returncode == 2
    assert "Did you mean acme?" in wrong.stderr
