"""What comes of evaluating a part of a program: a value or errors, and the calls that were made for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from truth_options import Options, overrides
from truth_programs import TaskDef
from truth_runtime import canon

Closure = tuple[Any, Any]
"""A part of a body, and the frame that it stands in."""


class Unfit(Exception):
    """The program is too large, or what it comes to depends on which of its errors is first."""


class Task:
    """A task as a value."""

    def __init__(self, number: int, options: Options) -> None:
        self.number = number
        self.name = f"t{number}"
        self.given = options

    def __getstate__(self) -> dict[str, Any]:
        return {"options": overrides(self.given)}


class PartialTask:
    """A task with arguments that are evaluated with the call.

    key: tells what they are, with tasks in them by their code.
    """

    def __init__(
        self, task: Task, args: tuple[Closure, ...], kwargs: dict[str, Closure], key: Callable[[Any], Any]
    ) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.key = key


class Call:
    """A call that is made, and the calls below it.

    log_key: how its body is noted; empty for a task of redun itself, whose bodies are not.
    runs: whether its body runs; None if that is not known.
    first: how often it has run before, for calls that another attempt of an async task has made again.
    tries: how often it runs, where it does.
    children: each with whether it is sure to be made if this call is.
    retried: of an async task the calls that each attempt has made that was not the last one.
    """

    def __init__(self, task: TaskDef, log_key: str) -> None:
        self.task = task
        self.log_key = log_key
        self.runs: bool | None = True
        self.first = 0
        self.tries = 1
        self.outcome: Outcome = Outcome()
        self.children: Trace = ()
        self.retried: list[Trace] = []


Trace = tuple[tuple[bool, Call], ...]


class Outcome:
    """A value, or the errors of which one is raised."""

    def __init__(self, value: Any = None, errors: Iterable[Exception] = (), trace: Trace = ()) -> None:
        self.value = value
        self.errors = {canon(error): error for error in errors}
        self.trace = trace

    def after(self, trace: Trace) -> Outcome:
        """The same, where other calls were made before."""
        return Outcome(self.value, self.errors.values(), trace + self.trace)


def failed_below(trace: Trace) -> set[Call]:
    """The calls that have failed, and those below them that have. What has succeeded hides what failed below it."""
    found: set[Call] = set()
    stack = list(trace)
    while stack:
        _, call = stack.pop()
        if call.outcome.errors and call not in found:
            found.add(call)
            stack.extend(call.children)
    return found


def reached(outcome: Outcome, only_sure: bool) -> set[Call]:
    """The calls that are made, or all that may be."""
    found: set[Call] = set()
    stack = list(outcome.trace)
    while stack:
        is_sure, call = stack.pop()
        if call not in found and (is_sure or not only_sure):
            found.add(call)
            stack.extend(call.children)
    return found


def join(outcomes: list[Outcome]) -> Outcome:
    failed = [outcome for outcome in outcomes if outcome.errors]
    if not failed:
        return Outcome([o.value for o in outcomes], trace=tuple(step for o in outcomes for step in o.trace))
    culprit = failed[0] if len(failed) == 1 else None
    trace = tuple((sure and o is culprit, call) for o in outcomes for sure, call in o.trace)
    return Outcome(errors=[error for o in failed for error in o.errors.values()], trace=trace)


def then(outcome: Outcome, function: Callable[[Any], Any]) -> Outcome:
    if outcome.errors:
        return outcome
    try:
        return Outcome(function(outcome.value), trace=outcome.trace)
    except Unfit:
        raise
    except Exception as error:
        return Outcome(errors=[error], trace=outcome.trace)
