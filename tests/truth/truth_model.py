"""The rules of caching, stated by brute force: which bodies an execution runs, given what earlier ones have left.

- Within an execution, calls of the same code with equal arguments are one call, and so is its error. Calls of scope
  NONE are one only where the same expression stands twice in one body.
- Across executions, a call of scope BACKEND takes what its body has returned before, for the same code and equal
  arguments, and goes on from there. A body that raised has left nothing. A task in what was returned as a value must
  have the same code still; one in a returned expression is meant by name.
- With `check_valid="shallow"` it takes the final result of the newest such call, provided that no task at or below it
  has changed, and nothing below it is looked at.
- What is left does not depend on the scope: that says only what may be taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from truth_outcomes import Call, Outcome, Unfit, reached
from truth_plain import Frame, Interpreter
from truth_programs import Options, Program, TaskDef
from truth_runtime import canon, log_key

EvalKey = tuple[Any, ...]
TaskVersion = tuple[str, Any]


@dataclass
class Evaluation:
    """What a body has returned: the body and its arguments say it.

    tasks: those that stand in a returned value, with their code then.
    is_certain: False if the run may have ended before it was recorded. is_ambiguous: if it may then be an older one.
    """

    task: TaskDef
    tasks: frozenset[TaskVersion]
    is_certain: bool
    is_ambiguous: bool = False


@dataclass
class Final:
    """The final result of a call. below: every task at and below it; perhaps_below: where an error may have cut in."""

    outcome: Outcome
    values: frozenset[TaskVersion]
    below: frozenset[TaskVersion]
    perhaps_below: frozenset[TaskVersion]
    is_certain: bool


@dataclass
class Repository:
    """What executions leave for later ones."""

    evaluations: dict[EvalKey, Evaluation] = field(default_factory=dict)
    finals: dict[EvalKey, list[Final]] = field(default_factory=dict)


Decision = tuple[Final | None, Evaluation | None]
"""The final result and the evaluation that a call may take."""


class CachedCall(Call):
    """A call, and what it may leave in the repository."""

    eval_key: EvalKey = ()
    raw_tasks: frozenset[TaskVersion] | None = None
    """The tasks in the value that the body returned; None if it raised."""
    hit: Final | None = None
    decision: Decision = (None, None)
    is_perhaps_hit = False


class Execution(Interpreter):
    """Evaluates a program as one execution on a repository."""

    def __init__(self, program: Program, repository: Repository, use_cache: bool = True) -> None:
        super().__init__(program)
        self.repository = repository
        self.use_cache = use_cache
        self.current = {task.name: task.hash_id() for task in program.tasks}
        self.made: dict[EvalKey, CachedCall] = {}
        self.unshared: set[EvalKey] = set()
        """Calls of scope NONE that were made."""

    # -- one call -----------------------------------------------------------------------------------------------------

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        scope, is_shallow = _options(task, options)
        if not self.use_cache and scope == "BACKEND":
            scope = "CSE"
        if scope == "NONE" and key in frame.shared:
            return _made(frame.shared[key])
        own = Frame(task, values)
        before = self.complete(task, own)
        if before.errors:
            return before
        eval_key = (task.name, self.current[task.name], *(canon(v, self.current.get) for v in own.values.values()))
        made = self.made.get(eval_key) if scope != "NONE" else None
        if made is None:
            made = CachedCall(task, log_key(task.name, tuple(own.values.values())))
            made.eval_key, made.children = eval_key, before.trace
            made.decision = self._decide(eval_key, scope, is_shallow)
            self._settle(made, own)
        elif self._decide(eval_key, scope, is_shallow) != made.decision:
            self._differ(made, self._decide(eval_key, scope, is_shallow))
        if scope == "NONE":
            frame.shared[key] = made
            self.unshared.add(eval_key)
        else:
            self.made[eval_key] = made
        return _made(made).after(before.trace)

    def _decide(self, key: EvalKey, scope: str, is_shallow: bool) -> Decision:
        if scope != "BACKEND":
            return None, None
        final = self._find_final(key) if is_shallow else None
        return final, self._find_evaluation(key)

    def _differ(self, made: CachedCall, decision: Decision) -> None:
        """Two equal calls with different options: whichever is first decides for both."""
        today = self.program.tasks[made.task.number].function()
        for final, known in (made.decision, decision):
            if final is not None or (known is not None and known.task.function() != today):
                raise Unfit
        made.runs = None

    def _settle(self, made: CachedCall, frame: Frame) -> None:
        final, known = made.decision
        if final is not None and final.is_certain:
            made.runs, made.outcome, made.hit = False, final.outcome, final
            return
        if known is not None:
            made.runs = False if known.is_certain else None
            if known.task.function() != made.task.function() and not known.is_certain:
                raise Unfit  # two bodies under one version, and no telling which of them is meant
            made.task = known.task
        elif final is not None:
            made.runs = None
        outcome = self._evaluate_body(made, frame)
        if final is not None:
            if not _same(final.outcome, outcome):
                raise Unfit
            made.is_perhaps_hit = True
            outcome.trace = tuple((False, call) for _, call in outcome.trace)
        made.outcome = outcome
        made.children += outcome.trace

    def _evaluate_body(self, made: CachedCall, frame: Frame) -> Outcome:
        try:
            node = self.start_body(made.task, frame)
        except Unfit:
            raise
        except Exception as error:
            return Outcome(errors=[error])
        outcome = self.evaluate(node, frame)
        is_value = not self.holds_expressions(node, frame)
        made.raw_tasks = _versions(outcome.value, self.current) if is_value else frozenset()
        return outcome

    # -- what is known ------------------------------------------------------------------------------------------------

    def _is_current(self, versions: frozenset[TaskVersion]) -> bool:
        return all(self.current.get(name) == version for name, version in versions)

    def _find_evaluation(self, key: EvalKey) -> Evaluation | None:
        known = self.repository.evaluations.get(key)
        if known is not None and known.is_ambiguous:
            raise Unfit
        return known if known is not None and self._is_current(known.tasks) else None

    def _find_final(self, key: EvalKey) -> Final | None:
        """The newest final result that may be used; not certain if it may or may not be."""
        finals = self.repository.finals.get(key, [])
        usable = [f for f in finals if self._is_current(f.below) and self._is_current(f.values)]
        if not usable:
            return None
        newest = usable[-1]
        is_certain = newest.is_certain and self._is_current(newest.perhaps_below)
        return newest if is_certain else Final(newest.outcome, newest.values, newest.below, frozenset(), False)

    # -- the end ------------------------------------------------------------------------------------------------------

    def bounds(self, outcome: Outcome) -> tuple[Counter[str], Counter[str]]:
        """How often each body runs, at least and at most."""
        sure, all_calls = _reached(outcome)
        for call in all_calls:
            # It may find what one of scope NONE has left just before.
            if call.runs and call.eval_key in self.unshared and call is self.made.get(call.eval_key):
                call.runs = None
        least = Counter(call.log_key for call in sure if call.runs)
        return least, Counter(call.log_key for call in all_calls if call.runs is not False)

    def leave(self, outcome: Outcome, ran: Counter[str], is_complete: bool, done: frozenset[str]) -> None:
        """Add what this execution leaves to the repository.

        ran: the bodies that were seen to run. is_complete: whether it came to its end. done: log keys of calls that
        were reported as done, where it did not.
        """
        sure, all_calls = _reached(outcome)
        for call in all_calls:
            is_sure = (call in sure and is_complete) or (call.runs is True and call.log_key in done)
            if call.hit is None and (is_sure or ran[call.log_key] or call.runs is False):
                self._leave_evaluation(call, is_sure)
                self._leave_final(call, is_sure)

    def _leave_evaluation(self, call: CachedCall, is_sure: bool) -> None:
        evaluations, key = self.repository.evaluations, call.eval_key
        if call.runs is False or call.raw_tasks is None:
            return
        made = Evaluation(call.task, call.raw_tasks, is_sure and not call.is_perhaps_hit)
        known = evaluations.get(key)
        if known is not None and not made.is_certain:
            is_equal = (known.task.function(), known.tasks) == (made.task.function(), made.tasks)
            made.is_certain, made.is_ambiguous = known.is_certain and is_equal, known.is_ambiguous or not is_equal
        evaluations[key] = made

    def _leave_final(self, call: CachedCall, is_sure: bool) -> None:
        if call.outcome.errors or call.is_perhaps_hit:
            return
        below, perhaps = _below(call, self.current)
        final = Final(call.outcome, _versions(call.outcome.value, self.current), below, perhaps, is_sure)
        self.repository.finals.setdefault(call.eval_key, []).append(final)


def _options(task: TaskDef, given: Options) -> tuple[str, bool]:
    """The scope of a call, and whether it is shallow. `cache` and `cache_scope` say the same; what is given wins."""
    declared, newer = dict(task.options), dict(given)
    scopes = [options[name] for options in (newer, declared) for name in ("cache_scope", "cache") if name in options]
    scope = {True: "BACKEND", False: "CSE"}.get(scopes[0], scopes[0]) if scopes else "BACKEND"
    return scope, {**declared, **newer}.get("check_valid") == "shallow"


def _made(call: Call) -> Outcome:
    return Outcome(call.outcome.value, call.outcome.errors.values(), ((True, call),))


def _same(one: Outcome, other: Outcome) -> bool:
    return not other.errors and canon(one.value) == canon(other.value)


def _versions(value: Any, current: dict[str, Any]) -> frozenset[TaskVersion]:
    """The tasks in a value, with their code."""
    found: set[TaskVersion] = set()
    stack = [canon(value)]
    while stack:
        item = stack.pop()
        if item[0] == "task":
            found.add((item[1], current[item[1]]))
        stack.extend(part for part in item[1:] if isinstance(part, tuple))
    return frozenset(found)


def _reached(outcome: Outcome) -> tuple[set[Any], set[Any]]:
    """The calls that are sure to be made, and all that may be."""
    return reached(outcome, only_sure=True), reached(outcome, only_sure=False)


def _below(call: CachedCall, current: dict[str, Any]) -> tuple[frozenset[TaskVersion], frozenset[TaskVersion]]:
    """The tasks at and below a call, and those that may be."""
    inner = Outcome(trace=((True, call),))
    sure, all_calls = (_tasks(calls, current) for calls in _reached(inner))
    return sure, all_calls - sure


def _tasks(calls: set[Any], current: dict[str, Any]) -> frozenset[TaskVersion]:
    own = {(call.task.name, current[call.task.name]) for call in calls}
    own.update(version for call in calls if call.hit is not None for version in call.hit.below)
    return frozenset(own)
