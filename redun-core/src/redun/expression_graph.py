"""Nested values that hold expressions, as one flat list of nodes.

The list is in topological order and hash-consed: equal parts are one node, a node refers to earlier ones by index. That
gives the canonical hash of a graph, its stored form and its pickle, in linear time and without recursion; a shared
expression counts once.

A node that is no tuple is a plain value itself. Otherwise the first item says what it is: an index means a call (of the
head at that index, on the nodes that follow), a letter one of the kinds below.
"""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple

from redun import nested
from redun.errors import InvalidArgumentError, InvalidValueError
from redun.expression import (
    Expression,
    QuotedExpression,
    SchedulerExpression,
    SimpleExpression,
    TaskExpression,
    ValueExpression,
)
from redun.hashing import new_hasher
from redun.task_registry import get_task_registry
from redun.value import EncodedValue, Value, decode, encode, register_codec

CODEC = "expression"

_INLINE = frozenset({int, str, bool, type(None)})
"""Types that are nodes as they are. Not floats: 0.0 and -0.0 are equal as keys, and not equal as values."""

_PLAIN = frozenset({"plain", "graph", "bytes"})
"""Codecs of values that always hold."""

_WITH_BLOB = frozenset({"v", "n", "c"})
"""Kinds of nodes that have a blob: a value, or the class of a named tuple or dataclass."""

_SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "f"}
_SEQUENCE_TYPES = {letter: cls for cls, letter in _SEQUENCES.items()}


class _Flattener:
    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.blobs: list[tuple[str, str, bytes]] = []
        self.children: list[EncodedValue] = []
        self._index_of_node: dict[Any, int] = {}
        self._index_of_object: dict[int, int] = {}
        self._kept: list[Any] = []

    def flatten(self, root: Any) -> int:
        """Append the nodes below `root`, and return its index."""
        done = self._index_of_object
        stack: list[tuple[Any, list[Any] | None]] = [(root, None)]
        entered: set[int] = set()
        while stack:
            item, parts = stack.pop()
            key = id(item)
            if parts is None:
                if key in done or item.__class__ in _INLINE:
                    continue
                parts = self._parts(item)
                if key in entered:
                    raise InvalidValueError(f"a {type(item).__name__} holds itself and an expression")
                if parts:
                    entered.add(key)
                    stack.append((item, parts))
                    stack.extend((part, None) for part in reversed(parts) if part.__class__ not in _INLINE)
                    continue
            try:
                done[key] = self._add(item, [self._find(part) for part in parts])
            except InvalidArgumentError:
                raise
            except InvalidValueError as error:
                where = self._argument_with(root, item)
                if where is None:
                    raise
                raise InvalidArgumentError(f"{where}: {error}") from error
            self._kept.append(item)
        return self._find(root)

    def _find(self, item: Any) -> int:
        if item.__class__ in _INLINE:
            return self._node_index((item.__class__, item), item)
        return self._index_of_object[id(item)]

    def _node_index(self, key: Any, node: Any) -> int:
        index = self._index_of_node.get(key)
        if index is None:
            index = self._index_of_node[key] = len(self.nodes)
            self.nodes.append(node)
        return index

    def _parts(self, item: Any) -> list[Any]:
        """What has to be flattened before this item."""
        if isinstance(item, (TaskExpression, SchedulerExpression)):
            parts = [*item.args, *item.kwargs.values()]
            if item._redun_options:
                parts.append(item._redun_options)
            self._kept.append(parts)
            return parts
        if isinstance(item, SimpleExpression):
            parts = [*item.args, *item.kwargs.values()]
            self._kept.append(parts)
            return parts
        if isinstance(item, ValueExpression):
            return [item.value]
        if isinstance(item, QuotedExpression):
            return [item.expr]
        if nested.is_container(item) and _holds_expressions(item):
            if item.__class__ in (set, frozenset):
                # The order of a set's items is not canonical, so they go by the hash of what they are.
                return sorted(item, key=lambda part: encode_graph(part).hash)
            parts = nested.children(item)
            self._kept.append(parts)
            return parts
        return []

    def _argument_with(self, root: Any, culprit: Any) -> str | None:
        """The argument of a call, somewhere below `root`, in which a value stands; None where it is in no call."""
        stack: list[tuple[Any, str | None]] = [(root, None)]
        seen: set[int] = set()
        while stack:
            item, where = stack.pop()
            if item is culprit:
                return where
            if id(item) not in seen:
                seen.add(id(item))
                labels: list[str | None] = []
                if isinstance(item, (TaskExpression, SchedulerExpression)):
                    labels += _argument_labels(item)
                parts = self._parts(item)
                labels += [where] * (len(parts) - len(labels))
                stack.extend(zip(parts, labels, strict=True))
        return None

    def _add(self, item: Any, indexes: list[int]) -> int:
        node: tuple[Any, ...]
        if isinstance(item, (TaskExpression, SchedulerExpression)):
            letter = "T" if isinstance(item, TaskExpression) else "S"
            exports = item._redun_exports if isinstance(item, TaskExpression) else ()
            has_options = bool(item._redun_options)
            head = (letter, item.task_name, tuple(item.kwargs), exports, has_options, item._length)
            node = (self._node_index(head, head), *indexes)
        elif isinstance(item, SimpleExpression):
            operator = ("O", item.func_name, tuple(item.kwargs))
            node = (self._node_index(operator, operator), *indexes)
        elif isinstance(item, ValueExpression):
            node = ("V", *indexes)
        elif isinstance(item, QuotedExpression):
            node = ("Q", *indexes)
        elif not indexes:
            return self._add_value(item)
        elif item.__class__ in _SEQUENCES:
            node = (_SEQUENCES[item.__class__], *indexes)
        elif item.__class__ is dict:
            node = ("d", *indexes)
        else:
            return self._add_instance(item, indexes)
        return self._node_index(node, node)

    def _add_instance(self, item: Any, indexes: list[int]) -> int:
        """A named tuple or a dataclass: its class is a blob."""
        encoded = encode(item.__class__)
        if isinstance(item, tuple):
            return self._blob_index(("n", encoded.hash, *indexes), encoded)
        init, others = nested.dataclass_parts(item)
        return self._blob_index(("c", encoded.hash, tuple(init), tuple(others), *indexes), encoded)

    def _add_value(self, item: Any) -> int:
        encoded = encode(item)
        if isinstance(item, Value):
            self.children.append(encoded)
        self.children.extend(encoded.children)
        return self._blob_index(("v", encoded.hash), encoded)

    def _blob_index(self, node: tuple[Any, ...], encoded: EncodedValue) -> int:
        """The index of a node that needs a blob to be built; blobs are in the order of these nodes."""
        if node not in self._index_of_node:
            self.blobs.append((encoded.type_name, encoded.codec, encoded.data))
        return self._node_index(node, node)


def _argument_labels(call: TaskExpression[Any] | SchedulerExpression[Any]) -> list[str]:
    """What to call each argument of a call: by its parameter, where the task is known here."""
    task = get_task_registry().get(call.task_name)
    names: list[str] = []
    if task is not None and isinstance(call, TaskExpression):
        parameters = task.signature.parameters.values()
        names = [repr(one.name) for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    count = len(call.args)
    names = [*names[:count], *(str(position) for position in range(len(names) + 1, count + 1))]
    return [f"argument {name} of {call.task_name}" for name in (*names, *map(repr, call.kwargs))]


def _holds_expressions(container: Any) -> bool:
    return any(isinstance(leaf, (Expression, QuotedExpression)) for leaf in nested.iter_leaves(container))


def encode_graph(value: Any) -> EncodedValue:
    """A nested value that holds expressions, as bytes with their canonical hash.

    Raises `InvalidValueError` where a value in it cannot be stored, or where a container holds itself.
    """
    flattener = _Flattener()
    root = flattener.flatten(value)
    structure = marshal.dumps((root, flattener.nodes), 2)
    hasher = new_hasher("expr")
    hasher.update(structure)
    data = marshal.dumps((structure, flattener.blobs), 2)
    return EncodedValue(hasher.digest(), "redun.Expression", CODEC, data, tuple(flattener.children))


def decode_graph(data: bytes) -> Any:
    """The nested value that `encode_graph` was given. Raises `InvalidValueError` for damaged data."""
    return open_graph(data).value


class OpenedGraph(NamedTuple):
    """A nested value that was stored with expressions in it, and what decides whether it still holds."""

    value: Any
    values: list[Any]
    """Every value in it that is more than plain data: a file may have changed since, and is then in another state than
    the one that the expressions speak of."""
    task_names: list[str]
    """The tasks that the expressions call: they may have another name by now, or not be imported yet."""


def open_graph(data: bytes) -> OpenedGraph:
    """What `encode_graph` was given, with what is in it.

    Raises `InvalidValueError` for damaged data.
    """
    try:
        structure, blobs = marshal.loads(data)
        root, nodes = marshal.loads(structure)
    except (ValueError, EOFError, TypeError) as error:
        raise InvalidValueError(f"a stored expression is damaged: {error}") from error
    decoded = [decode(codec, blob, type_name) for type_name, codec, blob in blobs]
    decoded = [item if blob[1] in _PLAIN else as_today(item) for item, blob in zip(decoded, blobs, strict=True)]
    checked = [item for item, (_, codec, _) in zip(decoded, blobs, strict=True) if codec not in _PLAIN]
    values = iter(decoded)
    built: list[Any] = []
    append = built.append
    task_names: list[str] = []
    for node in nodes:
        if node.__class__ is not tuple:
            append(node)
        elif node[0].__class__ is int:
            append(_build_call(nodes[node[0]], [built[index] for index in node[1:]]))
        elif node[0] in ("T", "S", "O"):
            append(None)  # a head: only its calls are values
            if node[0] != "O":
                task_names.append(node[1])
        else:
            append(_build(node, built, values))
    return OpenedGraph(built[root], checked, task_names)


def graph_parts(data: bytes) -> tuple[bytes, list[tuple[bytes, str, str, bytes]]]:
    """The canonical hash of a stored graph, and of each value in it the hash, type name, codec and bytes.

    Nothing is decoded, so no code of anybody's class runs.

    Raises `InvalidValueError` for damaged data.
    """
    try:
        structure, blobs = marshal.loads(data)
        _, nodes = marshal.loads(structure)
        hashes = [node[1] for node in nodes if node.__class__ is tuple and node[0] in _WITH_BLOB]
        parts = [(hash_, *blob) for hash_, blob in zip(hashes, blobs, strict=True)]
    except (ValueError, EOFError, TypeError, IndexError) as error:
        raise InvalidValueError(f"a stored expression is damaged: {error}") from error
    hasher = new_hasher("expr")
    hasher.update(structure)
    return hasher.digest(), parts


def as_today(item: Any) -> Any:
    """A nested value with the tasks in it as they are registered today."""
    if isinstance(item, Value):
        return item._redun_as_today()
    if any(isinstance(leaf, Value) for leaf in nested.iter_leaves(item)):
        return nested.map_leaves(lambda leaf: leaf._redun_as_today() if isinstance(leaf, Value) else leaf, item)
    return item


def _build_call(head: tuple[Any, ...], parts: list[Any]) -> Expression[Any]:
    if head[0] == "O":
        _, func_name, names = head
        count = len(parts) - len(names)
        return SimpleExpression(func_name, tuple(parts[:count]), dict(zip(names, parts[count:], strict=True)))
    letter, task_name, names, exports, has_options, length = head
    options = parts.pop() if has_options else None
    count = len(parts) - len(names)
    args, kwargs = tuple(parts[:count]), dict(zip(names, parts[count:], strict=True))
    if letter == "S":
        return SchedulerExpression(task_name, args, kwargs, options, length)
    return TaskExpression(task_name, args, kwargs, options, exports, length)


def _build(node: tuple[Any, ...], built: list[Any], values: Any) -> Any:
    letter = node[0]
    if letter == "v":
        return next(values)
    if letter == "n":
        return next(values)._make([built[index] for index in node[2:]])
    if letter == "c":
        _, _, init, others, *indexes = node
        return nested.build_dataclass(next(values), init, others, [built[index] for index in indexes])
    parts = [built[index] for index in node[1:]]
    if letter == "d":
        half = len(parts) // 2
        return dict(zip(parts[:half], parts[half:], strict=True))
    if letter == "V":
        return ValueExpression(parts[0])
    if letter == "Q":
        return QuotedExpression(parts[0])
    return _SEQUENCE_TYPES[letter](parts)


register_codec(CODEC, decode_graph)
