"""Generated programs as data, and as the Python source that the engine and its workers import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

NAMESPACE = "truth"

HEADER = """\
from redun import catch, cond, task, throw
from redun.functools import map_, seq
from truth_runtime import Denied, Pair, Point, Refused, lazy, note

redun_namespace = "truth"
"""

INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "and": "&",
    "or": "|",
}
REFLECTED = frozenset({"add", "sub", "mul", "truediv", "and", "or"})
"""Operators that say the same whichever side is lazy. A comparison would be turned round, and its message with it."""


@dataclass(frozen=True)
class Node:
    """A part of a body.

    kind: one of

    - `const` (data: source text), `arg` (data: name), `var` (data: number of a local variable of the body);
    - `now`: an operation that the body does itself, on parts that are `now`, `const` or `arg`;
    - `op`: a lazy operation (data: name; for `getattr` also the attribute);
    - `list`, `tuple`, `set`, `dict` (keys and values in turn), `Pair`, `Point`: displays;
    - `call` (data: number of the task, names of the keyword arguments, options), `again`: the task calls itself;
    - `task` (data: number, options): a task as a value; `apply`: a call of a value (first part);
    - `cond`, `seq`, `map`; `catch` (data: for each recovery the names of the classes and the number of the task);
    - `throw` (data: class and message); `unpack`: the items of a call whose task declares how many there are.
    """

    kind: str
    data: Any = None
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: Node | None = None


Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class TaskDef:
    """A task. It calls tasks with smaller numbers, and itself if it has a `base`.

    base: what it returns when its first parameter `n` has come to 0.
    guard: a condition, an error class and a message: the body raises.
    lets: local variables, each an expression that later ones and the result may use more than once.
    """

    number: int
    result: str
    parameters: tuple[Parameter, ...]
    body: Node
    lets: tuple[Node, ...] = ()
    base: Node | None = None
    guard: tuple[Node, str, str] | None = None
    options: Options = ()
    version: str | None = None
    salt: int = 0

    @property
    def name(self) -> str:
        return f"t{self.number}"

    def nodes(self) -> Iterator[Node]:
        """What the body evaluates itself, in the order in which Python does."""
        yield from (*((self.guard[0],) if self.guard else ()), *self.lets, self.body)

    def function(self) -> str:
        """The source text from `def` on."""
        lines = [f"def {self.name}({', '.join(map(_parameter, self.parameters))}):"]
        if self.salt:
            lines.append(f"    # edit {self.salt}")
        lines.append(f"    note({', '.join([repr(self.name), *(p.name for p in self.parameters)])})")
        if self.base is not None:
            lines += ["    if n <= 0:", f"        return {_source(self.base, self)}"]
        if self.guard is not None:
            condition, error, message = self.guard
            lines += [f"    if {_source(condition, self)}:", f"        raise {error}({message!r})"]
        lines += [f"    v{index} = {_source(node, self)}" for index, node in enumerate(self.lets)]
        lines.append(f"    return {_source(self.body, self)}")
        return "\n".join(lines) + "\n"

    def hash_id(self) -> tuple[str, str]:
        """What the task's hash depends on, beside its name."""
        return ("version", self.version) if self.version is not None else ("source", self.function())

    def source(self) -> str:
        options = dict(self.options)
        if self.version is not None:
            options["version"] = self.version
        return f"@task({_keywords(options.items())})\n{self.function()}"


@dataclass(frozen=True, repr=False)
class Program:
    tasks: tuple[TaskDef, ...]
    root: Node

    def __repr__(self) -> str:
        return "\n" + self.source()

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """How hypothesis shows it."""
        printer.text(repr(self))

    def source(self) -> str:
        root = f"def root():\n    return {_source(self.root, None)}\n"
        return "\n\n".join([HEADER, *(task.source() for task in self.tasks), root])

    def uses(self, kind: str) -> bool:
        """Whether there is a node of some kind anywhere."""
        return any(node.kind == kind for node in self._all_nodes())

    def _all_nodes(self) -> Iterator[Node]:
        stack = [self.root]
        for task in self.tasks:
            stack += [*task.nodes(), *(p.default for p in task.parameters if p.default)]
            stack += [task.base] if task.base is not None else []
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.parts)

    def with_task(self, task: TaskDef) -> Program:
        tasks = tuple(task if old.number == task.number else old for old in self.tasks)
        return replace(self, tasks=tasks)


def is_lazy(node: Node, task: TaskDef | None) -> bool:
    """Whether Python gets an expression here, rather than a value or a container."""
    if node.kind == "var":
        assert task is not None
        return is_lazy(task.lets[node.data], task)
    return node.kind in {"op", "call", "again", "apply", "cond", "seq", "map", "catch", "throw"}


def wraps(node: Node, position: int, task: TaskDef | None) -> bool:
    """Whether a part is given as `lazy(part)`, because Python would otherwise compute with it at once."""
    part = node.parts[position]
    if is_lazy(part, task):
        return False
    if node.kind == "op":
        others = [is_lazy(other, task) for other in node.parts[1:]]
        return position == 0 and not (node.data[0] in REFLECTED and others[0])
    if node.kind == "set" or (node.kind == "dict" and position % 2 == 0):
        return part.kind != "const" or part.data[0] not in "'-0123TF"
    return node.kind == "apply" and position == 0 and not is_eager_apply(node)


def is_eager_apply(node: Node) -> bool:
    """Whether what is called is a task by the time the body runs."""
    return node.parts[0].kind in ("arg", "task")


def _parameter(parameter: Parameter) -> str:
    return parameter.name if parameter.default is None else f"{parameter.name}={_source(parameter.default, None)}"


def _keywords(options: Any) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options)


def _task(number: int, options: Options) -> str:
    return f"t{number}.options({_keywords(options)})" if options else f"t{number}"


def _now(operation: str, parts: list[str]) -> str:
    if operation == "getitem":
        return f"{parts[0]}[{parts[1]}]"
    if operation in INFIX:
        return f"({parts[0]} {INFIX[operation]} {parts[1]})"
    return f"{operation}({parts[0]})"


def _source(node: Node, task: TaskDef | None) -> str:
    """A node as an expression of Python."""
    kind, data = node.kind, node.data
    if kind in ("const", "arg"):
        return str(data)
    if kind == "var":
        return f"v{data}"
    if kind == "task":
        return _task(*data)
    if kind == "throw":
        return f"throw({data[0]}({data[1]!r}))"
    texts = [_source(part, task) for part in node.parts]
    parts = [f"lazy({text})" if wraps(node, position, task) else text for position, text in enumerate(texts)]
    joined = ", ".join(parts)
    if kind == "now":
        return _now(data, parts)
    if kind == "op":
        return f"{parts[0]}.{data[1]}" if data[0] == "getattr" else _now(data[0], parts)
    if kind == "call":
        number, names, options = data
        count = len(parts) - len(names)
        given = [*parts[:count], *(f"{name}={part}" for name, part in zip(names, parts[count:], strict=True))]
        return f"{_task(number, options)}({', '.join(given)})"
    if kind == "again":
        assert task is not None
        return f"{task.name}({', '.join(['n - 1', *parts])})"
    if kind == "catch":
        pairs = [f"{_classes(names)}, t{number}" for names, number in data]
        return f"catch({', '.join([joined, *pairs])})"
    return _display(kind, parts, joined)


def _display(kind: str, parts: list[str], joined: str) -> str:
    if kind == "apply":
        return f"{parts[0]}({', '.join(parts[1:])})"
    if kind == "seq":
        return f"seq([{joined}])"
    if kind == "unpack":
        return f"list({joined})"
    if kind == "list":
        return f"[{joined}]"
    if kind == "tuple":
        return f"({joined},)" if parts else "()"
    if kind == "set":
        return f"{{{joined}}}" if parts else "set()"
    if kind == "dict":
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
    return f"{'map_' if kind == 'map' else kind}({joined})"


def _classes(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
