"""The ready-made tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from redun import Dir, File
from redun.errors import UsageError
from redun.tools import copy_dir, copy_file, copy_files, render_template


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_copied_again_only_when_needed(scheduler):
    File("a").write("1")
    copied = scheduler.run(copy_file(File("a"), "b"))
    assert (copied.path, copied.read()) == ("b", "1")
    time = Path("b").stat().st_mtime_ns
    scheduler.run(copy_file(File("a"), "b"))
    assert Path("b").stat().st_mtime_ns == time
    File("a").write("longer")
    assert scheduler.run(copy_file(File("a"), "b")).read() == "longer"
    Path("b").unlink()
    assert scheduler.run(copy_file(File("a"), "b")).read() == "longer"


def test_below_a_directory_a_file_keeps_its_name(scheduler):
    File("x/a").write("1")
    assert scheduler.run(copy_file(File("x/a"), "deep/down/")).path == "deep/down/a"


def test_a_file_that_is_there_may_be_left_alone(scheduler):
    File("a").write("new")
    File("b").write("old")
    assert scheduler.run(copy_file(File("a"), "b", skip_if_exists=True)).read() == "old"


def test_files_are_copied_each_to_its_path(scheduler):
    for name in "ab":
        File(name).write(name)
    copied = scheduler.run(copy_files([File("a"), File("b")], ["c", "d/"], copy_options={"limits": ["disk"]}))
    assert [(file.path, file.read()) for file in copied] == [("c", "a"), ("d/b", "b")]
    with pytest.raises(ValueError, match="2 files cannot be copied to 1 paths"):
        scheduler.run(copy_files([File("a"), File("b")], ["c"]))


def test_a_directory_is_copied_again_when_a_file_changes_or_is_missing(scheduler):
    for name in ("a", "sub/b"):
        File(f"x/{name}").write(name)
    copied = scheduler.run(copy_dir(Dir("x"), "y"))
    assert [file.path for file in copied] == ["y/a", "y/sub/b"]
    Path("y/a").unlink()
    copied = scheduler.run(copy_dir(Dir("x"), "y"))
    assert [file.read() for file in copied] == ["a", "sub/b"]
    File("x/a").write("longer")
    copied = scheduler.run(copy_dir(Dir("x"), "y"))
    assert [file.read() for file in copied] == ["longer", "sub/b"]
    assert copied.is_valid()
    assert [file.path for file in scheduler.run(copy_dir(Dir("x/sub"), "z/"))] == ["z/sub/b"]


def test_a_template_is_filled_in(scheduler):
    pytest.importorskip("jinja2")
    File("page").write("{% extends 'base' %}{% block body %}{{ name }} ä{% endblock %}", encoding="utf-8")
    File("parts/base").write("<b>{% block body %}{% endblock %}</b>{{ missing }}")
    made = scheduler.run(render_template("out/page", File("page"), {"name": "<x>"}, "parts"))
    assert (made.path, made.read(encoding="utf-8")) == ("out/page", "<b><x> ä</b>")
    File("page").write("plain {{ name }}")
    assert scheduler.run(render_template("out/page", File("page"), {"name": "y"})).read() == "plain y"


def test_without_jinja2_it_says_what_to_install(scheduler, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    File("page").write("x")
    with pytest.raises(UsageError, match="pip install jinja2"):
        scheduler.run(render_template("out", File("page"), {}))


DEBUGGED = """
from redun import Scheduler
from redun.backends.memory import MemoryBackend
from redun.tools import debug_task
print("gives", Scheduler(backend=MemoryBackend()).run(debug_task([1, 2])))
"""


def test_the_debugger_stops_with_the_value_and_lets_the_workflow_go_on():
    commands = "print('seen', value)\ncontinue\n"
    words = [sys.executable, "-c", DEBUGGED]
    done = subprocess.run(words, input=commands, capture_output=True, text=True, timeout=60)
    assert "seen [1, 2]" in done.stdout, done.stderr
    assert done.stdout.endswith("gives [1, 2]\n")
