"""The engine's truth: whatever a workflow says, it evaluates to what plain Python makes of it, and runs nothing twice.

Programs are generated: a list of tasks whose bodies are expressions over one argument and calls of earlier tasks. They
are evaluated by the engine, and by an interpreter of a few lines that also notes which calls are reached. Cold, a run
must run exactly the calls that are reached; cached, none; after an edit of one task, exactly the reached calls that no
earlier run has reached.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun import Scheduler, catch, cond, task
from redun.backends.memory import MemoryBackend
from redun.executors.base import Executor
from redun.executors.inline import InlineExecutor
from redun.functools import map_, seq

NAMESPACE = "test_engine_truth"

Call = tuple[str, int]
"""A version of a task, and its argument."""


@dataclass(frozen=True)
class Body:
    """A node of a task's body: an operation on other nodes."""

    kind: str
    number: int = 0
    parts: tuple[Body, ...] = ()


@dataclass(frozen=True)
class Program:
    """Task number i calls only tasks with smaller numbers; the last one is the root."""

    bodies: tuple[Body, ...]
    versions: tuple[int, ...]

    def name(self, index: int) -> str:
        return f"t{index}v{self.versions[index]}"


class Refused(Exception):
    """Raised by the bodies of tasks, to be caught, or not."""


# -- plain Python -----------------------------------------------------------------------------------------------------


def plainly(program: Program, index: int, x: int, reached: set[Call]) -> int:
    """What a call comes to."""
    reached.add((program.name(index), x))
    body = program.bodies[index]
    if body.kind == "refuse":
        raise Refused
    return evaluate(program, body, x, reached) + program.versions[index]


def evaluate(program: Program, body: Body, x: int, reached: set[Call]) -> int:
    def value(part: Body) -> int:
        return evaluate(program, part, x, reached)

    if body.kind == "number":
        return body.number
    if body.kind == "argument":
        return x
    if body.kind == "call":
        return plainly(program, body.number, value(body.parts[0]), reached)
    if body.kind == "cond":
        return value(body.parts[1]) if value(body.parts[0]) > 0 else value(body.parts[2])
    if body.kind == "catch":
        try:
            return value(body.parts[0])
        except Refused:
            reached.add(("recover", 0))
            return -1
    if body.kind == "map":
        values = [value(part) for part in body.parts]
        return sum(plainly(program, body.number, item, reached) for item in values)
    return sum(value(part) for part in body.parts)


# -- the engine -------------------------------------------------------------------------------------------------------


class Engine:
    """Runs programs with a scheduler, noting which bodies ran."""

    def __init__(self, executor: Executor) -> None:
        self.ran: list[Call] = []
        self.scheduler = Scheduler(backend=MemoryBackend(), executor=executor)

    def run(self, program: Program, x: int) -> Any:
        self.ran.clear()
        tasks: list[Any] = []
        for index in range(len(program.bodies)):
            tasks.append(self._define(program, index, tasks))

        @task(namespace=NAMESPACE, version="1")
        def total(values: list[int]) -> int:
            return sum(values)

        @task(namespace=NAMESPACE, version="1")
        def recover(error: Refused) -> int:
            self.ran.append(("recover", 0))
            return -1

        self._total, self._recover = total, recover
        return self.scheduler.run(tasks[-1](x))

    def _define(self, program: Program, index: int, tasks: list[Any]) -> Any:
        body, version = program.bodies[index], program.versions[index]

        def run_body(x: int) -> Any:
            self.ran.append((program.name(index), x))
            if body.kind == "refuse":
                raise Refused
            return self._build(body, x, tasks) + version

        return task(name=f"t{index}", namespace=NAMESPACE, source=f"{body} {version}")(run_body)

    def _build(self, body: Body, x: int, tasks: list[Any]) -> Any:
        parts = [self._build(part, x, tasks) for part in body.parts]
        if body.kind == "number":
            return body.number
        if body.kind == "argument":
            return x
        if body.kind == "call":
            return tasks[body.number](parts[0])
        if body.kind == "cond":
            return cond(parts[0] > 0, parts[1], parts[2])
        if body.kind == "catch":
            return catch(parts[0], Refused, self._recover)
        if body.kind == "map":
            return self._total(map_(tasks[body.number], parts))
        if body.kind == "seq":
            return self._total(seq(parts))
        if body.kind == "nested":
            return self._total([{"x": part}["x"] for part in parts])
        return sum(parts[1:], parts[0])


# -- generated programs -----------------------------------------------------------------------------------------------


def bodies(index: int) -> st.SearchStrategy[Body]:
    """The bodies that task number `index` may have."""
    leaves = st.just(Body("argument")) | st.integers(-3, 3).map(lambda number: Body("number", number))
    calls = st.integers(0, index - 1) if index else st.nothing()

    def grow(inner: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        grown = st.builds(Body, st.sampled_from(["sum", "seq", "nested"]), st.just(0), several)
        grown |= st.builds(Body, st.just("cond"), st.just(0), st.tuples(inner, inner, inner))
        grown |= st.builds(Body, st.just("catch"), st.just(0), st.tuples(inner))
        if index:
            grown |= st.builds(Body, st.just("call"), calls, st.tuples(inner))
            grown |= st.builds(Body, st.just("map"), calls, several)
        return grown

    return st.recursive(leaves, grow, max_leaves=6) | st.just(Body("refuse"))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    count = draw(st.integers(2, 6))
    return Program(tuple(draw(bodies(index)) for index in range(count)), (0,) * count)


def edited(program: Program, index: int) -> Program:
    versions = tuple(version + (number == index) for number, version in enumerate(program.versions))
    return replace(program, versions=versions)


def check(engine: Engine, program: Program, x: int, known: set[Call]) -> None:
    """Evaluate both ways; `known` are the calls whose results the repository has by now."""
    reached: set[Call] = set()
    try:
        expected: Any = plainly(program, len(program.bodies) - 1, x, reached)
    except Refused:
        with pytest.raises(Refused):
            engine.run(program, x)
        return
    assert engine.run(program, x) == expected
    if not any(is_refusing(program, call) for call in reached):
        assert sorted(engine.ran) == sorted(reached - known)
    # Beside a call that fails, plain Python and the engine may each have come to calls that the other has not.
    known |= {*reached, *engine.ran}


def is_refusing(program: Program, call: Call) -> bool:
    return any(program.name(index) == call[0] and body.kind == "refuse" for index, body in enumerate(program.bodies))


@given(programs(), st.integers(-2, 2), st.data())
def test_a_program_evaluates_to_what_plain_python_makes_of_it(program: Program, x: int, data: st.DataObject) -> None:
    engine = Engine(InlineExecutor("default"))
    known: set[Call] = set()
    check(engine, program, x, known)
    check(engine, program, x, known)
    changed = edited(program, data.draw(st.integers(0, len(program.bodies) - 1)))
    check(engine, changed, x, known)
    check(engine, program, x, known)
