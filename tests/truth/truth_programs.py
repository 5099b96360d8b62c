"""Generated programs as data. `truth_source` writes them as Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from truth_options import Options

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
    - `task` (data: number, options): a task as a value; `partial` (data: as for `call`): one with arguments;
      `apply`: a call of a value (first part);
    - `cond`, `seq`, `map`; `catch` (data: for each recovery the names of the classes and the number of the task);
    - `catch_all` (data: names of classes, None for any, and the number of the task; or None for no recovery);
    - `throw` (data: class and message); `unpack`: the items of a call whose task declares how many there are;
    - `context` (data: path; part: default); `no_prov`, `subrun`.
    """

    kind: str
    data: Any = None
    parts: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.parts)


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: Node | None = None


@dataclass(frozen=True)
class TaskDef:
    """A task. It calls tasks with smaller numbers, and itself if it has a `base`.

    base: what it returns when its first parameter `n` has come to 0.
    guard: a condition, an error class and a message: the body raises.
    lets: local variables, each an expression that later ones and the result may use more than once.
    awaits: those of them that an async task awaits; None for a task that is not async.
    refusals: how many times it raises in each run before it does anything.
    title: the name of a task of redun itself.
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
    awaits: frozenset[int] | None = None
    refusals: int = 0
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or f"t{self.number}"

    @property
    def is_async(self) -> bool:
        return self.awaits is not None

    def has_awaited(self, variable: int) -> bool:
        return self.awaits is not None and variable in self.awaits

    @property
    def takes(self) -> str:
        """What it is for, by the type of its first parameter: `error` and `gathered` are for recovering."""
        return self.parameters[0].type if self.parameters else ""

    def nodes(self) -> Iterator[Node]:
        """What the body evaluates itself, in the order in which Python does."""
        yield from (*((self.guard[0],) if self.guard else ()), *self.lets, self.body)

    @cached_property
    def function(self) -> str:
        """The source text from `def` on."""
        from truth_source import function_source

        return function_source(self)

    @cached_property
    def hash_id(self) -> tuple[str, str]:
        """What the task's hash depends on, beside its name."""
        return ("version", self.version) if self.version is not None else ("source", self.function)


NO_PROV = TaskDef(-1, "any", (), Node("const", "None"), options=(("check_valid", "shallow"),), title="redun.no_prov")
SUBRUN = replace(NO_PROV, title="redun.subrun")


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
        from truth_source import program_source

        return program_source(self)

    def uses(self, *kinds: str) -> bool:
        """Whether there is a node of one of these kinds anywhere."""
        return any(node.kind in kinds for node in self._all_nodes())

    def _all_nodes(self) -> Iterator[Node]:
        yield from self.root.walk()
        for task in self.tasks:
            base = [task.base] if task.base is not None else []
            for node in (*task.nodes(), *(p.default for p in task.parameters if p.default), *base):
                yield from node.walk()

    def with_task(self, task: TaskDef) -> Program:
        tasks = tuple(task if old.number == task.number else old for old in self.tasks)
        return replace(self, tasks=tasks)


CALLS = frozenset({"call", "again", "apply", "map", "throw"})
CONTROL = frozenset({"cond", "seq", "catch", "catch_all", "context", "no_prov", "subrun"})


def is_lazy(node: Node, task: TaskDef | None) -> bool:
    """Whether Python gets an expression here, rather than a value or a container."""
    if node.kind == "var":
        assert task is not None
        return not task.has_awaited(node.data) and is_lazy(task.lets[node.data], task)
    return node.kind == "op" or node.kind in CALLS or node.kind in CONTROL


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
    return node.parts[0].kind in ("arg", "task", "partial")
