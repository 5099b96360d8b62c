"""What many installed plugins cost those who do not use them: counted in modules and files, not in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

COUNT = 30

PLUGIN = """
from redun.plugins import ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)

@hookimpl
def redun_register_executors():
    return [ExecutorType("dummy{n}", "dummy{n}.executor:Dummy", settings="dummy{n}.settings:DummySettings")]
"""
EXECUTOR = """
from redun.executors.inline import InlineExecutor

class Dummy(InlineExecutor):
    def __init__(self, name, queue="main"):
        super().__init__(name)
"""
SETTINGS = """
from redun.config.settings import Settings

class DummySettings(Settings):
    queue: str = "main"
"""
FLOW = """
from redun import task

redun_namespace = "many_plugins"

@task
def unrelated():
    return 42

@task(executor="named")
def related():
    return 43
"""
PROGRAM = """
import collections, json, sys

opened = collections.Counter()

def look(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and ".dist-info" in arguments[0]:
        opened[arguments[0]] += 1

sys.addaudithook(look)
from redun.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
sys.stdout.flush()
modules = [name for name in sys.modules if name.startswith("dummy")]
print("\\n" + json.dumps([modules, opened]))
"""


class Loaded(NamedTuple):
    """What a command has loaded of the dummy plugins."""

    output: str
    modules: list[str]
    opened: dict[str, int]
    """How often each file of an installed distribution's metadata was opened."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the distributions of many plugins, each with an executor type and its settings."""
    site = tmp_path / "site"
    for number in range(COUNT):
        metadata = site / f"dummy{number}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dummy{number}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[redun]\ndummy{number} = dummy{number}.plugin\n")
        package = site / f"dummy{number}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(PLUGIN.format(n=number))
        (package / "executor.py").write_text(EXECUTOR)
        (package / "settings.py").write_text(SETTINGS)
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun/redun.ini").write_text("")
    return site


def redun(site: Path, *words: str) -> Loaded:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDUN")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=site.parent,
        env={**environment, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    output, _, counted = done.stdout.rstrip().rpartition("\n")
    return Loaded(output, *json.loads(counted))


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["help"],
        ["run", "--help"],
        ["help", "log"],
        ["run", "flow.py", "unrelated", "--help"],
    ],
)
def test_help_looks_at_no_plugin(site: Path, words: list[str]) -> None:
    loaded = redun(site, *words)
    assert loaded.output
    assert (loaded.modules, loaded.opened) == ([], {})


def test_an_unrelated_run_imports_one_light_module_of_each_and_opens_one_file(site: Path) -> None:
    loaded = redun(site, "run", "flow.py", "unrelated")
    assert loaded.output.strip() == "42"
    imported = {name for name in loaded.modules if "." in name}
    assert imported == {f"dummy{number}.plugin" for number in range(COUNT)}
    assert {Path(name).name for name in loaded.opened} == {"entry_points.txt"}
    assert set(loaded.opened.values()) == {1}
    assert len([name for name in loaded.opened if "dummy" in name]) == COUNT


def test_a_run_imports_the_executor_and_the_settings_of_the_plugin_that_it_uses(site: Path) -> None:
    (site.parent / ".redun/redun.ini").write_text("[executors.named]\ntype = dummy7\nqueue = night\n")
    loaded = redun(site, "run", "flow.py", "related")
    assert loaded.output.strip() == "43"
    heavy = {name for name in loaded.modules if name.endswith((".executor", ".settings"))}
    assert heavy == {"dummy7.executor", "dummy7.settings"}


def test_listing_plugins_imports_no_more_than_their_plugin_modules(site: Path) -> None:
    loaded = redun(site, "plugins")
    assert all(f"executor type dummy{number}" in loaded.output for number in range(COUNT))
    assert not [name for name in loaded.modules if name.endswith((".executor", ".settings"))]
