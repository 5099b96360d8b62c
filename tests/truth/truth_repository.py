"""What executions leave for later ones, and how often they run bodies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from truth_attempts import is_in_order, most_runs, runs_side_by_side
from truth_frames import Frame, Job
from truth_options import Settings
from truth_outcomes import Call, Outcome, PartialTask, Task, Unfit, reached
from truth_programs import SUBRUN, Node, TaskDef, is_lazy, wraps
from truth_runtime import Pair, canon

if TYPE_CHECKING:
    from truth_attempts import Memory
    from truth_model import Execution

TaskVersion = tuple[str, Any]
Versions = frozenset[TaskVersion]


@dataclass
class Evaluation:
    """What a body has returned: the body and its arguments say it.

    tasks: those that stand in a returned value, with their code then.
    is_certain: False if the run may have ended before it was recorded. is_ambiguous: if it may then be an older one.
    """

    task: TaskDef
    tasks: Versions
    is_certain: bool
    is_ambiguous: bool = False


@dataclass
class Final:
    """The final result of a call. below: every task at and below it; perhaps_below: where an error may have cut in."""

    outcome: Outcome
    values: Versions
    below: Versions
    perhaps_below: Versions
    is_certain: bool


Decision = tuple[Final | None, Evaluation | None]
"""The final result and the evaluation that a call may take."""


class CachedCall(Call):
    """A call, and what it may leave in the repository."""

    def __init__(self, task: TaskDef, noted: str, eval_key: Any, settings: Settings, job: Job) -> None:
        super().__init__(task, noted)
        self.eval_key = eval_key
        self.shared_key = (eval_key, canon(job.context))
        self.settings = settings
        self.is_reusable = not task.is_async and task is not SUBRUN
        """Whether what the body alone has returned is a result to go on with."""
        self.raw_tasks: Versions | None = None
        """The tasks in the value that the body returned; None if it raised."""
        self.hit: Final | None = None
        self.decision: Decision = (None, None)
        self.is_perhaps_hit = False
        self.takes_older_body = False
        """Whether what it takes was returned by another body under the same version."""
        self.may_find = False
        """Whether it may take what an equal call of the same execution has just left."""
        self.is_cut_short = False
        self.memory: Memory | None = None
        """Where others find it that can share it; None if only equal expressions can."""


@dataclass
class Repository:
    """What executions leave for later ones."""

    evaluations: dict[Any, Evaluation] = field(default_factory=dict)
    finals: dict[Any, list[Final]] = field(default_factory=dict)

    def leave(
        self, execution: Execution, outcome: Outcome, ran: Counter[str], is_complete: bool, done: frozenset[str]
    ) -> None:
        """Add what an execution leaves.

        ran: the bodies that were seen to run. is_complete: whether it came to its end. done: log keys of calls that
        were reported as done, where it did not.
        """
        sure, all_calls = _reached(outcome)
        meanings: dict[str, set[Any]] = defaultdict(set)
        for call in all_calls:
            meanings[call.log_key].add((call.shared_key, call.settings.is_recorded))
        for call in all_calls:
            is_done = call.log_key in done and len(meanings[call.log_key]) == 1
            is_sure = (call in sure and is_complete) or (call.runs is True and is_done)
            has_run = ran[call.log_key] or call.runs is False or (not call.log_key and bool(ran))
            if call.settings.is_recorded and call.hit is None and (is_sure or has_run):
                self._leave_evaluation(call, is_sure)
                self._leave_final(call, is_sure, execution)

    def _leave_evaluation(self, call: CachedCall, is_sure: bool) -> None:
        if call.runs is False or call.raw_tasks is None or not call.is_reusable:
            return
        made = Evaluation(call.task, call.raw_tasks, is_sure and not call.is_perhaps_hit)
        known = self.evaluations.get(call.eval_key)
        if known is not None and not made.is_certain:
            is_equal = (known.task.function, known.tasks) == (made.task.function, made.tasks)
            made.is_certain, made.is_ambiguous = known.is_certain and is_equal, known.is_ambiguous or not is_equal
        self.evaluations[call.eval_key] = made

    def _leave_final(self, call: CachedCall, is_sure: bool, execution: Execution) -> None:
        if call.outcome.errors or call.is_perhaps_hit:
            return
        sure, all_calls = _reached(Outcome(trace=((True, call),)))
        below = _tasks(sure, execution.current)
        perhaps = _tasks(all_calls, execution.current) - below
        is_certain = is_sure and not any(each.is_cut_short for each in all_calls)
        values = tasks_in(call.outcome.value, execution)
        self.finals.setdefault(call.shared_key, []).append(Final(call.outcome, values, below, perhaps, is_certain))


# -- counting bodies ---------------------------------------------------------------------------------------------------


def bounds(execution: Execution, outcome: Outcome) -> tuple[Counter[str], Counter[str]]:
    """How often each body runs, at least and at most. outcome: what the execution came to."""
    at_least_one = _loosen(execution.calls)
    sure, all_calls = _reached(outcome)
    by_log_key: dict[str, list[CachedCall]] = defaultdict(list)
    for call in execution.calls:
        if call in all_calls and call.log_key and call.runs is not False:
            by_log_key[call.log_key].append(call)
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for log_key, those in by_log_key.items():
        certain = [call for call in those if call in sure and call.runs]
        least[log_key], most[log_key] = _runs(those, certain, execution.forgets[log_key], outcome)
    for group in at_least_one:
        if not group.isdisjoint(sure):
            least[next(iter(group)).log_key] += 1
    return least, most


def _runs(
    those: list[CachedCall], certain: list[CachedCall], forgetters: list[CachedCall], outcome: Outcome
) -> tuple[int, int]:
    """How often a body runs for those calls, at least and at most, in the order in which they were made."""
    refusals = those[0].task.refusals
    if forgetters:
        if is_in_order(those, forgetters, outcome.trace) and not (refusals and runs_side_by_side(those)):
            return sum(call.tries for call in certain), sum(call.tries for call in those)
        if refusals and any(call.raw_tasks is None for call in those):
            raise Unfit  # who comes first decides
        return bool(certain), most_runs(those) * (1 + len(forgetters)) + refusals
    if refusals and len(those) > 1:
        if any(call.raw_tasks is None for call in those):
            raise Unfit  # which of the calls the refusals hit is a matter of chance
        # While several run at once, the first ones may be taken for later ones.
        return len(certain), len(those) + refusals
    return sum(call.tries for call in certain), sum(call.tries for call in those)


def _loosen(calls: Iterable[CachedCall]) -> list[set[CachedCall]]:
    """Where calls of one execution may find what others of it have just left, it is not known which of them run.

    Gives the groups of which at least one runs.
    """
    groups: dict[Any, list[CachedCall]] = defaultdict(list)
    for call in calls:
        if call.settings.is_recorded and not (call.outcome.errors and call.raw_tasks is None):
            groups[call.eval_key].append(call)
    found = []
    for group in groups.values():
        if len(group) < 2 or not any(call.may_find for call in group):
            continue
        if any(call.takes_older_body for call in group):
            raise Unfit
        if all(call.runs and call.may_find for call in group) and group[0].log_key:
            found.append(set(group))
        for call in group:
            if call.may_find and call.runs:
                call.runs = None
            final = [each for each in group if each.shared_key == call.shared_key and not each.outcome.errors]
            if call.settings.is_shallow and call.may_find and set(final) - {call}:
                call.children = tuple((False, child) for _, child in call.children)
    return found


def _reached(outcome: Outcome) -> tuple[set[Any], set[Any]]:
    """The calls that are sure to be made, and all that may be."""
    return reached(outcome, only_sure=True), reached(outcome, only_sure=False)


# -- tasks -------------------------------------------------------------------------------------------------------------


def _tasks(calls: set[Any], current: dict[str, Any]) -> Versions:
    own = {(call.task.name, current[call.task.name]) for call in calls}
    own.update(version for call in calls if call.hit is not None for version in call.hit.below)
    return frozenset(own)


def tasks_in(value: Any, execution: Execution) -> Versions:
    """The tasks in a value, with their code. Not those in expressions, which are meant by name."""
    found: set[TaskVersion] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Task):
            found.add((item.name, execution.current[item.name]))
        elif isinstance(item, PartialTask):
            closures = [*item.args, *item.kwargs.values()]
            stack += [item.task, *(part for node, frame in closures for part in _plain_parts(node, frame, execution))]
        elif isinstance(item, dict):
            stack += [*item, *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset)):
            stack += item
        elif isinstance(item, Pair):
            stack += [item.left, item.right]
    return frozenset(found)


def _plain_parts(node: Node, frame: Frame, execution: Execution) -> list[Any]:
    """The values that stand in a part of a body beside expressions."""
    if not execution.holds_expressions(node, frame):
        return [execution.evaluate(node, frame).value]
    if node.kind == "var":
        return _plain_parts(frame.let(node), frame, execution)
    if is_lazy(node, frame.task) or node.kind == "unpack":
        return []
    parts = [part for position, part in enumerate(node.parts) if not wraps(node, position, frame.task)]
    return [value for part in parts for value in _plain_parts(part, frame, execution)]
