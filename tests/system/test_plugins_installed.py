"""Plugins that are really installed: what users see of good and broken ones.

Each test makes distributions as an installer would leave them, in a folder of their own that a new process finds on its
path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import NamedTuple

import pytest

GOOD = """
    from redun.plugins import Command, ExecutorType, hookimpl

    REDUN_PLUGIN_API = (1, 0)

    @hookimpl
    def redun_register_executors():
        return [ExecutorType("foo", "foo_engine:Foo", settings="foo_engine:FooSettings", summary="Runs on foo")]

    @hookimpl
    def redun_register_commands():
        return [Command("foo-status", "foo_engine:status", "Show what foo does.")]
"""

ENGINE = """
    import click
    from redun.config.settings import Settings
    from redun.executors.inline import InlineExecutor

    class FooSettings(Settings):
        queue: str = "main"

    class Foo(InlineExecutor):
        def __init__(self, name, queue="main"):
            super().__init__(name)

    @click.command()
    def status():
        click.echo("foo is fine")
"""


UNRELATED = """
from redun import task

redun_namespace = "unrelated"


@task
def main() -> int:
    return 42
"""


class Site:
    """A folder with installed distributions."""

    def __init__(self, folder, directory):
        self.folder = folder
        self.directory = directory

    def install(self, distribution: str, entries: dict[str, str], files: dict[str, str], version: str = "1.0") -> None:
        metadata = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = "".join(f"{name} = {module}\n" for name, module in entries.items())
        (metadata / "entry_points.txt").write_text(f"[redun]\n{lines}")
        for name, text in files.items():
            (self.folder / name).write_text(textwrap.dedent(text))

    def redun(self, *words: str, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "redun", *words],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(self.folder), **environment},
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def run_a_task(self) -> None:
        """A workflow that has nothing to do with any of these plugins runs."""
        (self.directory / "unrelated.py").write_text(UNRELATED)
        done = self.redun("run", "unrelated.py", "main")
        assert (done.code, done.out) == (0, "42\n")

    def plugins(self, **environment: str) -> dict[str, dict]:
        done = self.redun("plugins", "--json", **environment)
        assert done.code == 0
        return {f"{one['plugin']} of {one['distribution']}": one for one in json.loads(done.out)["plugins"]}

    def configure(self, text: str) -> None:
        (self.directory / ".redun").mkdir(exist_ok=True)
        (self.directory / ".redun/redun.ini").write_text(textwrap.dedent(text).lstrip())


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "work").mkdir()
    return Site(tmp_path / "site", tmp_path / "work")


@pytest.fixture
def foo(site):
    """A site where a stranger's good plugin is installed."""
    site.install("redun-executor-foo", {"foo": "foo_plugin"}, {"foo_plugin.py": GOOD, "foo_engine.py": ENGINE})
    return site


def test_an_installed_plugin_is_listed_checked_documented_and_can_be_called(foo):
    record = foo.plugins()["foo of redun-executor-foo"]
    assert (record["version"], record["status"]) == ("1.0", "loaded")
    assert record["provides"] == {"executor type": ["foo"], "command": ["foo-status"]}
    foo.configure("[executors.a]\ntype = foo\nqueu = x\n")
    checked = foo.redun("config", "check")
    assert checked.code == 2
    assert "redun.ini:3: [executors.a] queu: there is no such option; did you mean queue?" in checked.err
    assert '"const": "foo"' in foo.redun("config", "schema").out
    called = foo.redun("foo-status")
    assert (called.code, called.out) == (0, "foo is fine\n")


@pytest.mark.parametrize(
    ("plugin", "status", "reason"),
    [
        ("raise RuntimeError('boom')", "failed", "RuntimeError: boom"),
        ("REDUN_PLUGIN_API = (9, 0)", "incompatible", "it speaks plugin API 9.0, this redun speaks 1.0"),
        (
            GOOD + "\n    @hookimpl\n    def redun_register_filesytems():\n        return []\n",
            "failed",
            "unknown hook redun_register_filesytems; did you mean redun_register_filesystems?",
        ),
    ],
    ids=["raises", "api", "hook"],
)
def test_a_broken_plugin_is_named_with_its_distribution_and_harms_nothing_else(foo, plugin, status, reason):
    foo.install("acme-redun", {"bad": "bad_plugin"}, {"bad_plugin.py": plugin}, version="3.1")
    listed = foo.redun("plugins")
    assert listed.code == 0
    warning = 'plugin "bad" (acme-redun 3.1) was not loaded: '
    assert any(warning in line and reason in line for line in listed.err.splitlines())
    records = foo.plugins()
    assert records["bad of acme-redun"]["status"] == status
    assert reason in records["bad of acme-redun"]["error"]
    assert records["foo of redun-executor-foo"]["status"] == "loaded"
    help_text = foo.redun("--help")
    assert (help_text.code, help_text.err) == (0, "")
    assert foo.redun("foo-status").code == 0
    foo.run_a_task()
    foo.configure("[executors.a]\ntype = bad\n")
    foo.run_a_task()
    checked = foo.redun("config", "check")
    assert checked.code == 2
    assert 'Not loaded: plugin "bad" (acme-redun 3.1): ' in checked.err


def test_a_type_that_two_distributions_provide_is_an_error_with_both_names(foo):
    foo.install("acme-foo", {"acme": "acme_plugin"}, {"acme_plugin.py": GOOD.replace("foo-status", "acme-status")})
    listed = foo.redun("plugins")
    assert listed.code == 0
    conflict = 'executor type "foo" is provided by both acme-foo 1.0 and redun-executor-foo 1.0.'
    assert conflict in listed.err
    assert foo.redun("--help").code == 0
    foo.configure("[executors.a]\ntype = inline\n")
    assert conflict in foo.redun("config", "check").err
    foo.configure("[executors.a]\ntype = foo\n")
    assert f'[executors.a] type = "foo": {conflict}' in foo.redun("config", "check").err
    disabled = foo.redun("config", "check", REDUN_DISABLE_PLUGINS="acme-foo")
    assert (disabled.code, disabled.err) == (0, "")
    foo.configure("")
    assert foo.redun("--help").code == 0
    foo.run_a_task()


def test_plugins_can_be_disabled_by_name_and_all_at_once(foo):
    assert foo.plugins(REDUN_DISABLE_PLUGINS="foo")["foo of redun-executor-foo"]["status"] == "disabled"
    assert list(foo.plugins(REDUN_PLUGIN_AUTOLOAD="0")) == ["core of redun-core"]


def test_a_distribution_that_is_found_twice_counts_once(foo, tmp_path):
    (tmp_path / "second").mkdir()
    second = Site(tmp_path / "second", foo.directory)
    second.install("redun_executor_foo", {"foo": "foo_plugin"}, {}, version="0.9")
    path = os.pathsep.join([str(foo.folder), str(second.folder)])
    record = foo.plugins(PYTHONPATH=path)["foo of redun-executor-foo"]
    assert record["version"] == "1.0", "the first one on the path"
    assert "provided by both" not in foo.redun("plugins", PYTHONPATH=path).err


def test_a_module_that_two_entries_name_is_loaded_once(site):
    entries = {"foo": "foo_plugin", "foo2": "foo_plugin"}
    site.install("redun-executor-foo", entries, {"foo_plugin.py": GOOD, "foo_engine.py": ENGINE})
    assert site.redun("plugins").err == ""


def test_the_other_distribution_called_redun_is_reported_with_its_repair(site):
    site.install("redun", {}, {}, version="0.44.1")
    done = site.redun("plugins")
    assert done.code == 0
    assert f"The distribution redun 0.44.1 is installed in {site.folder} beside redun-core." in done.err
    assert "-m pip uninstall --yes redun && " in done.err
