"""Drawing programs, and edits of them. What is drawn is mostly well typed, so that much of it comes to a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from truth_constructs import ERRORS, Constructs
from truth_programs import Node, Parameter, TaskDef

TYPES = ("num", "num", "num", "num", "num", "text", "list", "list", "pair", "point", "map", "set", "any")
CONSTANTS = {
    "num": ["0", "1", "2", "3", "-1", "True", "False", "1.0", "0.5"],
    "text": ["''", "'a'", "'b'", "'line\\nline'"],
    "list": ["[]", "[1]", "[1, 2]", "[2, True, 1.0]"],
    "pair": ["Pair(1, 2)", "Pair([1], 'a')"],
    "point": ["Point(1, 2)", "Point(0, (1,))"],
    "map": ["{}", "{'a': 1}", "{'b': 2, 'a': 1}"],
    "set": ["set()", "{1, 2}", "frozenset({3})"],
    "gathered": ["[]"],
    "any": ["None", "(None, [1, {'a': (1, 2)}])", "Pair(Point(1, {2}), [None])", "()", "b'x'"],
}


@dataclass
class Grower(Constructs):
    """Grows the expressions of one body.

    tasks: those that it may call. parameters, lets: what it may refer to, with types. fuel: how many nodes at most.
    sub_runs: how likely sub-runs are, which cost far more than anything else.
    """

    draw: Any
    tasks: list[TaskDef]
    parameters: tuple[Parameter, ...] = ()
    again: TaskDef | None = None
    fuel: int = 15
    sub_runs: int = 0

    def __post_init__(self) -> None:
        self.lets: list[tuple[str, Node]] = []

    # -- choices ------------------------------------------------------------------------------------------------------

    def one_of(self, items: Any) -> Any:
        return self.draw(st.sampled_from(items))

    def happens(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == one_in - 1)

    def draw_int(self, least: int, most: int) -> int:
        return int(self.draw(st.integers(least, most)))

    def expression(self, kind: str) -> Node:
        """An expression of a type; seldom of another one."""
        self.fuel -= 1
        if kind == "fn":
            return self.function()
        if self.happens(40):
            kind = self.one_of(TYPES)
        if self.fuel <= 0:
            return self.leaf(kind)
        ways = [
            "leaf",
            *["call"] * 5,
            "cond",
            "catch",
            "catch",
            "operation",
            "operation",
            "display",
            "display",
            "now",
            "beyond",
        ]
        way = self.one_of(ways)
        made = getattr(self, f"grow_{way}")(kind) if way != "leaf" else None
        return made if made is not None else self.leaf(kind)

    def grown(self, kind: str) -> Node:
        """An expression of a type that calls something, if anything can be called."""
        self.fuel -= 1
        if self.fuel <= 0:
            return self.grow_call(kind) or self.leaf(kind)
        way = self.one_of(["call", "call", "call", "operation", "cond", "catch", "display", "beyond"])
        return getattr(self, f"grow_{way}")(kind) or self.grow_call(kind) or self.expression(kind)

    def several(self, kind: str, least: int, most: int) -> tuple[Node, ...]:
        return tuple(self.expression(kind) for _ in range(self.draw(st.integers(least, most))))

    def leaf(self, kind: str) -> Node:
        found = [Node("arg", p.name) for p in self.parameters if kind == p.type or (kind == "any" and p.type != "fn")]
        found += [Node("var", index) for index, (let, _) in enumerate(self.lets) if let == kind]
        if found and self.happens(4):
            return Node("const", self.one_of(CONSTANTS[kind]))
        return self.one_of(found) if found else Node("const", self.one_of(CONSTANTS[kind]))

    # -- calls --------------------------------------------------------------------------------------------------------

    def grow_call(self, kind: str) -> Node | None:
        if self.again is not None and self.again.result == kind and self.happens(2):
            rest = [p for p in self.again.parameters[1:] if p.default is None]
            return Node("again", None, tuple(self.expression(p.type) for p in rest))
        if kind == "num" and self.has_function() and self.happens(4):
            return self.grow_apply()
        found = self.callable_tasks(kind)
        if kind == "list" and self.has_function() and (not found or self.happens(3)):
            return Node("map", None, (self.function(), self.expression("list")))
        return self.call(self.one_of(found)) if found else None

    def call(self, task: TaskDef) -> Node | None:
        if any(p.type == "fn" for p in task.parameters) and not self.has_function():
            return None
        names: list[str] = []
        parts: list[Node] = []
        for index, parameter in enumerate(task.parameters):
            if task.base is not None and index == 0:
                parts.append(Node("const", self.one_of(["0", "1", "2", "3"])))
                continue
            if parameter.default is not None and self.happens(2):
                continue
            if names or len(parts) < index or self.happens(4):
                names.append(parameter.name)
            parts.append(self.expression(parameter.type))
        options = self.call_options(task) if self.happens(5) else ()
        return Node("call", (task.number, tuple(names), options), tuple(parts))

    def grow_apply(self) -> Node:
        function = self.function()
        if self.happens(2):
            function = Node("cond", None, (self.expression("num"), function, self.function()))
        return Node("apply", None, (function, self.expression("num")))

    # -- control ------------------------------------------------------------------------------------------------------

    def grow_cond(self, kind: str) -> Node:
        parts = [self.expression("num"), self.expression(kind)]
        if self.happens(4):
            parts += [self.expression("num"), self.expression(kind)]
        if not self.happens(10):
            parts.append(self.expression(kind))
        return Node("cond", None, tuple(parts))

    def grow_catch(self, kind: str) -> Node | None:
        recoveries = [t for t in self.tasks if t.takes == "error" and t.result == kind]
        if not recoveries:
            recoveries = [t for t in self.tasks if t.takes == "error"]
        if not recoveries:
            return None
        pairs = []
        for _ in range(1 + self.happens(3)):
            names = (
                ("Exception",) if self.happens(2) else tuple(self.one_of(ERRORS) for _ in range(1 + self.happens(4)))
            )
            pairs.append((names, self.one_of(recoveries).number))
        return Node("catch", tuple(pairs), (self.failing(kind) if self.happens(2) else self.expression(kind),))

    def failing(self, kind: str) -> Node:
        """Something that fails, or may."""
        way = self.one_of(["throw", "divide", "index", "attribute", "task"])
        if way == "divide":
            return Node("op", ("truediv",), (self.expression("num"), Node("const", "0")))
        if way == "index":
            return Node("op", ("getitem",), (self.expression("list"), Node("const", "7")))
        if way == "attribute":
            return Node("op", ("getattr", "missing"), (self.expression("num"),))
        refusing = [t for t in self.callable_tasks("any") if t.guard is not None or t.refusals]
        made = self.call(self.one_of(refusing)) if refusing and way == "task" else None
        return made or Node("throw", (self.one_of(ERRORS[:4]), self.one_of(["", "no", "never"])))

    # -- operators and displays ---------------------------------------------------------------------------------------

    def grow_operation(self, kind: str) -> Node | None:
        if kind == "num":
            name = self.one_of(
                ["add", "sub", "mul", "truediv", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "item"]
            )
            if name == "item":
                return self.item()
            return Node("op", (name,), (self.expression("num"), self.expression("num")))
        if kind in ("text", "list"):
            name = self.one_of(["add", "mul", "or", "and"])
            right = "num" if name == "mul" else kind
            return Node("op", (name,), (self.expression(kind), self.expression(right)))
        return None

    def item(self) -> Node:
        way = self.one_of(["list", "map", "pair", "point"])
        if way in ("pair", "point"):
            return Node("op", ("getattr", {"pair": "left", "point": "x"}[way]), (self.expression(way),))
        key = (
            Node("const", self.one_of(["0", "1", "-1"]))
            if way == "list"
            else Node("const", self.one_of(["'a'", "'b'"]))
        )
        whole = self.sequence() if way == "list" and self.happens(2) else self.expression(way)
        return Node("op", ("getitem",), (whole, self.expression("num") if self.happens(6) else key))

    def sequence(self) -> Node:
        first = self.failing("num") if self.happens(4) else self.grown("num")
        return Node("seq", None, (first, *self.several("num", 1, 2)))

    def grow_display(self, kind: str) -> Node | None:
        if kind == "list":
            unpacked = [t for t in self.tasks if "nout" in dict(t.options)]
            call = self.call(self.one_of(unpacked)) if unpacked and self.happens(2) else None
            if call is not None:
                return Node("unpack", None, (call,))
            if self.happens(2):
                return self.sequence()
            return Node("list", None, self.several("num", 0, 3))
        if kind in ("pair", "point"):
            return Node(kind.capitalize(), None, (self.expression("num"), self.expression("any")))
        if kind == "map":
            key = self.expression("text") if self.happens(4) else Node("const", "'a'")
            if key.kind == "const":
                key = Node("const", "'a'")  # of two equal keys Python drops the first at once
            return Node("dict", None, (key, self.expression("num"), Node("const", "'b'"), self.expression("num")))
        if kind == "set":
            return Node("set", None, self.several("num" if not self.happens(6) else "list", 1, 3))
        if kind == "any":
            if self.happens(3) and self.functions():
                return Node(self.one_of(["list", "tuple"]), None, (self.function(), self.expression("any")))
            parts = tuple(self.expression(self.one_of(TYPES)) for _ in range(self.draw(st.integers(0, 3))))
            return Node(self.one_of(["list", "tuple"]), None, parts)
        return None

    def grow_now(self, kind: str) -> Node | None:
        """Something that the body computes itself."""
        if not self.parameters:
            return None
        if kind == "num":
            lists = [Node("arg", p.name) for p in self.parameters if p.type == "list"]
            if lists and self.happens(2):
                return Node("now", self.one_of(["len", "sum"]), (self.one_of(lists),))
            name = self.one_of(["add", "sub", "mul", "floordiv", "mod", "lt", "eq"])
            return Node("now", name, (self.plain("num"), self.plain("num")))
        if kind == "text":
            found = [Node("arg", p.name) for p in self.parameters if p.type in ("error", "num", "text")]
            return Node("now", "str", (self.one_of(found),)) if found else None
        return None

    def plain(self, kind: str) -> Node:
        found = [Node("arg", p.name) for p in self.parameters if p.type == kind]
        return self.one_of(found) if found and not self.happens(3) else Node("const", self.one_of(CONSTANTS[kind]))
