"""Drawing the constructs of the language that reach beyond plain calls, and the options of tasks and of calls."""

from __future__ import annotations

from typing import Any

from truth_options import RETRY_AT_ONCE, Options
from truth_programs import Node, Parameter, TaskDef

CACHE_OPTIONS: list[Options] = [
    (("cache", False),),
    (("cache", True),),
    (("cache_scope", "CSE"),),
    (("cache_scope", "NONE"),),
    (("check_valid", "shallow"),),
    (("check_valid", "full"),),
]
RETRIES: list[Options] = [
    (("max_retries", 1), RETRY_AT_ONCE),
    (("max_retries", 2), RETRY_AT_ONCE),
    (("max_retries", 2), RETRY_AT_ONCE, ("retry_on", "Refused")),
    (("max_retries", 1), RETRY_AT_ONCE, ("retry_on", "Denied")),
]
MANY_RETRIES: list[Options] = [*RETRIES[:3], (("max_retries", 3), RETRY_AT_ONCE)]
OTHER_CALL_OPTIONS: list[Options] = [
    (("context", (("a", 5),)),),
    (("context", (("a", 1), ("m", (("k", 7),)))),),
    (("context", (("m", (("k", 0),)),)),),
    (("export", (("cache_scope", "NONE"),)),),
    (("export", (("check_valid", "shallow"),)),),
    (("export", (("max_retries", 2), RETRY_AT_ONCE)),),
    (("prov", False),),
]
EXPORTS_OF_CACHE: list[Options] = [(("export", (("cache", False),)),), (("export", (("cache", True),)),)]
CALL_OPTIONS = [*CACHE_OPTIONS, *OTHER_CALL_OPTIONS, *EXPORTS_OF_CACHE, *RETRIES]
SHALLOW: Options = (("cache", True), ("check_valid", "shallow"))
TASK_OPTIONS: list[Options] = [
    (),
    (),
    (),
    *CACHE_OPTIONS,
    *[SHALLOW] * 4,
    *RETRIES,
    (*SHALLOW, *RETRIES[0]),
    (("prov", False),),
    *(option for option in OTHER_CALL_OPTIONS if option[0][0] == "export"),
    *EXPORTS_OF_CACHE,
]
ASYNC_CALL_OPTIONS = [
    (("cache", False),),
    (("cache_scope", "NONE"),),
    (("check_valid", "shallow"),),
    *OTHER_CALL_OPTIONS,
    *RETRIES,
]
ASYNC_TASK_OPTIONS: list[Options] = [
    (("cache", False),),
    (("cache_scope", "NONE"),),
    *[SHALLOW] * 3,
    (("cache", False), *RETRIES[0]),
    (*SHALLOW, *RETRIES[1]),
]
TRYING_TASK_OPTIONS: list[Options] = [
    (*options, *retries)
    for options in ((("cache", False),), (("cache_scope", "NONE"),), SHALLOW)
    for retries in MANY_RETRIES
]
CONTEXTS: list[Options] = [(), (("a", 1),), (("a", 2),), (("a", 1), ("m", (("k", 3),))), (("m", (("k", 3),)),)]
PATHS = ["a", "a", "m.k", "missing"]
RECOVERIES = ("error", "gathered")


class Constructs:
    """A part of `Grower`."""

    draw: Any
    tasks: list[TaskDef]
    parameters: tuple[Parameter, ...]
    sub_runs: int

    # -- tasks as values ----------------------------------------------------------------------------------------------

    def callable_tasks(self, kind: str) -> list[TaskDef]:
        ordinary = [task for task in self.tasks if task.takes not in RECOVERIES]
        return [task for task in ordinary if kind in (task.result, "any")]

    def functions(self) -> list[TaskDef]:
        """Tasks that can be called with one number."""
        return [
            task
            for task in self.callable_tasks("num")
            if task.takes == "num" and task.base is None and all(p.default for p in task.parameters[1:])
        ]

    def function(self) -> Node:
        """A task, perhaps with arguments, that can be called with one number."""
        given = [Node("arg", p.name) for p in self.parameters if p.type == "fn"]
        if self.happens(2):
            partial = self.partial()
            if partial is not None:
                return partial
        functions = self.functions()
        if given and (not functions or self.happens(2)):
            return given[0]
        task = self.one_of(functions)
        return Node("task", (task.number, self.call_options(task) if self.happens(6) else ()))

    def has_function(self) -> bool:
        return bool(self.functions()) or any(p.type == "fn" for p in self.parameters)

    def grow_apply(self) -> Node:
        raise NotImplementedError

    def partial(self) -> Node | None:
        """A task that has all arguments but a number."""
        found = [task for task in self.callable_tasks("num") if _free_parameter(task) is not None]
        if not found:
            return None
        task = self.one_of(found)
        free = _free_parameter(task)
        names: list[str] = []
        parts: list[Node] = []
        for index, parameter in enumerate(task.parameters):
            if index == free or (parameter.default is not None and not self.happens(4)):
                continue
            if index != len(parts):
                names.append(parameter.name)
            is_count = task.base is not None and index == 0
            parts.append(Node("const", self.one_of(["0", "1", "2"])) if is_count else self.bound(parameter.type))
        options = self.call_options(task) if self.happens(6) else ()
        return Node("partial", (task.number, tuple(names), options), tuple(parts))

    def bound(self, kind: str) -> Node:
        """An argument of a partial task: mostly one that is still to be evaluated."""
        return self.grown(kind) if kind != "fn" and not self.happens(3) else self.expression(kind)

    def call(self, task: TaskDef) -> Node | None:
        raise NotImplementedError

    def call_options(self, task: TaskDef) -> Options:
        options: Options = self.one_of(ASYNC_CALL_OPTIONS if task.is_async else CALL_OPTIONS)
        return options

    # -- nodes --------------------------------------------------------------------------------------------------------

    def grow_beyond(self, kind: str) -> Node | None:
        ways = {"catch_all": 4, "no_prov": 2, "context": 2, "higher": 4, "subrun": self.sub_runs}
        way = self.one_of([way for way, weight in ways.items() for _ in range(weight)])
        made: Node | None = getattr(self, f"grow_{way}")(kind)
        return made

    def grow_catch_all(self, kind: str) -> Node | None:
        recoveries = [task for task in self.tasks if task.takes == "gathered"]
        fitting = [task for task in recoveries if task.result == kind]
        data = None
        if recoveries and not self.happens(5):
            names = None if self.happens(2) else ("Exception",) if self.happens(2) else (self.one_of(ERRORS),)
            data = (names, self.one_of(fitting or recoveries).number)
        part = self.terms() if self.happens(2) or kind in ("any", "list") else self.expression(kind)
        return Node("catch_all", data, (part,))

    def terms(self) -> Node:
        """Some expressions, of which some may fail."""
        parts = [self.failing("num") if self.happens(2) else self.grown("num") for _ in range(self.draw_int(1, 3))]
        if self.happens(6):
            keys = [Node("const", text) for text in ("'a'", "'b'", "'c'")]
            return Node("dict", None, tuple(node for pair in zip(keys, parts, strict=False) for node in pair))
        return Node(self.one_of(["list", "list", "tuple", "set"]), None, tuple(parts))

    def refusing(self) -> list[TaskDef]:
        """Tasks that refuse at first and are not tried again by themselves, and those that return their calls."""
        found: list[TaskDef] = []
        for task in self.callable_tasks("any"):
            numbers = {each.number for each in found}
            calls = any(node.kind == "call" and node.data[0] in numbers for node in task.body.walk())
            if "max_retries" not in dict(task.options) and (task.refusals or calls):
                found.append(task)
        return found

    def grow_fallible(self) -> tuple[str, Node]:
        """Something that fails at first, or may, with its type. Mostly a call."""
        refusing = [task for task in self.refusing() for _ in range(1 if task.refusals else 3)]
        others = [task for task in self.callable_tasks("any") if task.guard is not None or task.is_async]
        found = refusing if refusing and not (others and self.happens(3)) else others
        task = self.one_of(found) if found else None
        made = self.call(task) if task is not None else None
        if task is None or made is None:
            return "num", self.failing("num")
        way = self.one_of(
            ["alone"] * 4 + ["list", "seq", "catch", "catch_all", "no_prov"] + ["subrun"] * (self.sub_runs > 0)
        )
        if way in ("no_prov", "subrun"):
            return task.result, Node(way, None, (made,))
        if way in ("list", "seq", "catch_all"):
            parts = (made, self.expression("num")) if self.happens(2) else (self.expression("num"), made)
            whole = Node("seq" if way == "seq" else "list", None, parts)
            return "list", Node("catch_all", None, (whole,)) if way == "catch_all" else whole
        recoveries = [task for task in self.tasks if task.takes == "error"]
        if way == "catch" and recoveries:
            return task.result, Node("catch", ((("Exception",), self.one_of(recoveries).number),), (made,))
        return task.result, made

    def grow_no_prov(self, kind: str) -> Node:
        return Node("no_prov", None, (self.grown(kind),))

    def grow_subrun(self, kind: str) -> Node:
        return Node("subrun", None, (self.grown(kind),))

    def grow_higher(self, kind: str) -> Node | None:
        """A call of a value, of one for each item, or the value itself."""
        if kind not in ("num", "list", "any") or not self.has_function():
            return None
        if kind == "list":
            return Node("map", None, (self.function(), self.expression("list")))
        return self.grow_apply() if kind == "num" or self.happens(2) else self.function()

    def grow_context(self, kind: str) -> Node | None:
        return self.context() if kind in ("num", "any") else None

    def context(self) -> Node:
        return Node("context", self.one_of(PATHS), (Node("const", self.one_of(["0", "1", "3"])),))

    # -- what the rest of `Grower` does -------------------------------------------------------------------------------

    def one_of(self, items: Any) -> Any:
        raise NotImplementedError

    def happens(self, one_in: int) -> bool:
        raise NotImplementedError

    def draw_int(self, least: int, most: int) -> int:
        raise NotImplementedError

    def expression(self, kind: str) -> Node:
        raise NotImplementedError

    def grown(self, kind: str) -> Node:
        raise NotImplementedError

    def failing(self, kind: str) -> Node:
        raise NotImplementedError


ERRORS = ["Refused", "Denied", "ZeroDivisionError", "TypeError", "KeyError", "IndexError", "AttributeError"]


def _free_parameter(task: TaskDef) -> int | None:
    """Which parameter of a task is left, when all others are given: the first positional one, or the last one."""
    needed = [index for index, parameter in enumerate(task.parameters) if parameter.default is None]
    if any(parameter.type == "fn" for parameter in task.parameters):
        return None
    for index in needed[-1:] if len(needed) != 2 or task.base is not None else needed[:1]:
        if task.parameters[index].type == "num" and not (task.base is not None and index == 0):
            return index
    return None
