"""The rules of caching, stated by brute force: which bodies an execution runs, given what earlier ones have left.

- Within an execution, calls of the same code with equal arguments in equal contexts are one call, and so is its error.
  Calls of scope NONE are one only where the same expression stands twice in one body. A sub-run is an execution of its
  own in this.
- Another attempt of an async task makes its calls again that have failed, directly or below others that have, whoever
  else has made them; those that have succeeded it does not, whatever failed below them. Another attempt of a sub-run
  begins anew, and may take what earlier ones have left.
- Across executions, a call of scope BACKEND takes what its body has returned before, for the same code and equal
  arguments, in whichever context, and goes on from there; but not that of an async task, which depends on what it
  awaited. A body that raised has left nothing. A task in what was returned as a value must have the same code still;
  one in a returned expression is meant by name.
- With `check_valid="shallow"` it takes the final result of the newest such call in an equal context, provided that no
  task at or below it has changed, and nothing below it is looked at. A result is not final if an error may have come
  before everything below was evaluated.
- What is left does not depend on the scope: that says only what may be taken. Below `prov=False` nothing is left, and
  nothing is taken.

This file says what is taken; `truth_repository` what is left, and `truth_attempts` how often what fails is made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from truth_attempts import Memory, is_same_call
from truth_frames import Frame, Job
from truth_options import Options, Settings, export_names
from truth_outcomes import Call, Outcome, Trace, Unfit, failed_below, reached
from truth_plain import Interpreter
from truth_programs import NO_PROV, SUBRUN, Node, Program, TaskDef
from truth_repository import CachedCall, Decision, Evaluation, Final, Repository, TaskVersion, tasks_in
from truth_runtime import canon, log_key

BodyOf = Callable[[CachedCall, Frame], Outcome]


class Execution(Interpreter):
    """Evaluates a program as one execution on a repository."""

    def __init__(self, program: Program, repository: Repository, use_cache: bool = True, context: Options = ()) -> None:
        super().__init__(program, context)
        self.repository = repository
        self.use_cache = use_cache
        self.current: dict[str, Any] = {task.name: task.hash_id for task in program.tasks}
        self.current |= {NO_PROV.name: "1", SUBRUN.name: "1"}
        self.memory = Memory()
        """That of this execution, or of the sub-run that is evaluated."""
        self.forgets: dict[str, list[CachedCall]] = defaultdict(list)
        """By log key the calls that have had it made again, once for each time."""
        self.may_not_refuse: set[str] = set()
        """The tasks of calls whose bodies do not run, or may not, and of those below them that are not made."""
        self.calls: list[CachedCall] = []
        """All that were made."""

    def code(self, name: str) -> Any:
        return self.current[name], export_names(self.program.tasks[int(name[1:])].options)

    # -- one call -----------------------------------------------------------------------------------------------------

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        settings, own = self.enter(task, values, options, frame)
        if settings.scope == "NONE" and key in frame.job.shared:
            return _made(frame.job.shared[key])
        before = self.complete(task, own)
        if before.errors:
            frame.job.is_cut_short |= own.job.is_cut_short
            return before
        eval_key = (task.name, self.current[task.name], *(canon(value, self.code) for value in own.values.values()))
        noted = log_key(task.name, tuple(own.values.values()))

        def body(made: CachedCall, frame: Frame) -> Outcome:
            return self._evaluate_body(made, frame, settings)

        new = CachedCall(task, noted, eval_key, settings, own.job)
        new.first = self.runs_before[noted]
        made = self._make(new, own, key, frame, body, before)
        return _made(made).after(before.trace)

    def do_no_prov(self, node: Node, frame: Frame) -> Outcome:
        settings, own = self.enter(NO_PROV, {}, (), frame)

        def body(made: CachedCall, _: Frame) -> Outcome:
            made.raw_tasks = frozenset()
            inner = Job({**settings.exports, "prov": False}, frame.job.context)
            outcome = self.evaluate(node.parts[0], frame.seen_from(inner))
            own.job.is_cut_short |= inner.is_cut_short
            return outcome

        return self._hidden(NO_PROV, node, settings, own, frame, body)

    def do_subrun(self, node: Node, frame: Frame) -> Outcome:
        settings, own = self.enter(SUBRUN, {}, (), frame)

        def body(made: CachedCall, _: Frame) -> Outcome:
            return self.try_sub_run(made, node.parts[0], frame, own.job, settings)

        return self._hidden(SUBRUN, node, settings, own, frame, body)

    def evaluate_apart(self, part: Node, frame: Frame, job: Job) -> Outcome:
        outer, self.memory = self.memory, Memory()
        outcome = super().evaluate_apart(part, frame, job)
        self.memory = outer
        return outcome

    def begin_anew(self, made: Call, trace: Trace) -> None:
        super().begin_anew(made, trace)
        assert isinstance(made, CachedCall)
        for call in reached(Outcome(trace=trace), only_sure=False):
            self.forgets[call.log_key].append(made)

    def _hidden(self, task: TaskDef, node: Node, settings: Settings, own: Frame, frame: Frame, body: BodyOf) -> Outcome:
        """A call of a task of redun itself, which is given an expression as it is."""
        key = (task.name, self.expression_key(node.parts[0], frame))
        if settings.scope == "NONE" and key in frame.job.shared:
            return _made(frame.job.shared[key])
        made = CachedCall(task, "", (task.name, "1", key), settings, own.job)
        return _made(self._make(made, own, key, frame, body, Outcome()))

    def _make(self, made: CachedCall, own: Frame, key: Any, frame: Frame, body: BodyOf, before: Outcome) -> CachedCall:
        """Make a call, unless there is one that it may share."""
        scope = made.settings.scope
        if not self.use_cache and scope == "BACKEND":
            scope = "CSE"
        found = self.memory.made.get(made.shared_key) if scope != "NONE" else None
        if found is not None:
            self._compare(found, made, self._decide(made, scope))
            made = found
        else:
            made.children = before.trace
            made.may_find = scope == "BACKEND" and (made.settings.is_shallow or made.is_reusable)
            made.decision = self._decide(made, scope)
            made.memory = self.memory if scope != "NONE" else None
            older = self.memory.forgotten.get(made.shared_key)
            if older is not None and not is_same_call(older, made):
                raise Unfit  # who makes it first decides, and here several may
            self.calls.append(made)
            self._settle(made, own, body)
        if scope == "NONE":
            frame.job.shared[key] = made
        else:
            self.memory.made[made.shared_key] = made
        return made

    def forget(self, made: Call, trace: Trace, frame: Frame) -> None:
        super().forget(made, trace, frame)
        assert isinstance(made, CachedCall)
        failed: set[Any] = failed_below(trace)
        for call in failed:
            if self.memory.made.get(call.shared_key) is call:
                del self.memory.made[call.shared_key]
                self.memory.forgotten[call.shared_key] = call
        shared = frame.job.shared
        for key in [key for key, call in shared.items() if call.outcome.errors]:
            del shared[key]
        below: set[Any] = reached(Outcome(trace=tuple((True, call) for call in failed)), only_sure=False)
        for call in below:
            if call.outcome.errors or self.memory.made.get(call.shared_key) is not call:
                self.forgets[call.log_key].append(made)

    def _compare(self, made: CachedCall, other: CachedCall, decision: Decision) -> None:
        """Two equal calls with different options: whichever is first decides for both."""
        if made.settings[3:6] != other.settings[3:6]:
            raise Unfit
        if made.decision == decision:
            return
        today = self._today(made.task)
        for final, known in (made.decision, decision):
            if final is not None or (known is not None and known.task.function != today):
                raise Unfit
        made.runs = None

    def _today(self, task: TaskDef) -> str:
        return task.function if task.title else self.program.tasks[task.number].function

    # -- what is taken ------------------------------------------------------------------------------------------------

    def _decide(self, made: CachedCall, scope: str) -> Decision:
        if scope != "BACKEND":
            return None, None
        final = self._find_final(made) if made.settings.is_shallow else None
        return final, self._find_evaluation(made.eval_key) if made.is_reusable else None

    def _find_evaluation(self, key: Any) -> Evaluation | None:
        known = self.repository.evaluations.get(key)
        if known is not None and known.is_ambiguous:
            raise Unfit
        return known if known is not None and self._is_current(known.tasks) else None

    def _find_final(self, made: CachedCall) -> Final | None:
        """The newest final result that may be used; not certain if it may or may not be."""
        finals = self.repository.finals.get(made.shared_key, [])
        usable = [f for f in finals if self._is_current(f.below) and self._is_current(f.values)]
        if not usable:
            return None
        newest = usable[-1]
        is_certain = newest.is_certain and self._is_current(newest.perhaps_below)
        return newest if is_certain else replace(newest, is_certain=False)

    def _is_current(self, versions: frozenset[TaskVersion]) -> bool:
        return all(self.current.get(name) == version for name, version in versions)

    def _settle(self, made: CachedCall, frame: Frame, body: BodyOf) -> None:
        final, known = made.decision
        if final is not None:
            self.may_not_refuse.update(name for name, _ in final.below | final.perhaps_below)
        if known is not None:
            self.may_not_refuse.add(made.task.name)
        if final is not None and final.is_certain:
            made.runs, made.outcome, made.hit = False, final.outcome, final
            return
        if known is not None:
            made.runs = False if known.is_certain else None
            made.takes_older_body = known.task.function != made.task.function
            if made.takes_older_body and not known.is_certain:
                raise Unfit  # two bodies under one version, and no telling which of them is meant
            made.task = known.task
        elif final is not None:
            made.runs = None
        outcome = body(made, frame)
        made.is_cut_short |= frame.job.is_cut_short
        if final is not None:
            if not _same(final.outcome, outcome):
                raise Unfit
            made.is_perhaps_hit = True
            outcome.trace = tuple((False, call) for _, call in outcome.trace)
        made.outcome = outcome
        made.children += outcome.trace

    def _evaluate_body(self, made: CachedCall, frame: Frame, settings: Settings) -> Outcome:
        if made.runs is False:
            returned = self.perform(made.task, frame)
        else:
            returned, frame = self.try_body(made, frame, settings)
            if returned.errors and made.runs is None:
                raise Unfit
        if returned.errors:
            return returned
        node: Node = returned.value
        outcome = self.evaluate(node, frame)
        is_value = not self.holds_expressions(node, frame)
        made.raw_tasks = tasks_in(outcome.value, self) if is_value else frozenset()
        return outcome.after(returned.trace)


def _made(call: Call) -> Outcome:
    return Outcome(call.outcome.value, call.outcome.errors.values(), ((True, call),))


def _same(one: Outcome, other: Outcome) -> bool:
    return not other.errors and canon(one.value) == canon(other.value)
