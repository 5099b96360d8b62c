"""Comparing: what the engine makes of a program, and which bodies it runs for that, with what is expected."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from hypothesis import reject
from redun.backends.base import Backend
from redun.scheduler.errors import DryRunResult
from truth_drawing import Step
from truth_engine import Engine, Ran
from truth_model import Execution
from truth_options import Options, as_dict
from truth_outcomes import Outcome, Unfit
from truth_plain import Interpreter
from truth_programs import Program
from truth_repository import Repository, bounds
from truth_runtime import canon

LONGEST = 60.0
OpenBackend = Callable[[], AbstractContextManager[Backend]]

counts: Counter[str] = Counter()
"""How many programs and runs were compared, how they ended, and in how many programs each construct was evaluated."""
CONSTRUCTS = (
    "partial",
    "task",
    "catch_all",
    "gathered errors",
    "async",
    "await",
    "no_prov",
    "prov",
    "subrun",
    "context",
    "changed context",
    "refusals",
    "retries",
    "awaited anew",
    "awaited at last",
    "retry_on",
    "export",
)


class Check:
    """One program and its history, on one repository."""

    def __init__(self, engine: Engine, open_backend: OpenBackend) -> None:
        self.engine = engine
        self.open_backend = open_backend
        self.repository = Repository()
        self.context: Options = ()
        self.used: set[str] = set()
        self.is_stale = False
        """Whether an edit did not change the hash of its task: then it rightly is not as in plain Python."""
        self.has_memory = False
        """The same where one call has refused and an equal one has not, and what came of either is remembered."""

    def history(self, program: Program, steps: list[Step]) -> None:
        editions = [program]
        for number, step in enumerate([Step("cold"), *steps]):
            if step.kind in ("edit", "revert"):
                program = step.detail
                self.is_stale = self.is_stale or any(_is_stale(edition, program) for edition in editions)
                editions.append(program)
            if step.kind == "context":
                self.context = step.detail
                self.used.add("changed context")
            try:
                self.run(program, step)
            except Unfit:
                reject()
            except AssertionError as error:
                error.add_note(f"in step {number}: {step.kind}")
                raise
        counts["programs"] += 1
        counts.update(f"with {name}" for name in self.used & set(CONSTRUCTS))

    def run(self, program: Program, step: Step) -> None:
        interpreter = Interpreter(program, self.context)
        plain = interpreter.run()
        self.used |= interpreter.used
        if self.is_stale and "subrun" in interpreter.used:
            raise Unfit  # two schedulers may then go on with different bodies
        execution = Execution(program, self.repository, use_cache=step.kind != "uncached", context=self.context)
        expected = execution.run()
        least, most = bounds(execution, expected)
        self.has_memory |= interpreter.has_memory or not interpreter.refused.isdisjoint(execution.may_not_refuse)
        if not self.is_stale and not self.has_memory:
            assert _results(expected) == _results(plain), "the model contradicts plain Python"
        ran = self._run(program, step)
        counts[f"runs {'failed' if expected.errors else 'done'}"] += 1
        counts["bodies"] += ran.bodies.total()
        if step.kind == "interrupt" and isinstance(ran.error, KeyboardInterrupt):
            assert_between(Counter(), ran.bodies, most)
            self.repository.leave(execution, expected, ran.bodies, False, ran.done)
        elif step.kind == "dry":
            assert not ran.bodies
            if most or not _runs_hidden_tasks(program) or not isinstance(ran.error, DryRunResult):
                assert_dry(ran, expected, least, most)
            self.repository.leave(execution, expected, ran.bodies, False, frozenset())
        else:
            assert_result(ran, expected)
            assert_between(least, ran.bodies, most)
            self.repository.leave(execution, expected, ran.bodies, True, frozenset())

    def _run(self, program: Program, step: Step) -> Ran:
        with self.open_backend() as backend:
            return self.engine.run(
                program,
                backend,
                as_dict(self.context),
                cache=step.kind != "uncached",
                dryrun=step.kind == "dry",
                stop_after=step.detail if step.kind == "interrupt" else 0,
            )


def assert_result(ran: Ran, expected: Outcome) -> None:
    """The same value, or one of the errors that may be first."""
    if expected.errors:
        assert ran.error is not None, f"gives {ran.value!r}, and should raise one of {list(expected.errors)}"
        assert canon(ran.error) in expected.errors
    else:
        if ran.error is not None:
            raise AssertionError(f"should give {expected.value!r}, and raises") from ran.error
        assert canon(ran.value) == canon(expected.value)


def assert_between(least: Counter[str], bodies: Counter[str], most: Counter[str]) -> None:
    """Every body that must run did, and none more often than it may."""
    assert not least - bodies, f"bodies that did not run: {dict(least - bodies)}"
    assert not bodies - most, f"bodies that ran in vain: {dict(bodies - most)}"


def assert_dry(ran: Ran, expected: Outcome, least: Counter[str], most: Counter[str]) -> None:
    """A dry run says whether anything would have to run, and otherwise gives the result."""
    if not most:
        assert_result(ran, expected)
    elif least.total() and not expected.errors:
        assert isinstance(ran.error, DryRunResult)


def _runs_hidden_tasks(program: Program) -> bool:
    """Whether tasks of redun itself may have to run, which write no log: `throw`, and the one that wraps the root."""
    return program.uses("throw", "task", "partial", "no_prov", "subrun")


def _results(outcome: Outcome) -> Any:
    return set(outcome.errors) or canon(outcome.value)


def _is_stale(old: Program, new: Program) -> bool:
    """Whether code was edited under its version, or how often is tried what refuses at first."""
    if any(task.refusals for task in new.tasks) and _retries(old) != _retries(new):
        return True
    return any(
        before.hash_id == after.hash_id and before.function != after.function
        for before, after in zip(old.tasks, new.tasks, strict=True)
    )


def _retries(program: Program) -> Any:
    names = ("max_retries", "retry_on", "export")
    return [[option for option in task.options if option[0] in names] for task in program.tasks]


def assert_no_threads_left() -> None:
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("redun-")]
