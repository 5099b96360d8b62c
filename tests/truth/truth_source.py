"""Generated programs as the Python source that the engine and its workers import."""

from __future__ import annotations

from typing import Any

from truth_options import Options, as_dict
from truth_programs import Node, Parameter, Program, TaskDef, is_lazy, wraps

HEADER = """\
from redun import catch, cond, get_context, task, throw
from redun.functools import map_, no_prov, seq
from redun.scheduler import catch_all, subrun
from truth_runtime import Denied, Pair, Point, Refused, lazy, note, refuse_at_first

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


def program_source(program: Program) -> str:
    root = f"def root():\n    return {_source(program.root, None)}\n"
    return "\n\n".join([HEADER, *(_task_source(task) for task in program.tasks), root])


def _task_source(task: TaskDef) -> str:
    options = task.options if task.version is None else (*task.options, ("version", task.version))
    if task.is_async:
        options = (*options, ("executor", "loop"))
    return f"@task({_declared(options)})\n{task.function}"


def function_source(task: TaskDef) -> str:
    """A task from `def` on."""
    prefix = "async " if task.is_async else ""
    lines = [f"{prefix}def {task.name}({', '.join(map(_parameter, task.parameters))}):"]
    if task.salt:
        lines.append(f"    # edit {task.salt}")
    call = ", ".join([repr(task.name), *(p.name for p in task.parameters)])
    lines.append(f"    note({call})")
    if task.refusals:
        lines.append(f"    refuse_at_first({task.refusals}, {call})")
    if task.base is not None:
        lines += ["    if n <= 0:", f"        return {_source(task.base, task)}"]
    if task.guard is not None:
        condition, error, message = task.guard
        lines += [f"    if {_source(condition, task)}:", f"        raise {error}({message!r})"]
    lines += [f"    v{index} = {_let(node, index, task)}" for index, node in enumerate(task.lets)]
    lines.append(f"    return {_source(task.body, task)}")
    return "\n".join(lines) + "\n"


def _let(node: Node, index: int, task: TaskDef) -> str:
    text = _source(node, task)
    if not task.has_awaited(index):
        return text
    return f"await {text}" if is_lazy(node, task) else f"await lazy({text})"


def _parameter(parameter: Parameter) -> str:
    return parameter.name if parameter.default is None else f"{parameter.name}={_source(parameter.default, None)}"


# -- options -----------------------------------------------------------------------------------------------------------


def _declared(options: Options) -> str:
    return ", ".join(
        f"export_options=dict({_keywords(value)})" if name == "export" else _keyword(name, value)
        for name, value in options
    )


def _keywords(options: Options) -> str:
    return ", ".join(_keyword(name, value) for name, value in options)


def _keyword(name: str, value: Any) -> str:
    return f"{name}={value}" if name == "retry_on" else f"{name}={value!r}"


def _task(number: int, options: Options) -> str:
    """A task with options for the call."""
    text = f"t{number}"
    plain = tuple(option for option in options if option[0] not in ("context", "export"))
    if plain:
        text += f".options({_keywords(plain)})"
    for name, value in options:
        if name == "context":
            text += f".update_context({as_dict(value)!r})"
        elif name == "export":
            text += f".export_options({_keywords(value)})"
    return text


# -- nodes -------------------------------------------------------------------------------------------------------------


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
    if kind in ("call", "partial"):
        number, names, options = data
        count = len(parts) - len(names)
        given = [*parts[:count], *(f"{name}={part}" for name, part in zip(names, parts[count:], strict=True))]
        return f"{_task(number, options)}{'.partial' if kind == 'partial' else ''}({', '.join(given)})"
    if kind == "again":
        assert task is not None
        return f"{task.name}({', '.join(['n - 1', *parts])})"
    return _built_in(kind, data, joined) or _display(kind, parts, joined)


def _built_in(kind: str, data: Any, joined: str) -> str | None:
    if kind == "catch":
        pairs = [f"{_classes(names)}, t{number}" for names, number in data]
        return f"catch({', '.join([joined, *pairs])})"
    if kind == "catch_all":
        if data is None:
            return f"catch_all({joined})"
        names, number = data
        return f"catch_all({joined}, {_classes(names) if names else None}, t{number})"
    if kind == "context":
        return f"get_context({data!r}, {joined})"
    if kind == "subrun":
        return f"subrun({joined}, executor='sub', load_modules=[__name__])"
    return None


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
