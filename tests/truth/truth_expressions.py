"""The part of the interpreter that evaluates what bodies return: each kind of node in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import truth_runtime as runtime
import truth_values
from redun.errors import SchedulerError
from redun.scheduler.control import NoTrueCondition
from truth_frames import Frame
from truth_gathering import Gathering
from truth_options import Options, export_names
from truth_outcomes import Outcome, PartialTask, Task, Trace, Unfit, join, then
from truth_programs import Node, Program, TaskDef, is_eager_apply, is_lazy, wraps

if TYPE_CHECKING:
    Code = Callable[[str], Any]


class Expressions(Gathering):
    """Evaluates nodes. `call` makes calls."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.used: set[str] = set()
        """The constructs that were evaluated."""

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        raise NotImplementedError

    def evaluate(self, node: Node, frame: Frame) -> Outcome:
        if node.kind == "const":
            return Outcome(truth_values.constant(node.data))
        known = frame.known.get(id(node))
        if known is None:
            self.used.add(node.kind)
            known = frame.known[id(node)] = getattr(self, f"do_{node.kind}", self.do_display)(node, frame)
        return known

    def side_by_side(self, nodes: Iterable[Node], frame: Frame) -> Outcome:
        return self._joined([self.evaluate(node, frame) for node in nodes], frame)

    @staticmethod
    def _joined(outcomes: list[Outcome], frame: Frame) -> Outcome:
        if len(outcomes) > 1 and any(outcome.errors for outcome in outcomes):
            frame.job.is_cut_short = True
        return join(outcomes)

    # -- values -------------------------------------------------------------------------------------------------------

    def do_arg(self, node: Node, frame: Frame) -> Outcome:
        return Outcome(frame.plain(node))

    do_now = do_arg

    def do_var(self, node: Node, frame: Frame) -> Outcome:
        outcome = self.evaluate(frame.let(node), frame)
        if frame.task is not None and frame.task.has_awaited(node.data):
            return Outcome(outcome.value)  # by now a value like any other: its calls were made before
        return outcome

    def do_task(self, node: Node, frame: Frame) -> Outcome:
        return Outcome(Task(*node.data))

    def do_partial(self, node: Node, frame: Frame) -> Outcome:
        number, names, options = node.data
        count = len(node.parts) - len(names)
        closures = [(part, frame) for part in node.parts]
        named = dict(zip(names, closures[count:], strict=True))

        def key(code: Code) -> Any:
            return names, tuple(self.expression_key(part, frame, code) for part in node.parts)

        return Outcome(PartialTask(Task(number, options), tuple(closures[:count]), named, key))

    def do_throw(self, node: Node, frame: Frame) -> Outcome:
        return Outcome(errors=[runtime.CLASSES[node.data[0]](node.data[1])])

    def do_display(self, node: Node, frame: Frame) -> Outcome:
        parts = self.side_by_side(node.parts, frame)
        whole = then(parts, truth_values.BUILDERS[node.kind])
        if node.kind == "set" and whole.errors and not parts.errors:
            # In which order the items are put in is not said.
            return Outcome(errors=truth_values.errors_of_hashing(parts.value), trace=parts.trace)
        return whole

    def do_op(self, node: Node, frame: Frame) -> Outcome:
        name, *attribute = node.data
        if name == "getattr":
            return then(self.side_by_side(node.parts, frame), lambda values: getattr(values[0], attribute[0]))
        return then(self.side_by_side(node.parts, frame), lambda values: truth_values.apply(name, values))

    def do_unpack(self, node: Node, frame: Frame) -> Outcome:
        items = self.unpacked(node, frame)
        whole = self.evaluate(node.parts[0], frame)
        if whole.errors:
            frame.job.is_cut_short = True
            return whole
        return join(items)

    def unpacked(self, node: Node, frame: Frame) -> list[Outcome]:
        value = self.evaluate(node.parts[0], frame)
        return [then(value, lambda v, index=index: v[index]) for index in range(self.unpacked_length(node))]

    def unpacked_length(self, node: Node) -> int:
        return int(dict(self.program.tasks[node.parts[0].data[0]].options)["nout"])

    def do_context(self, node: Node, frame: Frame) -> Outcome:
        default = self.evaluate(node.parts[0], frame)
        found: Any = frame.job.context
        for name in node.data.split("."):
            found = found[name] if isinstance(found, dict) and name in found else None
        return default if found is None or default.errors else Outcome(found, trace=default.trace)

    # -- calls --------------------------------------------------------------------------------------------------------

    def do_call(self, node: Node, frame: Frame) -> Outcome:
        number, names, options = node.data
        task = self.program.tasks[number]
        count = len(node.parts) - len(names)
        given = [*(p.name for p in task.parameters[:count]), *names]
        return self._call(task, given, node, node.parts, options, frame)

    def do_again(self, node: Node, frame: Frame) -> Outcome:
        assert frame.task is not None
        task = self.program.tasks[frame.task.number]  # as it is today, even where an older body calls it
        given = [p.name for p in task.parameters[: len(node.parts) + 1]]
        less = Node("const", repr(frame.values["n"] - 1))
        return self._call(task, given, node, (less, *node.parts), (), frame)

    def _call(
        self, task: TaskDef, given: list[str], node: Node, parts: tuple[Node, ...], options: Options, frame: Frame
    ) -> Outcome:
        arguments = self.side_by_side(parts, frame)
        if arguments.errors:
            return arguments
        key = (*node.data, task.name) if node.kind == "call" else ("again", task.name, frame.values["n"])
        key = (key, tuple(self.expression_key(part, frame) for part in parts))
        values = dict(zip(given, arguments.value, strict=True))
        return self.call(task, values, options, frame, key).after(arguments.trace)

    def do_apply(self, node: Node, frame: Frame) -> Outcome:
        if is_eager_apply(node):
            return self._apply_now(node, frame)
        parts = self.side_by_side(node.parts, frame)
        if parts.errors:
            return parts
        function, *values = parts.value
        keys = tuple(("value", runtime.canon(value, self.code)) for value in values)
        return self.call_value(function, values, keys, frame).after(parts.trace)

    def _apply_now(self, node: Node, frame: Frame) -> Outcome:
        """Call what is a task, or a partial one, as the body runs: its arguments stand side by side with the others."""
        function = self.evaluate(node.parts[0], frame).value
        bound = self._bound(function, frame)
        outcomes = [self.evaluate(part, frame) for part in node.parts[1:]]
        everything = self._joined([*outcomes, *bound], frame)
        if everything.errors:
            return everything
        keys = tuple(self.expression_key(part, frame) for part in node.parts[1:])
        values = everything.value[: len(outcomes)]
        return self.call_value(function, values, keys, frame, bound).after(join(outcomes).trace)

    def _bound(self, function: Any, frame: Frame) -> list[Outcome]:
        """The arguments that a partial task has, evaluated for a call."""
        if not isinstance(function, PartialTask):
            return []
        closures = [*function.args, *function.kwargs.values()]
        return [self.evaluate(node, home.seen_from(frame.job)) for node, home in closures]

    def call_value(
        self,
        function: Any,
        values: list[Any],
        keys: tuple[Any, ...],
        frame: Frame,
        bound_already: list[Outcome] | None = None,
    ) -> Outcome:
        """Call a task, or a partial one: now is when the arguments that this one has are evaluated, if not already."""
        if isinstance(function, Task):
            return self._call_task(function, values, {}, ((), keys), frame)
        if not isinstance(function, PartialTask):
            raise Unfit
        bound = self._joined(self._bound(function, frame) if bound_already is None else bound_already, frame)
        if bound.errors:
            return bound
        count = len(function.args)
        named = dict(zip(function.kwargs, bound.value[count:], strict=True))
        key = _filled_key(function.key(self.code), keys)
        return self._call_task(function.task, [*bound.value[:count], *values], named, key, frame).after(bound.trace)

    def _call_task(
        self, function: Task, values: list[Any], named: dict[str, Any], keys: tuple[Any, ...], frame: Frame
    ) -> Outcome:
        task = self.program.tasks[function.number]
        given = dict(zip([p.name for p in task.parameters], values, strict=False))
        if len(values) > len(task.parameters) or given.keys() & named:
            raise Unfit
        key = ((function.number, keys[0], function.given, task.name), keys[1])
        return self.call(task, {**given, **named}, function.given, frame, key)

    def do_map(self, node: Node, frame: Frame) -> Outcome:
        """Maps of maps are one: each item goes through all functions."""
        functions, values = [node.parts[0]], self._written(node.parts[1], frame)
        while values.kind == "map":
            functions.append(values.parts[0])
            values = self._written(values.parts[1], frame)
        everything = self.side_by_side([*functions, values], frame)
        if everything.errors:
            return everything
        *called, items = everything.value
        if not all(isinstance(function, (Task, PartialTask)) for function in called):
            raise Unfit
        if not isinstance(items, Iterable):
            if "object at" in repr(items):
                raise Unfit  # a task in it, which the engine shows in another way
            error = SchedulerError(f"map_() takes a task, and a list of values, not {items!r}")
            return Outcome(errors=[error], trace=everything.trace)
        results = [self._through(called, item, frame) for item in items]
        if len(results) > 1 and any(result.errors for result in results):
            frame.job.is_cut_short = True
        return join(results).after(everything.trace)

    @staticmethod
    def _written(node: Node, frame: Frame) -> Node:
        """What stands in a body where a local variable is named that was not awaited."""
        while node.kind == "var" and not (frame.task and frame.task.has_awaited(node.data)):
            node = frame.let(node)
        return node

    def _through(self, functions: list[Any], item: Any, frame: Frame) -> Outcome:
        """Calls of calls: the arguments that a partial task has stand side by side with the call that it is given."""
        key: Any = ("value", runtime.canon(item, self.code))
        result = Outcome(item)
        for function in reversed(functions):
            bound = self._bound(function, frame)
            together = self._joined([result, *bound], frame)
            if together.errors:
                result = together
                continue
            result = self.call_value(function, [result.value], (key,), frame, bound).after(result.trace)
            key = self._key_of_call(function, (key,), self.code)
        return result

    def _key_of_call(self, function: Any, keys: tuple[Any, ...], code: Code) -> Any:
        names: tuple[str, ...] = ()
        if isinstance(function, PartialTask):
            names, keys = _filled_key(function.key(code), keys)
            function = function.task
        return "call", (function.number, names, function.given, self.declared_exports(function.number)), keys

    # -- control ------------------------------------------------------------------------------------------------------

    def do_seq(self, node: Node, frame: Frame) -> Outcome:
        done = Outcome([])
        for part in node.parts:
            value = self.evaluate(part, frame).after(done.trace)
            if value.errors:
                return value
            done = Outcome([*done.value, value.value], trace=value.trace)
        return done

    def do_cond(self, node: Node, frame: Frame) -> Outcome:
        trace: Trace = ()
        for position in range(0, len(node.parts), 2):
            tested = self.evaluate(node.parts[position], frame).after(trace)
            if tested.errors or position + 1 == len(node.parts):
                return tested
            if tested.value:
                return self.evaluate(node.parts[position + 1], frame).after(tested.trace)
            trace = tested.trace
        message = "cond(): no condition is true, and there is no value for otherwise"
        return Outcome(errors=[NoTrueCondition(message)], trace=trace)

    def do_catch(self, node: Node, frame: Frame) -> Outcome:
        tried = self.evaluate(node.parts[0], frame)
        recoveries = [self._recovery(node, error) for error in tried.errors.values()]
        if not any(recovery is not None for recovery in recoveries):
            return tried
        if len(recoveries) > 1:
            raise Unfit
        [error], [number] = tried.errors.values(), recoveries
        assert number is not None
        return self.recover(number, error, frame).after(tried.trace)

    @staticmethod
    def _recovery(node: Node, error: Exception) -> int | None:
        for names, number in node.data:
            if isinstance(error, tuple(runtime.CLASSES[name] for name in names)):
                return int(number)
        return None

    # -- expressions as they stand in a body ---------------------------------------------------------------------------

    def code(self, name: str) -> Any:
        """By which code a task is known."""
        return name

    def expression_key(self, node: Node, frame: Frame, code: Code | None = None) -> Any:
        """Equal for equal expressions, once the body has put its arguments in. code: as for `canon`."""
        code = code or self.code
        if node.kind == "var" and not (frame.task and frame.task.has_awaited(node.data)):
            return self.expression_key(frame.let(node), frame, code)
        if not self.holds_expressions(node, frame):
            return "value", runtime.canon(self.evaluate(node, frame).value, code)
        parts = [self.expression_key(part, frame, code) for part in node.parts]
        wrapped = [("lazy", part) if wraps(node, i, frame.task) else part for i, part in enumerate(parts)]
        if node.kind == "apply" and is_eager_apply(node):
            function = self.evaluate(node.parts[0], frame).value
            return self._key_of_call(function, tuple(wrapped[1:]), code)
        if node.kind == "again":
            assert frame.task is not None
            exports = self.declared_exports(frame.task.number)
            return "again", (frame.task.number, frame.values["n"], exports), tuple(wrapped)
        data = (*node.data, self.declared_exports(node.data[0])) if node.kind == "call" else node.data
        if node.kind in ("catch", "catch_all"):
            data = (data, *(code(f"t{number}") for number in _recoveries(node)))
        return node.kind, data, tuple(sorted(wrapped, key=repr) if node.kind == "set" else wrapped)

    def declared_exports(self, number: int) -> tuple[str, ...]:
        """What a task exports by itself is a part of every expression that calls it."""
        return export_names(self.program.tasks[number].options)

    def holds_expressions(self, node: Node, frame: Frame) -> bool:
        if node.kind == "var":
            assert frame.task is not None
            return not frame.task.has_awaited(node.data) and self.holds_expressions(frame.let(node), frame)
        if is_lazy(node, frame.task) or node.kind == "unpack":
            return True
        if any(wraps(node, position, frame.task) for position in range(len(node.parts))):
            return True
        if node.kind in ("now", "partial"):
            return False
        return any(self.holds_expressions(part, frame) for part in node.parts)


def _recoveries(node: Node) -> list[int]:
    """The tasks that `catch` or `catch_all` is given: values among its arguments, known by their code."""
    if node.kind == "catch":
        return [number for _, number in node.data]
    return [] if node.data is None else [node.data[1]]


def _filled_key(key: Any, more: tuple[Any, ...]) -> Any:
    """The names of the keyword arguments and the keys of all of a partial call: as if it were written at once."""
    names, bound = key
    count = len(bound) - len(names)
    return names, (*bound[:count], *more, *bound[count:])
