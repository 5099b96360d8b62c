"""Random programs of writes through one handle: what stands behind it is always what a fresh run would give.

A program is a list of steps. A step writes one slot of a real database, or forks the handle, runs a program on each
fork and merges them, or calls a task that runs a program, perhaps after writing a slot itself. What a write puts into
its slot is made of the task's version, its argument, and what it finds in the slots of the step before it: so whatever
is left out where it should have been done again leaves a trace in everything that comes afterwards.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from redun import Handle, Scheduler, merge_handles, task
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor

redun_namespace = "test_handles_truth"
TASKS = "ab"
PROGRAMS = int(os.environ.get("REDUN_HANDLE_PROGRAMS", "80"))
"""How many histories to look at; more for a campaign."""
AT_A_TIME = 200


class Slots(Handle):
    """A table of texts by the name of a slot."""

    def __init__(self, name: str, path: str, namespace: str | None = None) -> None:
        self.instance = sqlite3.connect(path, isolation_level=None)
        self.instance.execute("PRAGMA synchronous=OFF")
        self.instance.execute("CREATE TABLE IF NOT EXISTS slots (name PRIMARY KEY, text)")

    def read(self, name: str) -> str | None:
        row = self.instance.execute("SELECT text FROM slots WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def write(self, name: str, text: str) -> None:
        self.instance.execute("INSERT OR REPLACE INTO slots VALUES (?, ?)", (name, text))


class World:
    """What the tasks of this test see: their versions, what fails, and what ran."""

    versions: dict[str, int]
    failing: str | None
    fails_early: bool
    ran: list[str]


def content(version: int, argument: int, found: list[Any]) -> str:
    return hashlib.sha256(repr((version, argument, found)).encode()).hexdigest()[:8]


def define(name: str, version: int) -> None:
    def write(slots: Slots, slot: str, argument: int, before: list[str], _late: Any) -> Slots:
        return fill(slots, slot, version, argument, before)

    task(name=name, namespace=redun_namespace, version=str(version))(write)


def fill(slots: Slots, slot: str, version: int, argument: int, before: list[str]) -> Slots:
    World.ran.append(slot)
    if slot == World.failing and World.fails_early:
        raise RuntimeError("the power went")
    slots.write(slot, content(version, argument, [slots.read(each) for each in before]))
    if slot == World.failing:
        raise RuntimeError("the power went")
    return slots


def call(name: str, *args: Any) -> Any:
    from redun.task_registry import get_task_registry

    found = get_task_registry().get(f"{redun_namespace}.{name}")
    assert found is not None
    return found(*args)


@task(version="1")
def later(value: Any) -> Any:
    return value


@task(version="1")
def below(slots: Slots, program: list[Any], place: str, before: list[str]) -> Any:
    return build(slots, program, place, before)[0]


@task(version="1")
def write_and_go_on(slots: Slots, program: list[Any], place: str, before: list[str]) -> Any:
    return build(fill(slots, place, 0, 0, before), program, f"{place}/", [place])[0]


@task(version="1", cache=False)
def main(path: str, program: list[Any]) -> Any:
    return build(Slots("slots", path), program, "", [])[0]


def build(slots: Any, program: list[Any], place: str, before: list[str]) -> tuple[Any, list[str]]:
    """The expression for a program, and the slots that it wrote last."""
    for number, (kind, *rest) in enumerate(program):
        here = f"{place}{number}"
        if kind == "write":
            name, argument, lateness = rest
            late: Any = 0
            for _ in range(lateness):
                late = later(late)
            slots, before = call(name, slots, here, argument, before, late), [here]
        elif kind == "below":
            slots, before = below(slots, rest[0], f"{here}/", before), last_slots(rest[0], f"{here}/", before)
        elif kind == "write below":
            slots, before = write_and_go_on(slots, rest[0], here, before), last_slots(rest[0], f"{here}/", [here])
        else:
            is_named, branches = rest
            ends, written = [], []
            for index, branch in enumerate(branches):
                fork = slots.fork(str(index)) if is_named else slots
                end, last = build(fork, branch, f"{here}/{index}/", before)
                ends.append(end)
                written += last
            slots, before = merge_handles(ends), written
    return slots, before


def last_slots(program: list[Any], place: str, before: list[str]) -> list[str]:
    return run_plainly(program, place, before, {})


def run_plainly(program: list[Any], place: str, before: list[str], slots: dict[str, str]) -> list[str]:
    """What the program does, without redun."""
    for number, (kind, *rest) in enumerate(program):
        here = f"{place}{number}"
        if kind == "write":
            name, argument, _ = rest
            slots[here] = content(World.versions[name], argument, [slots.get(each) for each in before])
            before = [here]
        elif kind == "below":
            before = run_plainly(rest[0], f"{here}/", before, slots)
        elif kind == "write below":
            slots[here] = content(0, 0, [slots.get(each) for each in before])
            before = run_plainly(rest[0], f"{here}/", [here], slots)
        else:
            written = []
            for index, branch in enumerate(rest[1]):
                written += run_plainly(branch, f"{here}/{index}/", before, slots)
            before = written
    return before


writes = st.tuples(st.just("write"), st.sampled_from(TASKS), st.integers(0, 1), st.sampled_from([0, 0, 0, 2]))


def steps(programs: Any) -> Any:
    branches = st.lists(programs, min_size=2, max_size=3)
    return st.one_of(
        writes,
        st.tuples(st.sampled_from(["below", "write below"]), programs),
        st.tuples(st.just("fork"), st.booleans(), branches),
    )


programs = st.recursive(
    st.lists(writes, min_size=1, max_size=3),
    lambda inner: st.lists(steps(inner), min_size=1, max_size=3),
    max_leaves=5,
)


@st.composite
def edits(draw: Any, program: list[Any]) -> list[Any]:
    """The program with one step replaced, left out or added."""
    place = draw(st.integers(0, len(program)))
    kind, *rest = program[place] if place < len(program) else ("end",)
    if kind in ("below", "write below") and draw(st.booleans()):
        return [*program[:place], (kind, draw(edits(rest[0]))), *program[place + 1 :]]
    new = draw(st.lists(writes, max_size=1))
    edited = [*program[:place], *new, *program[place + draw(st.integers(0, 1)) :]]
    return edited or program


@st.composite
def histories(draw: Any) -> list[tuple[list[Any], dict[str, int], int | None]]:
    """Some programs, and runs of them: with which versions of the tasks, and which write fails."""
    known = [draw(programs)]
    known += [draw(edits(known[0])), draw(edits(known[0]))]
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(known),
                st.fixed_dictionaries({name: st.sampled_from([1, 1, 2]) for name in TASKS}),
                st.sampled_from([None] * 6 + list(range(6))),
            ),
            min_size=2,
            max_size=6,
        )
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("slots")


def check(folder: Path, history: list[tuple[list[Any], dict[str, int], int | None]]) -> None:
    path = folder / "slots.db"
    path.unlink(missing_ok=True)
    backend = MemoryBackend()
    for program, versions, failing in history:
        World.versions, World.ran = versions, []
        for name, version in versions.items():
            define(name, version)
        expected: dict[str, str] = {}
        run_plainly(program, "", [], expected)
        World.failing = None if failing is None else sorted(expected)[failing // 2 % len(expected)]
        World.fails_early = failing is not None and failing % 2 == 0
        scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
        try:
            scheduler.run(main(str(path), program))
        except RuntimeError:
            assert World.failing in World.ran
            continue
        assert behind(path, expected) == expected
        World.failing, World.ran = None, []
        scheduler.run(main(str(path), program))
        assert World.ran == [], "what was just run ran again"


def behind(path: Path, names: dict[str, str]) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        return {name: text for name, text in connection.execute("SELECT * FROM slots") if name in names}
    finally:
        connection.close()


@pytest.mark.parametrize("part", range(-(-PROGRAMS // AT_A_TIME)))
@settings(max_examples=min(PROGRAMS, AT_A_TIME), deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_the_database_behind_a_handle_is_what_a_fresh_run_would_give(folder: Path, history: Any, part: int) -> None:
    check(folder, history)
