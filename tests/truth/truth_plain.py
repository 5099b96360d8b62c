"""What a generated program comes to in plain Python: an interpreter that knows nothing of caching.

It also notes which calls are made. Where parts are evaluated side by side and one of them fails, the others may or may
not be reached: such calls are not *sure*. Where the outcome itself depends on which of several errors comes first, the
program is `Unfit` for a comparison, unless all that happens is that it fails.

This file is about calls and bodies; `truth_expressions` is about what bodies return.
"""

from __future__ import annotations

from typing import Any

import truth_runtime as runtime
import truth_values
from truth_expressions import Expressions
from truth_frames import Frame, Job
from truth_options import Options, Settings, as_dict, merge, resolve
from truth_outcomes import Call, Outcome, Unfit
from truth_programs import NO_PROV, Node, Program, TaskDef

MOST_CALLS = 400


class Interpreter(Expressions):
    """Evaluates a program."""

    def __init__(self, program: Program, context: Options = ()) -> None:
        super().__init__(program)
        self.context = as_dict(context)
        self.calls_made = 0

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
        made.outcome = self.run_body(made, own, settings)
        made.children = before.trace + made.outcome.trace
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
        returned = self.try_body(made, frame, settings)
        return returned if returned.errors else self.evaluate(returned.value, frame).after(returned.trace)

    def try_body(self, made: Call, frame: Frame, settings: Settings) -> Outcome:
        """What a body returns, as a node, or what it raises after its last try. With the calls that it awaited."""
        performed: Outcome | None = None
        while True:
            if made.tries <= made.task.refusals:
                self.used.add("refusals")
                tried = Outcome(errors=[runtime.Refused(runtime.NOT_YET)])
            else:
                performed = tried = performed or self.perform(made.task, frame)
            if not tried.errors or made.tries > settings.max_retries:
                return tried
            is_worth = {isinstance(error, settings.retry_on) for error in tried.errors.values()}
            if len(is_worth) > 1:
                raise Unfit
            if False in is_worth:
                return tried
            if performed is not None and made.task.is_async:
                raise Unfit  # another attempt awaits anew what has failed, which is not followed here
            self.used.add("retries")
            made.tries += 1

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
        return self.evaluate(node.parts[0], frame.seen_from(inner_job(frame)))


def inner_job(frame: Frame) -> Job:
    """What the scheduler of a sub-run begins with: it records even where the outer one does not."""
    return Job({name: value for name, value in frame.job.exports.items() if name != "prov"}, frame.job.context)
