"""`hash_helpers` in a process that goes on: a helper that is defined anew counts, as an edit does between processes."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redun import Scheduler, task
from redun.task import get_task_registry

redun_namespace = "helpers_redefined"

HELPERS = """
from redun import task
import hr_below

redun_namespace = "hr"
FACTOR = 1

def h(x):
    return hr_below.add(x) * FACTOR

@task(hash_helpers=True)
def use(x):
    return h(x)
"""


def plus_seven(x: int) -> int:
    return x + 7


def plus_eight(x: int) -> int:
    return x + 8


plus = plus_seven


@task(hash_helpers=True)
def use(x: int) -> int:
    return plus(x)


@task
def without(x: int) -> int:
    return plus(x)


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    (tmp_path / "hr_below.py").write_text("def add(x):\n    return x + 7\n")
    (tmp_path / "hr_workflow.py").write_text(HELPERS)
    sys.path.insert(0, str(tmp_path))
    tasks = dict(get_task_registry()._tasks)
    importlib.invalidate_caches()
    yield importlib.import_module("hr_workflow")
    sys.path.remove(str(tmp_path))
    get_task_registry()._tasks = tasks
    for name in ("hr_workflow", "hr_below"):
        del sys.modules[name]


def _reloaded(tmp_path: Path, name: str, old: str, new: str) -> None:
    path = tmp_path / f"{name}.py"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    importlib.reload(sys.modules[name])


def test_a_helper_that_means_something_else_runs_the_task_again(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scheduler.run(use(1)) == 8
    seven = use.hash
    monkeypatch.setitem(globals(), "plus", plus_eight)
    assert scheduler.run(use(1)) == 9
    assert scheduler.run(use(2)) == 10
    assert use.hash != seven
    monkeypatch.undo()
    assert scheduler.run(use(2)) == 9
    assert use.hash == seven


def test_a_helper_that_is_typed_again_at_a_prompt_runs_the_task_again(scheduler: Scheduler) -> None:
    cells: dict[str, Any] = {"task": task, "__name__": "__main__"}

    def cell(number: int, text: str) -> None:
        import linecache

        name = f"<cell {number}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), cells)

    cell(1, "def typed(x):\n    return x + 7\n")
    cell(2, "@task(hash_helpers=True, namespace='prompt')\ndef use(x):\n    return typed(x)\n")
    assert scheduler.run(cells["use"](1)) == 8
    cell(3, "def typed(x):\n    return x + 8\n")
    assert scheduler.run(cells["use"](1)) == 9
    cell(4, "def typed(x):\n    return x + 7\n")
    assert scheduler.run(cells["use"](2)) == 9
    cell(5, "typed = len\n")
    assert scheduler.run(cells["use"]("ab")) == 2


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("hr_below", "x + 7", "x + 1000"), ("hr_workflow", "FACTOR = 1", "FACTOR = 143")],
)
def test_what_a_reload_of_a_module_changes_counts(
    scheduler: Scheduler, module: ModuleType, tmp_path: Path, name: str, old: str, new: str
) -> None:
    kept = module.use
    assert scheduler.run(module.use(0)) == 7
    _reloaded(tmp_path, name, old, new)
    expected = 1000 if name == "hr_below" else 1001
    assert scheduler.run(module.use(0)) == expected
    if name == "hr_below":
        assert module.use is kept


def test_a_task_with_options_of_its_own_has_the_hash_of_today(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.run(use(1))
    derived = use.options(memory=2)
    before = derived.get_hash()
    assert derived.hash == use.hash
    monkeypatch.setitem(globals(), "plus", plus_eight)
    scheduler.run(use(1))
    assert derived.hash == use.hash
    assert derived.get_hash() != before


def test_helpers_that_are_the_same_cost_no_second_search(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler.run(use(1))
    searches: list[Any] = []
    monkeypatch.setattr("redun.helpers_hash.find_helpers", functools.partial(searches.append))
    scheduler.run([use(1), use.options(memory=3)(2)])
    assert searches == []


def test_tasks_without_the_option_are_not_looked_at(scheduler: Scheduler) -> None:
    scheduler.run(without(1))
    watched = [reference() for reference in get_task_registry()._watched]
    assert without not in watched
