"""What a generated program comes to in plain Python: an interpreter that knows nothing of caching.

It also notes which calls are made. Where parts are evaluated side by side and one of them fails, the others may or may
not be reached: such calls are not *sure*. Where the outcome itself depends on which of several errors comes first, the
program is `Unfit` for a comparison, unless all that happens is that it fails.

Another attempt of an async task makes again what has failed below it. For a task that refuses at first this is another
try, so that calls which are equal may come to something else later. What has succeeded is not made again, and what it
came to may not be what it would come to now (`has_memory`): of this plain Python knows nothing.

This file is about calls and bodies; `truth_expressions` is about what bodies return.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import truth_runtime as runtime
import truth_values
from truth_expressions import Expressions
from truth_frames import Frame, Job
from truth_options import Options, Settings, as_dict, merge, resolve
from truth_outcomes import Call, Outcome, Trace, Unfit, failed_below, reached
from truth_programs import NO_PROV, SUBRUN, Node, Program, TaskDef

MOST_CALLS = 400


class Interpreter(Expressions):
    """Evaluates a program."""

    def __init__(self, program: Program, context: Options = ()) -> None:
        super().__init__(program)
        self.context = as_dict(context)
        self.calls_made = 0
        self.runs_before: Counter[str] = Counter()
        """How often bodies ran for calls that are to be made again."""
        self.refused: set[str] = set()
        """The tasks of calls that refused at their last try."""
        self.has_memory = False
        self._results: dict[str, Any] = {}
        """What calls came to that were not to be made again, by log key."""

    def run(self) -> Outcome:
        return self.evaluate(self.program.root, Frame(None, {}, Job({}, self.context)))

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        """A call with evaluated arguments, one for each parameter but for lazy defaults.

        options: those given for this call. key: what its expression is, for equal ones in the same body.
        """
        settings, own = self.enter(task, values, options, frame)
        before = self.complete(task, own)
        if before.errors:
            return before
        made = Call(task, runtime.log_key(task.name, tuple(own.values.values())))
        made.first = self.runs_before[made.log_key]
        made.outcome = self.run_body(made, own, settings)
        made.children = before.trace + made.outcome.trace
        result = set(made.outcome.errors) or runtime.canon(made.outcome.value)
        is_other = self._results.setdefault(made.log_key, result) != result
        # Equal calls are one; in plain Python the second comes when what refused at first has been tried often enough.
        self.has_memory |= is_other and bool(self.runs_before)
        return Outcome(made.outcome.value, made.outcome.errors.values(), ((True, made),))

    def enter(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame) -> tuple[Settings, Frame]:
        """The options of a call, and a frame for its body."""
        settings = resolve(task.options, frame.job.exports, options)
        self.used.update(name for name, _ in (*options, *task.options))
        self.used.update({"async"} if task.is_async else ())
        context = merge(frame.job.context, settings.context_changes)
        return settings, Frame(task, values, Job(settings.exports, context))

    def complete(self, task: TaskDef, frame: Frame) -> Outcome:
        """Add defaults to the arguments in a frame. Those that are expressions are evaluated for each call anew."""
        self.calls_made += 1
        if self.calls_made > MOST_CALLS:
            raise Unfit
        missing = [parameter for parameter in task.parameters if parameter.name not in frame.values]
        defaults = self.side_by_side([p.default for p in missing if p.default is not None], frame)
        if not defaults.errors:
            values = {**frame.values, **dict(zip([p.name for p in missing], defaults.value, strict=True))}
            frame.values = {p.name: values[p.name] for p in task.parameters}
        return defaults

    # -- bodies -------------------------------------------------------------------------------------------------------

    def run_body(self, made: Call, frame: Frame, settings: Settings) -> Outcome:
        """Run a body as often as its options say until it returns, and evaluate what it returns."""
        returned, frame = self.try_body(made, frame, settings)
        return returned if returned.errors else self.evaluate(returned.value, frame).after(returned.trace)

    def try_body(self, made: Call, frame: Frame, settings: Settings) -> tuple[Outcome, Frame]:
        """What a body returns, as a node with its frame, or what it raises after its last try.

        With the calls that it awaited, in all its tries.
        """
        performed: Outcome | None = None
        trace: Trace = ()
        while True:
            if made.first + made.tries <= made.task.refusals:
                self.used.add("refusals")
                tried = Outcome(errors=[runtime.Refused(runtime.NOT_YET)])
            else:
                performed = tried = performed or self.perform(made.task, frame)
            if not tried.errors or made.tries > settings.max_retries or not _is_worth_a_try(tried, settings):
                self._note_end(made, tried)
                return tried.after(trace), frame
            self.used.add("retries")
            made.tries += 1
            if performed is not None and made.task.is_async:
                trace += tried.trace
                made.retried.append(tried.trace if made.retried else made.children + tried.trace)
                self.forget(made, trace, frame)
                performed, frame = None, Frame(made.task, frame.values, frame.job)

    def _note_end(self, made: Call, tried: Outcome) -> None:
        if made.first + made.tries <= made.task.refusals:
            self.refused.add(made.task.name)
        if not tried.errors and any(failed_below(trace) for trace in made.retried):
            self.used.add("awaited at last")

    def forget(self, made: Call, trace: Trace, frame: Frame) -> None:
        """Have the next attempt of an async task make again what has failed below it in those before.

        frame: of the last of these attempts.
        """
        failed = failed_below(trace)
        self.used.update({"awaited anew"} if failed else ())
        for call in failed:
            self._results.pop(call.log_key, None)
            if call.runs is not False:
                self.runs_before[call.log_key] = max(self.runs_before[call.log_key], call.first + call.tries)
        self._note_memory(trace, failed)

    def begin_anew(self, made: Call, trace: Trace) -> None:
        """Have the next attempt of a sub-run make everything again. trace: of the attempts before."""
        calls = reached(Outcome(trace=trace), only_sure=False)
        for call in calls:
            if call.outcome.errors:
                self._results.pop(call.log_key, None)
            if call.runs is not False:
                self.runs_before[call.log_key] = max(self.runs_before[call.log_key], call.first + call.tries)
        self._note_memory(trace, {call for call in calls if call.outcome.errors})

    def _note_memory(self, trace: Trace, failed: set[Call]) -> None:
        changing = {call.log_key for call in failed if call.task.refusals}
        if changing:
            lasting = [call for call in reached(Outcome(trace=trace), only_sure=False) if not call.outcome.errors]
            for call in lasting:
                below = reached(Outcome(trace=((True, call),)), only_sure=False)
                self.has_memory |= not changing.isdisjoint(each.log_key for each in below)

    def perform(self, task: TaskDef, frame: Frame) -> Outcome:
        """Run a body once."""
        frame.task = task
        if task.base is not None and frame.values["n"] <= 0:
            return Outcome(task.base)  # the generator puts nothing there that is computed at once
        done = Outcome()
        try:
            if task.guard is not None:
                condition, error, message = task.guard
                self.compute_now(condition, frame)
                if frame.now.get(id(condition)):
                    raise runtime.CLASSES[error](message)
            for index, node in enumerate(task.lets):
                self.compute_now(node, frame)
                if task.has_awaited(index):
                    self.used.add("await")
                    done = self.evaluate(node, frame).after(done.trace)
                    if done.errors:
                        return done
            self.compute_now(task.body, frame)
        except Unfit:
            raise
        except Exception as error:
            return Outcome(errors=[error], trace=done.trace)
        return Outcome(task.body, trace=done.trace)

    def compute_now(self, node: Node, frame: Frame) -> Any:
        for part in node.parts:
            self.compute_now(part, frame)
        if node.kind == "now":
            frame.now[id(node)] = truth_values.apply(node.data, [frame.plain(part) for part in node.parts])

    # -- parts that are evaluated in a job of their own ---------------------------------------------------------------

    def do_no_prov(self, node: Node, frame: Frame) -> Outcome:
        settings, _ = self.enter(NO_PROV, {}, (), frame)
        job = Job({**settings.exports, "prov": False}, frame.job.context)
        return self.evaluate(node.parts[0], frame.seen_from(job))

    def do_subrun(self, node: Node, frame: Frame) -> Outcome:
        settings, own = self.enter(SUBRUN, {}, (), frame)
        return self.try_sub_run(Call(SUBRUN, ""), node.parts[0], frame, own.job, settings)

    def try_sub_run(self, made: Call, part: Node, frame: Frame, job: Job, settings: Settings) -> Outcome:
        """Evaluate a part of a body in sub-runs, as often as the options say until nothing fails there."""
        trace: Trace = ()
        while True:
            outcome = self.evaluate_apart(part, frame, job)
            if not outcome.errors or made.tries > settings.max_retries or not _is_worth_a_try(outcome, settings):
                return outcome.after(trace)
            self.used.add("retries")
            made.tries += 1
            made.retried.append(outcome.trace)
            trace += outcome.trace
            self.begin_anew(made, trace)

    def evaluate_apart(self, part: Node, frame: Frame, job: Job) -> Outcome:
        """Evaluate a part of a body in a sub-run. job: that of the sub-run in the execution that it belongs to."""
        inner = inner_job(frame)
        outcome = self.evaluate(part, frame.seen_from(inner))
        job.is_cut_short |= inner.is_cut_short
        return outcome


def inner_job(frame: Frame) -> Job:
    """What the scheduler of a sub-run begins with: it records even where the outer one does not."""
    return Job({name: value for name, value in frame.job.exports.items() if name != "prov"}, frame.job.context)


def _is_worth_a_try(tried: Outcome, settings: Settings) -> bool:
    is_worth = {isinstance(error, settings.retry_on) for error in tried.errors.values()}
    if len(is_worth) > 1:
        raise Unfit
    return is_worth.pop()
