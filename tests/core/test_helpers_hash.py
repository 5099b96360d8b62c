"""`hash_helpers`: an edit of what a task calls counts like one of the task itself, and nothing else does."""

from __future__ import annotations

import importlib
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler
from redun.config import Config
from redun.task import Task, get_task_registry

FILES = {
    "hh_workflow": """
from redun import task
import hh_tools
from hh_tools import scaled as enlarged, LIMIT, shared
from hh_package import deep

redun_namespace = "hh"

@task(hash_helpers=True)
def main(x: int = 0):
    return clean(x) + enlarged(x) + hh_tools.looped(x) + LIMIT + deep.bottom(x) + shared.run(x) + other(x)

def clean(x):
    return x

def unrelated(x):
    return x

@task
def other(x):
    return below_other(x)

def below_other(x):
    return x
""",
    "hh_tools": """
import functools
import json
from hh_package.deep import bottom

LIMIT = 3
UNUSED = 4
TABLE = {"a": lambda x: x, "b": 2}

def counted(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)
    return call

def hidden(function):
    def call_hidden(*args):
        return function(*args)
    return call_hidden

@functools.lru_cache
def scaled(x):
    return step(x) * len(TABLE)

@counted
def step(x):
    return inner(x)

@hidden
def inner(x):
    return json.loads("1") + bottom(x)

def looped(x):
    return back(x - 1) if x else 0

def back(x):
    return looped(x)

class Base:
    def size(self):
        return 1

class Shared(Base):
    def run(self, x):
        return self.size()

shared = Shared()
adder = functools.partial(step, 1)
""",
    "hh_package/__init__": "",
    "hh_package/deep": """
from .names import NAMES

def bottom(x):
    from .late import lately
    return lately(x) + len(NAMES)
""",
    "hh_package/late": "def lately(x):\n    return 5\n",
    "hh_package/names": 'NAMES = ["a"]\nNAMES.append("b")\n',
}

_numbers = itertools.count()


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., Task[..., Any]]]:
    """Imports the files, with edits, from a new folder, and gives the task `main`."""

    def load(edits: dict[tuple[str, str], str] | None = None, first: str = "hh_workflow") -> Task[..., Any]:
        forget()
        folder = tmp_path / str(next(_numbers))
        for name, text in FILES.items():
            for (file, old), new in (edits or {}).items():
                if file == name:
                    assert text.count(old) == 1, (file, old)
                    text = text.replace(old, new)
            path = folder / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        importlib.import_module(first)
        importlib.import_module("hh_workflow")
        task = get_task_registry().get("hh.main")
        assert task is not None
        assert task.hash
        return task

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith("hh_")]:
            del sys.modules[name]

    before, tasks = list(sys.path), dict(get_task_registry()._tasks)
    yield load
    sys.path[:] = before
    get_task_registry()._tasks = tasks
    forget()
    get_task_registry().hash_helpers(False)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("hh_workflow", "def clean(x):\n    return x", "def clean(x):\n    return x + 0"),
        ("hh_tools", "step(x) * len", "step(x) + len"),
        ("hh_tools", "return inner(x)", "return 0 + inner(x)"),
        ("hh_tools", 'json.loads("1")', 'json.loads("2")'),
        ("hh_tools", "    def call(*args):\n", "    def call(*args):\n        print(args)\n"),
        ("hh_tools", "    def call_hidden(*args):\n", "    def call_hidden(*args):\n        print(args)\n"),
        ("hh_tools", "@hidden\n", ""),
        ("hh_tools", "return looped(x)", "return looped(x) + 1"),
        ("hh_tools", "return self.size()", "return 2 * self.size()"),
        ("hh_tools", "return 1", "return 2"),
        ("hh_tools", "shared = Shared()", "shared = Base()"),
        ("hh_tools", "LIMIT = 3", "LIMIT = 4"),
        ("hh_tools", "lambda x: x", "lambda x: -x"),
        ("hh_package/deep", "lately(x) + len", "lately(x) - len"),
        ("hh_package/late", "return 5", "return 6"),
        ("hh_package/names", '["a"]', '["c"]'),
        ("hh_package/names", 'append("b")', 'append("b")\nNAMES += ["c"]'),
    ],
)
def test_an_edit_of_what_the_task_calls_changes_its_hash(
    file: str, old: str, new: str, load: Callable[..., Task[..., Any]]
) -> None:
    before = load().hash
    after = load({(file, old): new})
    assert after.hash != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("hh_workflow", "def unrelated(x):\n    return x", "def unrelated(x):\n    return 2"),
        ("hh_workflow", "def below_other(x):\n    return x", "def below_other(x):\n    return 2"),
        ("hh_workflow", "return below_other(x)", "return 2 * below_other(x)"),
        ("hh_tools", "UNUSED = 4", "UNUSED = 5"),
        ("hh_tools", "adder = functools.partial(step, 1)", "adder = 1"),
        ("hh_tools", "import functools\n", "import functools\nimport math\n"),
    ],
)
def test_any_other_edit_leaves_the_hash_alone(
    file: str, old: str, new: str, load: Callable[..., Task[..., Any]]
) -> None:
    before = load().hash
    assert load({(file, old): new}).hash == before


def test_renaming_a_helper_counts_and_moving_it_to_another_module_does_not(
    load: Callable[..., Task[..., Any]],
) -> None:
    before = load().hash
    renamed = {
        ("hh_workflow", "return clean(x) +"): "return cleaned(x) +",
        ("hh_workflow", "def clean("): "def cleaned(",
    }
    assert load(renamed).hash != before
    moved = {
        ("hh_workflow", "def clean(x):\n    return x\n"): "from hh_tools import clean\n",
        ("hh_tools", "LIMIT = 3\n"): "LIMIT = 3\n\ndef clean(x):\n    return x\n",
    }
    assert load(moved).hash == before


def test_which_module_is_imported_first_does_not_matter(load: Callable[..., Task[..., Any]]) -> None:
    assert len({load(first=name).hash for name in ("hh_workflow", "hh_package.late", "hh_tools")}) == 1


def test_a_hash_that_is_asked_for_while_modules_are_imported_is_not_kept(load: Callable[..., Task[..., Any]]) -> None:
    early = {("hh_workflow", "def clean(x)"): "main.hash\n\ndef clean(x)"}
    assert load(early).hash == load().hash


def test_what_a_run_puts_into_a_table_does_not_count(load: Callable[..., Task[..., Any]]) -> None:
    task = load()
    before = task.hash
    sys.modules["hh_tools"].TABLE["c"] = 1
    task.forget_hash()
    assert task.hash == before


def test_without_the_option_only_the_task_itself_counts(load: Callable[..., Task[..., Any]]) -> None:
    plain = {("hh_workflow", "@task(hash_helpers=True)"): "@task"}
    edited = {**plain, ("hh_workflow", "def clean(x):\n    return x"): "def clean(x):\n    return x + 0"}
    assert load(plain).hash == load(edited).hash
    # Nor does asking for it change the hash of a task that calls no helpers.
    assert load(plain).hash != load().hash


def test_the_configuration_turns_it_on_for_tasks_without_a_version(
    load: Callable[..., Task[..., Any]], backend: Any
) -> None:
    def scheduler(value: str) -> Scheduler:
        return Scheduler(Config({"scheduler": {"hash_helpers": value}}), backend=backend)

    def run(edits: dict[tuple[str, str], str], value: str = "true") -> list[str]:
        one = scheduler(value)
        one.run(load(edits)(0))
        return [name for name, counts in one.job_counts().items() if counts[4]]

    plain = {("hh_workflow", "@task(hash_helpers=True)"): "@task"}
    edited = {**plain, ("hh_workflow", "def below_other(x):\n    return x"): "def below_other(x):\n    return x + 0"}
    assert run(plain) == ["hh.main", "hh.other"]
    assert run(plain) == []
    assert run(edited) == ["hh.other"]
    versioned = {**edited, ("hh_workflow", "@task\ndef other"): '@task(version="1")\ndef other'}
    assert run(versioned) == ["hh.other"]
    again = {**versioned, ("hh_workflow", "def below_other(x):\n    return x"): "def below_other(x):\n    return x - 0"}
    assert run(again) == []
    left_out = {("hh_workflow", "@task(hash_helpers=True)"): "@task(hash_helpers=False)"}
    assert "hh.main" in run(left_out)
    assert "hh.main" not in run({**left_out, ("hh_tools", "LIMIT = 3"): "LIMIT = 4"})


def test_what_only_a_run_can_tell_is_listed(load: Callable[..., Task[..., Any]]) -> None:
    edits = {
        ("hh_workflow", "return clean(x) +"): (
            "return x(1) + hh_tools.TABLE['a'](2) + getattr(hh_tools, str(x)) + getattr(hh_tools, 'UNUSED')"
            " + nowhere(x) + clean(x) +"
        )
    }
    assert load(edits).helpers().not_followed[:4] == [
        "hh_workflow.main: x(1)",
        "hh_workflow.main: hh_tools.TABLE['a'](2)",
        "hh_workflow.main: getattr(hh_tools, str(x))",
        "hh_workflow.main: nowhere (nothing of that name is there)",
    ]
    assert "hh_tools.UNUSED" in load(edits).helpers().found


def test_what_the_function_of_a_task_closes_over_counts(load: Callable[..., Task[..., Any]]) -> None:
    made = {
        ("hh_workflow", "@task(hash_helpers=True)\ndef main(x: int = 0):"): (
            "def make(function, factor):\n"
            "    @task(hash_helpers=True)\n"
            "    def main(x):\n"
            "        return function(x) * factor\n"
            "    return main\n\n"
            "main = make(hh_tools.back, 3)\n\n"
            "def not_the_task(x):"
        )
    }
    before = load(made).hash
    assert load(made).hash == before
    assert load({**made, ("hh_workflow", "unrelated(x):\n    return x"): "unrelated(x):\n    return 1"}).hash == before
    assert load({**made, ("hh_tools", "return looped(x)"): "return looped(x) + 1"}).hash != before
    (key, text), *_ = made.items()
    assert load({key: text.replace("back, 3", "back, 4")}).hash != before


def test_a_package_that_is_installed_elsewhere_does_not_count(
    load: Callable[..., Task[..., Any]], tmp_path: Path
) -> None:
    installed = tmp_path / "environment" / "site-packages"
    installed.mkdir(parents=True)
    sys.path.append(str(installed))
    uses = {("hh_workflow", "return clean(x) +"): "import hh_installed\n    return hh_installed.version(x) +"}
    hashes = set()
    for number in range(2):
        (installed / "hh_installed.py").write_text(f"def version(x):\n    return {number}\n")
        hashes.add(load(uses).hash)
    assert len(hashes) == 1


def test_installed_packages_and_the_standard_library_do_not_count(load: Callable[..., Task[..., Any]]) -> None:
    found = load().helpers().found
    assert {name.partition(".")[0] for name in found} == {"hh_workflow", "hh_tools", "hh_package"}
    assert "hh_workflow.other" not in found


@pytest.mark.standard
def test_worker_processes_compute_the_same_hash(tmp_path: Path) -> None:
    folder = tmp_path / ".redun"
    folder.mkdir()
    (folder / "redun.ini").write_text("[scheduler]\nhash_helpers = true\n")
    for name, text in FILES.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            text.replace("@task\n", '@task(executor="process")\n').replace("True)", 'True, mode="process")')
        )
    command = [sys.executable, "-m", "redun", "run", "hh_workflow.py", "main"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    workflow = tmp_path / "hh_workflow.py"
    workflow.write_text(
        workflow.read_text().replace("def below_other(x):\n    return x", "def below_other(x):\n    return 0")
    )
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert re.findall(r"Run +Job \S+ (\S+)\(", again.stderr) == ["hh.other"]
    info = subprocess.run([*command, "info"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "hh_tools.LIMIT" in info.stdout
