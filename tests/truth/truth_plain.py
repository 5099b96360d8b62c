"""What a generated program comes to in plain Python: an interpreter that knows nothing of caching.

It also notes which calls are made. Where parts are evaluated side by side and one of them fails, the others may or may
not be reached: such calls are not *sure*. Where the outcome itself depends on which of several errors comes first, the
program is `Unfit` for a comparison, unless all that happens is that it fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import truth_runtime as runtime
from redun.scheduler.control import NoTrueCondition
from truth_outcomes import Call, Outcome, Task, Trace, Unfit, join, then
from truth_programs import Node, Options, Program, TaskDef, is_eager_apply, is_lazy, wraps

MOST_CALLS = 400
LARGEST = 1_500


class Frame:
    """The evaluation of one body."""

    def __init__(self, task: TaskDef | None, values: dict[str, Any]) -> None:
        self.task = task
        self.values = values
        self.now: dict[int, Any] = {}
        self.known: dict[int, Outcome] = {}
        self.shared: dict[Any, Call] = {}
        """Calls that only equal expressions of the same body share."""


OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "getitem")},
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "and": lambda left, right: left and right,
    "or": lambda left, right: left or right,
    "len": len,
    "sum": sum,
    "str": str,
}
BUILDERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": lambda items: _set(items),
    "dict": lambda items: dict(zip(items[::2], items[1::2], strict=True)),
    "Pair": lambda items: runtime.Pair(*items),
    "Point": lambda items: runtime.Point(*items),
}
CLASSES: dict[str, type[Exception]] = {
    "Refused": runtime.Refused,
    "Denied": runtime.Denied,
    **{
        error.__name__: error
        for error in (ZeroDivisionError, TypeError, KeyError, IndexError, AttributeError, Exception)
    },
}


class Interpreter:
    """Evaluates a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.calls_made = 0

    def run(self) -> Outcome:
        return self.evaluate(self.program.root, Frame(None, {}))

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(self, task: TaskDef, values: dict[str, Any], options: Options, frame: Frame, key: Any) -> Outcome:
        """A call with evaluated arguments, one for each parameter but for lazy defaults.

        options: those given for this call. key: what its expression is, for equal ones in the same body.
        """
        own = Frame(task, values)
        before = self.complete(task, own)
        if before.errors:
            return before
        made = Call(task, runtime.log_key(task.name, tuple(own.values.values())))
        made.outcome = self.run_body(task, own)
        made.children = before.trace + made.outcome.trace
        return Outcome(made.outcome.value, made.outcome.errors.values(), ((True, made),))

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

    def run_body(self, task: TaskDef, frame: Frame) -> Outcome:
        try:
            node = self.start_body(task, frame)
        except Unfit:
            raise
        except Exception as error:
            return Outcome(errors=[error])
        return self.evaluate(node, frame)

    def start_body(self, task: TaskDef, frame: Frame) -> Node:
        """What the body returns. Raises what it raises."""
        frame.task = task
        if task.base is not None and frame.values["n"] <= 0:
            return task.base  # the generator puts nothing there that is computed at once
        self.do_at_once(task, frame)
        return task.body

    def do_at_once(self, task: TaskDef, frame: Frame) -> None:
        """What the body does itself before it returns."""
        nodes = list(task.nodes())
        if task.guard is not None:
            _, error, message = task.guard
            self.compute_now(nodes.pop(0), frame)
            if frame.now.get(id(task.guard[0])):
                raise CLASSES[error](message)
        for node in nodes:
            self.compute_now(node, frame)

    def compute_now(self, node: Node, frame: Frame) -> Any:
        for part in node.parts:
            self.compute_now(part, frame)
        if node.kind == "now":
            frame.now[id(node)] = _apply(node.data, [self.plain(part, frame) for part in node.parts])

    def plain(self, node: Node, frame: Frame) -> Any:
        if node.kind == "now":
            return frame.now[id(node)]
        return frame.values[node.data] if node.kind == "arg" else _constant(node.data)

    # -- expressions --------------------------------------------------------------------------------------------------

    def evaluate(self, node: Node, frame: Frame) -> Outcome:
        if node.kind == "const":
            return Outcome(_constant(node.data))
        known = frame.known.get(id(node))
        if known is None:
            known = frame.known[id(node)] = getattr(self, f"do_{node.kind}", self.do_display)(node, frame)
        return known

    def side_by_side(self, nodes: Iterable[Node], frame: Frame) -> Outcome:
        return join([self.evaluate(node, frame) for node in nodes])

    def do_arg(self, node: Node, frame: Frame) -> Outcome:
        return Outcome(self.plain(node, frame))

    do_now = do_arg

    def do_var(self, node: Node, frame: Frame) -> Outcome:
        assert frame.task is not None
        return self.evaluate(frame.task.lets[node.data], frame)

    def do_task(self, node: Node, frame: Frame) -> Outcome:
        number, options = node.data
        return Outcome(Task(f"t{number}", options))

    def do_throw(self, node: Node, frame: Frame) -> Outcome:
        return Outcome(errors=[CLASSES[node.data[0]](node.data[1])])

    def do_display(self, node: Node, frame: Frame) -> Outcome:
        return then(self.side_by_side(node.parts, frame), BUILDERS[node.kind])

    def do_op(self, node: Node, frame: Frame) -> Outcome:
        name, *attribute = node.data
        if name == "getattr":
            return then(self.side_by_side(node.parts, frame), lambda values: getattr(values[0], attribute[0]))
        return then(self.side_by_side(node.parts, frame), lambda values: _apply(name, values))

    def do_unpack(self, node: Node, frame: Frame) -> Outcome:
        [call] = node.parts
        length = dict(self.program.tasks[call.data[0]].options)["nout"]
        value = self.evaluate(call, frame)
        if value.errors:
            return value
        return join([then(value, lambda v, index=index: v[index]) for index in range(length)])

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
        key = (*node.data, task.name) if node.kind == "call" else ("again", task.name)
        key = (key, tuple(self.expression_key(part, frame) for part in parts))
        values = dict(zip(given, arguments.value, strict=True))
        return self.call(task, values, options, frame, key).after(arguments.trace)

    def do_apply(self, node: Node, frame: Frame) -> Outcome:
        parts = self.side_by_side(node.parts, frame)
        if parts.errors:
            return parts
        function, *values = parts.value
        keys = tuple(self.expression_key(part, frame) for part in node.parts[1:])
        if not is_eager_apply(node):
            keys = tuple(("value", runtime.canon(value)) for value in values)
        return self.call_value(function, values, keys, frame).after(parts.trace)

    def call_value(self, function: Any, values: list[Any], keys: tuple[Any, ...], frame: Frame) -> Outcome:
        if not isinstance(function, Task):
            raise Unfit
        task = self.program.tasks[int(function.name[1:])]
        given = [p.name for p in task.parameters[: len(values)]]
        key = ((int(function.name[1:]), (), function.overrides, task.name), keys)
        return self.call(task, dict(zip(given, values, strict=True)), function.overrides, frame, key)

    def do_map(self, node: Node, frame: Frame) -> Outcome:
        both = self.side_by_side(node.parts, frame)
        if both.errors:
            return both
        function, values = both.value
        try:
            items = list(values)
        except TypeError as error:
            return Outcome(errors=[error], trace=both.trace)
        keys = [(("value", runtime.canon(item)),) for item in items]
        calls = [self.call_value(function, [item], key, frame) for item, key in zip(items, keys, strict=True)]
        return join(calls).after(both.trace)

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
        task = self.program.tasks[number]
        key = ((number, (), (), task.name), (("value", runtime.canon(error)),))
        return self.call(task, {task.parameters[0].name: error}, (), frame, key).after(tried.trace)

    @staticmethod
    def _recovery(node: Node, error: Exception) -> int | None:
        for names, number in node.data:
            if isinstance(error, tuple(CLASSES[name] for name in names)):
                return int(number)
        return None

    # -- expressions as they stand in a body ---------------------------------------------------------------------------

    def expression_key(self, node: Node, frame: Frame) -> Any:
        """Equal for equal expressions, once the body has put its arguments in."""
        if node.kind == "var":
            assert frame.task is not None
            return self.expression_key(frame.task.lets[node.data], frame)
        if not self.holds_expressions(node, frame):
            return "value", runtime.canon(self.evaluate(node, frame).value)
        parts = [self.expression_key(part, frame) for part in node.parts]
        wrapped = [("lazy", part) if wraps(node, i, frame.task) else part for i, part in enumerate(parts)]
        if node.kind == "apply" and is_eager_apply(node):
            function = self.evaluate(node.parts[0], frame).value
            return "call", (int(function.name[1:]), (), function.overrides), tuple(wrapped[1:])
        return node.kind, node.data, tuple(sorted(wrapped, key=repr) if node.kind == "set" else wrapped)

    def holds_expressions(self, node: Node, frame: Frame) -> bool:
        if node.kind == "var":
            assert frame.task is not None
            return self.holds_expressions(frame.task.lets[node.data], frame)
        if is_lazy(node, frame.task) or node.kind == "unpack":
            return True
        if any(wraps(node, position, frame.task) for position in range(len(node.parts))):
            return True
        return node.kind != "now" and any(self.holds_expressions(part, frame) for part in node.parts)


def _apply(name: str, values: list[Any]) -> Any:
    if name == "mul":
        _check_product(*values)
    result = OPERATIONS[name](*values)
    if len(repr(result)) > LARGEST:
        raise Unfit
    return result


def _check_product(left: Any, right: Any) -> None:
    for number, other in ((left, right), (right, left)):
        if isinstance(number, int) and isinstance(other, (str, list, tuple)) and number * (len(other) or 1) > LARGEST:
            raise Unfit


def _set(items: list[Any]) -> set[Any]:
    made = set(items)
    if len(made) < len({runtime.canon(item) for item in items}):
        raise Unfit  # 1, True and 1.0 are equal, and which of them stays depends on the order
    return made


_constants: dict[str, Any] = {}


def _constant(text: str) -> Any:
    if text not in _constants:
        _constants[text] = eval(text, vars(runtime))
    return _constants[text]
