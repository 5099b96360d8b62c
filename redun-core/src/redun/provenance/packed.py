"""Stored expressions made readable: the calls in them, with stubs for tasks and for values of unknown classes."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from redun.backends.records import StoredValue
from redun.expression_graph import graph_parts
from redun.provenance.preview import Stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SEQUENCES: dict[str, Callable[[Any], Any]] = {"l": list, "t": tuple, "s": tuple, "f": tuple, "V": list, "Q": list}


def opened(data: bytes, decode: Callable[[StoredValue], Any]) -> Any:
    """What was stored with expressions in it. Nothing of anybody's class is run.

    decode: makes something to show of a stored value.

    Raises InvalidValueError or what else comes of damaged data.
    """
    _, parts = graph_parts(data)
    values = iter([decode(StoredValue(*part)) for part in parts])
    root, nodes = marshal.loads(marshal.loads(data)[0])
    built: list[Any] = []
    for node in nodes:
        built.append(node if node.__class__ is not tuple else _built(node, nodes, built, values))
    return built[root]


def _built(node: tuple[Any, ...], nodes: list[Any], built: list[Any], values: Iterator[Any]) -> Any:
    kind = node[0]
    if kind.__class__ is int:
        return _call(nodes[kind], [built[index] for index in node[1:]])
    if kind == "v":
        return next(values)
    if kind in ("T", "S", "O"):
        return None
    if kind in ("n", "c"):
        next(values)  # its class
        return [built[index] for index in (node[2:] if kind == "n" else node[4:])]
    parts = [built[index] for index in node[1:]]
    if kind == "d":
        half = len(parts) // 2
        return {key if key.__hash__ else repr(key): item for key, item in zip(parts[:half], parts[half:], strict=True)}
    return _SEQUENCES[kind](parts)


def _call(head: tuple[Any, ...], parts: list[Any]) -> Any:
    name, names = head[1], head[2]
    if head[0] != "O" and head[4]:
        parts.pop()  # its options: there may be secrets among them
    count = len(parts) - len(names)
    return Stub.of(name)(*parts[:count], **dict(zip(names, parts[count:], strict=True)))
