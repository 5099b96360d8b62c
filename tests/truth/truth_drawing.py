"""Drawing whole programs, and what happens to them one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st
from truth_outcomes import Call, Outcome, Unfit, reached
from truth_plain import Interpreter
from truth_programs import Node, Parameter, Program, TaskDef
from truth_strategies import CONSTANTS, ERRORS, TASK_OPTIONS, TYPES, Grower


@st.composite
def programs(draw: Any, most_tasks: int = 6) -> Program:
    tasks: list[TaskDef] = []
    for number in range(draw(st.integers(3, most_tasks))):
        tasks.append(_task(draw, number, tasks))
    grower = Grower(draw, tasks, fuel=6)
    ordinary = [task for task in tasks if not task.parameters or task.parameters[0].type != "error"]
    if not ordinary or grower.happens(4):
        return Program(tuple(tasks), grower.grown("any"))
    calls = [grower.call(task) or grower.grown("any") for task in ordinary[: -1 - draw(st.integers(1, 3)) : -1]]
    return Program(
        tuple(tasks), calls[0] if len(calls) == 1 else Node(grower.one_of(["list", "seq"]), None, tuple(calls))
    )


def _task(draw: Any, number: int, tasks: list[TaskDef]) -> TaskDef:
    grower = Grower(draw, tasks)
    shape = grower.one_of(["plain", "plain", "plain", "recover", "recursive", "items", "higher"])
    result = "list" if shape == "items" else grower.one_of(TYPES)
    options = grower.one_of(TASK_OPTIONS)
    if shape == "items":
        options = (*options, ("nout", 2))
    task = TaskDef(number, result, _parameters(grower, shape), Node("const", "0"), options=options)
    return _with_body(grower, replace(task, version="1" if grower.happens(8) else None), shape == "recursive")


def _parameters(grower: Grower, shape: str) -> tuple[Parameter, ...]:
    if shape == "recover":
        return (Parameter("error", "error"),)
    types = [grower.one_of(TYPES) for _ in range(grower.draw(st.integers(0, 2)))]
    if shape == "higher" and grower.has_function():
        types.append("fn")
    parameters = [Parameter(name, kind) for name, kind in zip("xyz", types, strict=False)]
    if shape == "recursive":
        parameters.insert(0, Parameter("n", "num"))
    if grower.happens(3):
        default = Node("const", grower.one_of(CONSTANTS["num"]))
        if grower.happens(3):
            simple = [
                t for t in grower.callable_tasks("num") if all(p.default or p.type == "num" for p in t.parameters)
            ]
            simple = [t for t in simple if t.base is None]
            if simple:
                task = grower.one_of(simple)
                default = Node("call", (task.number, (), ()), tuple(default for p in task.parameters if not p.default))
        parameters.append(Parameter("w", "num", default))
    return tuple(parameters)


def _with_body(grower: Grower, task: TaskDef, is_recursive: bool) -> TaskDef:
    """The task with a new body."""
    guard = base = None
    if is_recursive:
        base = Grower(grower.draw, grower.tasks, (), fuel=3).expression(task.result)
        grower = replace(grower, again=task)
    grower = replace(grower, parameters=task.parameters, fuel=15)
    if grower.happens(5):
        condition = Node("now", "eq", (grower.plain("num"), grower.plain("num")))
        guard = (condition, grower.one_of(ERRORS[:3]), grower.one_of(["no", "it's not to be"]))
    for _ in range(grower.draw(st.integers(0, 2))):
        kind = grower.one_of(TYPES)
        grower.lets.append((kind, grower.expression(kind)))
    if task.result == "list" and ("nout", 2) in task.options and not grower.happens(6):
        body = Node("list", None, (grower.expression("num"), grower.expression("num")))
    else:
        body = grower.grown(task.result)
    return replace(task, body=body, lets=tuple(node for _, node in grower.lets), base=base, guard=guard)


class Step(NamedTuple):
    """Something that happens before or during a run.

    kind: `again`, `edit` (detail: the edited program), `revert` (detail: to which of the earlier programs),
    `uncached`, `dry`, or `interrupt` (detail: after how many events).
    """

    kind: str
    detail: Any = None


@st.composite
def edited(draw: Any, program: Program) -> Program:
    """A program with one task edited."""
    which = draw(st.integers(0, 4))
    old = draw(st.sampled_from(_used(program, which > 2) if which else program.tasks))
    grower = Grower(draw, [task for task in program.tasks if task.number < old.number])
    way = grower.one_of(["salt", "salt", "body", "version", "options", "stale"])
    if way == "salt" or (way == "version" and old.version is None):
        return program.with_task(replace(old, salt=old.salt + 1))
    if way == "version":
        assert old.version is not None
        return program.with_task(replace(old, version=str(int(old.version) + 1)))
    if way == "options":
        nout = tuple(option for option in old.options if option[0] == "nout")
        return program.with_task(replace(old, options=(*grower.one_of(TASK_OPTIONS), *nout)))
    new = _with_body(grower, old, old.base is not None)
    if old.version is not None and way == "body":
        new = replace(new, version=str(int(old.version) + 1))
    return program.with_task(new)


def _below_shallow(calls: set[Call]) -> set[int]:
    """The tasks whose edits calls must notice that do not look at what is below them."""
    shallow = [call for call in calls if dict(call.task.options).get("check_valid") == "shallow"]
    return {below.task.number for call in shallow for below in reached(Outcome(trace=call.children), only_sure=True)}


def _used(program: Program, is_below_shallow: bool) -> tuple[TaskDef, ...]:
    """The tasks that the program is sure to call; where there are such, those that are called below a shallow one."""
    try:
        calls = reached(Interpreter(program).run(), only_sure=True)
    except Unfit:
        return program.tasks
    numbers = (is_below_shallow and _below_shallow(calls)) or {call.task.number for call in calls}
    return tuple(task for task in program.tasks if task.number in numbers) or program.tasks


KINDS = ["edit", "edit", "edit", "edit", "revert", "revert", "again", "uncached", "dry", "interrupt"]


@st.composite
def histories(draw: Any, most_tasks: int = 6, most_steps: int = 4) -> tuple[Program, list[Step]]:
    """A program, and what happens to it between and during its runs, after a first and a second one."""
    program = draw(programs(most_tasks))
    editions = [program]
    steps = [Step("again")] if draw(st.integers(0, 2)) else []
    for _ in range(draw(st.integers(1, most_steps))):
        kind = draw(st.sampled_from(KINDS))
        if kind == "edit":
            program = draw(edited(program))
            editions.append(program)
            steps.append(Step("edit", program))
        elif kind == "revert" and len(editions) > 1:
            index = draw(st.integers(0, len(editions) - 1))
            program = editions[index]
            steps.append(Step("revert", program))
        elif kind == "interrupt":
            steps.append(Step("interrupt", draw(st.integers(1, 8))))
        elif kind != "revert":
            steps.append(Step(kind))
    return editions[0], steps
