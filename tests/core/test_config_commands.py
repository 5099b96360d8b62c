"""`redun config` and `redun plugins`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from redun.cli.config import config as config_group
from redun.cli.plugins import plugins as plugins_command
from redun.config import load_config


class App:
    """What the commands find as click's `obj`."""

    def __init__(self, directory):
        self.directory = directory

    def load_config(self):
        return load_config(self.directory)


@pytest.fixture
def redun(tmp_path, monkeypatch):
    """Runs one of the commands with this text as the configuration."""
    monkeypatch.setenv("MY_TOKEN", "hunter22")

    def run(command, *words, ini=""):
        (tmp_path / "redun.ini").write_text(ini)
        return CliRunner().invoke(command, list(words), obj=App(tmp_path))

    run.ini = tmp_path / "redun.ini"
    return run


INI = """\
[DEFAULT]
bucket = b
[scheduler]
job_status_interval = 5
[mine]
token = ${MY_TOKEN}
where = ${bucket}/${MY_TOKEN}
many =
    lines
[executors.second]
type = alias
target = default
[executors.cloud]
type = nobody_has_it
"""


def test_show_gives_each_effective_option_with_its_origin_and_masks_secrets(redun):
    done = redun(config_group, "show", ini=INI)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == f"# Configuration directory: {redun.ini.parent}"
    assert f"job_status_interval = 5    ({redun.ini}:4)" in lines
    assert "# setup_scheduler    (default)" in lines
    assert f"token = ***    ({redun.ini}:6, environment MY_TOKEN)" in lines
    assert f"where = b/***    ({redun.ini}:7, environment MY_TOKEN)" in lines
    assert f"target = default    ({redun.ini}:12)" in lines
    assert "[executors.default]" in lines, "what exists without configuration is shown too"
    assert any(line.startswith("# ") and "no installed plugin provides it" in line for line in lines)
    assert "hunter22" not in done.output


def test_show_gives_the_same_as_json(redun):
    content = json.loads(redun(config_group, "show", "--json", ini=INI).output)
    assert content["config_dir"] == str(redun.ini.parent)
    assert content["sections"]["scheduler"]["job_status_interval"] == {"value": "5", "origin": f"{redun.ini}:4"}
    assert content["sections"]["mine"]["token"]["value"] == "***"
    assert content["sections"]["DEFAULT"] == {"bucket": {"value": "b", "origin": f"{redun.ini}:2"}}


def test_check_of_a_right_configuration_ends_with_0(redun):
    done = redun(config_group, "check", ini="[limits]\ndb = 1\n[limit]\nx = 1\n")
    assert done.exit_code == 0
    assert "warning: " in done.stderr, "a near miss is no error"
    assert done.stdout == f"{redun.ini.parent}: no errors.\n"


def test_check_lists_all_errors_on_stderr_and_ends_with_2(redun):
    done = redun(config_group, "check", ini="[limits]\ndb = x\n[executors.a]\ntype = nobody_has_it\n")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [line.split(": ")[0] for line in done.stderr.splitlines()[:2]] == ["error", "error"]
    assert done.stderr.endswith("2 errors found.\n")


def test_check_of_a_file_with_wrong_syntax_ends_with_2(redun):
    done = redun(config_group, "check", ini="nonsense\n")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {redun.ini}:1: ")


def test_schema_is_a_json_schema_with_the_options_of_installed_plugins(redun):
    content = json.loads(redun(config_group, "schema").output)
    sections = content["properties"]
    assert set(sections) >= {"scheduler", "backend", "limits", "tags", "repos", "executors", "federated_tasks"}
    assert sections["scheduler"]["properties"]["job_status_interval"]["default"] == 20
    types = [one["properties"]["type"]["const"] for one in sections["executors"]["additionalProperties"]["anyOf"]]
    assert types[:1] == ["alias"]
    assert sections["limits"]["additionalProperties"] == {"minimum": 0, "type": "integer"}


def test_plugins_lists_what_is_installed(redun):
    done = redun(plugins_command)
    assert done.exit_code == 0
    header, core = done.output.splitlines()[:2]
    assert header.split() == ["plugin", "distribution", "version", "status", "provides"]
    assert core.split()[:2] == ["core", "redun-core"]
    assert "executor type alias, inline; backend memory" in core


def test_plugins_as_json(redun):
    content = json.loads(redun(plugins_command, "--json").output)
    core = content["plugins"][0]
    assert (core["plugin"], core["status"], core["error"]) == ("core", "loaded", None)
    assert core["provides"]["executor type"] == ["alias", "inline"]
    assert isinstance(content["problems"], list)
