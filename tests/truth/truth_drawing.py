"""Drawing whole programs, and what happens to them one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st
from truth_constructs import (
    ASYNC_TASK_OPTIONS,
    CACHE_OPTIONS,
    CONTEXTS,
    ERRORS,
    TASK_OPTIONS,
    TRYING_TASK_OPTIONS,
)
from truth_model import Execution
from truth_options import Options
from truth_outcomes import Outcome, Unfit, reached
from truth_programs import Node, Parameter, Program, TaskDef
from truth_repository import Repository
from truth_strategies import CONSTANTS, TYPES, Grower


@st.composite
def programs(draw: Any, most_tasks: int = 6, sub_runs: int = 2) -> Program:
    tasks: list[TaskDef] = []
    last = draw(st.integers(3, most_tasks)) - 1
    is_about_trying = draw(st.integers(0, 4)) == 4
    shapes = {**FIRST_SHAPES, last: ["trying"]} if is_about_trying else {}
    for number in range(last + 1):
        grower = Grower(draw, tasks, sub_runs=sub_runs)
        tasks.append(_task(grower, number, grower.one_of(shapes.get(number, SHAPES))))
    grower = Grower(draw, tasks, fuel=6, sub_runs=sub_runs)
    ordinary = grower.callable_tasks("any")
    alone = grower.call(tasks[-1]) if is_about_trying and not grower.happens(4) else None
    if alone is not None:
        return Program(tuple(tasks), alone)  # where others make the same calls, whose turn it is may decide
    if not ordinary or grower.happens(4):
        return Program(tuple(tasks), grower.grown("any"))
    calls = [grower.call(task) or grower.grown("any") for task in ordinary[: -1 - draw(st.integers(1, 3)) : -1]]
    if sub_runs > 2:
        calls = [Node("subrun", None, (call,)) if grower.happens(2) else call for call in calls]
    return Program(
        tuple(tasks), calls[0] if len(calls) == 1 else Node(grower.one_of(["list", "seq"]), None, tuple(calls))
    )


SHAPES = [
    *["plain", "plain", "function", "function", "async", "recover", "gather", "recursive", "items", "higher"],
    *["refusing", "passing", "trying"],
]
FIRST_SHAPES = {0: ["refusing"], 1: ["passing", "passing", "plain", "async"]}
"""Of the first tasks where the last one is tried again."""


def _task(grower: Grower, number: int, shape: str) -> TaskDef:
    result = {"items": "list", "function": "num"}.get(shape) or grower.one_of(TYPES)
    is_async = shape in ("async", "trying") or (shape in ("recover", "gather") and grower.happens(4))
    options = grower.one_of(_options(shape, is_async))
    if shape == "items":
        options = (*options, ("nout", 2))
    task = TaskDef(number, result, _parameters(grower, shape), Node("const", "0"), options=options)
    retries = dict(options).get("max_retries", 0)
    refuses = shape == "refusing" or grower.happens((8 if is_async else 2) if retries else 30)
    refusals = grower.one_of([1, 1, 2]) if refuses else 0
    task = replace(task, refusals=refusals, awaits=frozenset() if is_async else None)
    task = _with_body(grower, replace(task, version="1" if grower.happens(8) else None), shape == "recursive")
    if shape == "passing":
        result, body = replace(grower, parameters=task.parameters, fuel=5).grow_fallible()
        task = replace(task, result=result, body=body)
    return task


def _parameters(grower: Grower, shape: str) -> tuple[Parameter, ...]:
    if shape == "recover":
        return (Parameter("error", "error"),)
    if shape == "gather":
        return (Parameter("gathered", "gathered"),)
    most = grower.draw_int(0, 1) if shape in ("refusing", "passing", "trying") else 1 if shape == "function" else 2
    types = [grower.one_of(TYPES) for _ in range(grower.draw_int(0, most))]
    if shape == "function":
        types.append("num")
    if shape == "higher" and grower.has_function():
        types.append("fn")
    parameters = [Parameter(name, kind) for name, kind in zip("xyz", types, strict=False)]
    if shape == "recursive":
        parameters.insert(0, Parameter("n", "num"))
    if grower.happens(3):
        parameters.append(Parameter("w", "num", _default(grower)))
    return tuple(parameters)


def _options(shape: str, is_async: bool) -> list[Options]:
    if shape == "trying":
        return TRYING_TASK_OPTIONS
    if shape == "refusing":
        return [(), (), *CACHE_OPTIONS]
    return ASYNC_TASK_OPTIONS if is_async else TASK_OPTIONS


def _default(grower: Grower) -> Node:
    constant = Node("const", grower.one_of(CONSTANTS["num"]))
    way = grower.one_of(["constant", "context", "call"])
    if way == "context":
        return grower.context()
    simple = [
        task
        for task in grower.callable_tasks("num")
        if all(p.default or p.type == "num" for p in task.parameters) and task.base is None
    ]
    if way == "constant" or not simple:
        return constant
    task = grower.one_of(simple)
    return Node("call", (task.number, (), ()), tuple(constant for p in task.parameters if not p.default))


def _with_body(grower: Grower, task: TaskDef, is_recursive: bool) -> TaskDef:
    """The task with a new body."""
    guard = base = None
    if is_recursive:
        base = replace(grower, parameters=(), fuel=3).expression(task.result)
        grower = replace(grower, again=task)
    grower = replace(grower, parameters=task.parameters, fuel=15)
    if grower.happens(5):
        condition = Node("now", "eq", (grower.plain("num"), grower.plain("num")))
        guard = (condition, grower.one_of(ERRORS[:3]), grower.one_of(["no", "it's not to be"]))
    awaited: set[int] = set()
    is_trying = task.is_async and "max_retries" in dict(task.options)
    for index in range(grower.draw_int(int(task.is_async), 2 + is_trying)):
        kind = grower.one_of(TYPES)
        is_awaited = task.is_async and not grower.happens(4)
        if is_awaited:
            awaited.add(index)
        if is_awaited and is_trying and not grower.happens(3):
            grower.lets.append(grower.grow_fallible())
        else:
            grower.lets.append((kind, grower.grown(kind) if is_awaited else grower.expression(kind)))
    if task.result == "list" and ("nout", 2) in task.options and not grower.happens(6):
        body = Node("list", None, (grower.expression("num"), grower.expression("num")))
    else:
        body = grower.grown(task.result)
    awaits = frozenset(awaited) if task.is_async else None
    lets = tuple(node for _, node in grower.lets)
    return replace(task, body=body, lets=lets, base=base, guard=guard, awaits=awaits)


class Step(NamedTuple):
    """Something that happens before or during a run.

    kind: `again`, `edit` (detail: the edited program), `revert` (detail: to which of the earlier programs), `context`
    (detail: that of this run and later ones), `uncached`, `dry`, or `interrupt` (detail: after how many events).
    """

    kind: str
    detail: Any = None


@st.composite
def edited(draw: Any, program: Program, sub_runs: int) -> Program:
    """A program with one task edited."""
    which = draw(st.integers(0, 4))
    old = draw(st.sampled_from(_used(program, which > 2) if which else program.tasks))
    grower = Grower(draw, [task for task in program.tasks if task.number < old.number], sub_runs=sub_runs)
    way = grower.one_of(["salt", "salt", "body", "version", "options", "stale"])
    if way == "salt" or (way == "version" and old.version is None):
        return program.with_task(replace(old, salt=old.salt + 1))
    if way == "version":
        assert old.version is not None
        return program.with_task(replace(old, version=str(int(old.version) + 1)))
    if way == "options":
        # Which options a task exports is a part of every expression that calls it, also of those that are recorded.
        kept = tuple(option for option in old.options if option[0] in ("nout", "export"))
        options = grower.one_of(ASYNC_TASK_OPTIONS if old.is_async else TASK_OPTIONS)
        return program.with_task(replace(old, options=(*(o for o in options if o[0] != "export"), *kept)))
    new = _with_body(grower, old, old.base is not None)
    if old.version is not None and way == "body":
        new = replace(new, version=str(int(old.version) + 1))
    return program.with_task(new)


def _below_others(calls: set[Any]) -> set[int]:
    """The tasks whose edits calls must notice that do not look at what is below them, or cannot."""
    above = [call for call in calls if call.settings.is_shallow or call.task.is_async]
    below = {call for one in above for call in reached(Outcome(trace=one.children), only_sure=True)}
    return {call.task.number for call in below if call.log_key}


def _used(program: Program, is_below: bool) -> tuple[TaskDef, ...]:
    """The tasks that the program is sure to call; where there are such, those of `_below_others`."""
    try:
        calls = reached(Execution(program, Repository()).run(), only_sure=True)
    except Unfit:
        return program.tasks
    numbers = (is_below and _below_others(calls)) or {call.task.number for call in calls}
    return tuple(task for task in program.tasks if task.number in numbers) or program.tasks


KINDS = ["edit", "edit", "edit", "edit", "revert", "revert", "context", "again", "uncached", "dry", "interrupt"]


@st.composite
def histories(draw: Any, most_tasks: int = 6, most_steps: int = 4, sub_runs: int = 2) -> tuple[Program, list[Step]]:
    """A program, and what happens to it between and during its runs, after a first and a second one.

    sub_runs: how often they are drawn.
    """
    program = draw(programs(most_tasks, sub_runs))
    editions = [program]
    steps = [Step("again")] if draw(st.integers(0, 2)) else []
    for _ in range(draw(st.integers(1, most_steps))):
        kind = draw(st.sampled_from(KINDS))
        if kind == "edit":
            program = draw(edited(program, sub_runs))
            editions.append(program)
            steps.append(Step("edit", program))
        elif kind == "revert" and len(editions) > 1:
            index = draw(st.integers(0, len(editions) - 1))
            program = editions[index]
            steps.append(Step("revert", program))
        elif kind == "context":
            steps.append(Step("context", draw(st.sampled_from(CONTEXTS))))
        elif kind == "interrupt":
            steps.append(Step("interrupt", draw(st.integers(1, 8))))
        elif kind != "revert":
            steps.append(Step(kind))
    return editions[0], steps
