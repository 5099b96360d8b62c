"""The canonical hash of any value.

Two values are equal here when they have the same exact types and the same content. Equal values get equal hashes, and
identity, sharing, interning, the seed of Python's string hashes, the process and the Python version have no say. This
is why.

*Plain data* has the encoding of `redun.types.reference`, its *flat* form, which depends on content alone: it is
defined by recursion over the content and never asks which objects are the same. So the length of the flat form
depends on content alone as well, and may be used to decide how to hash:

- an atom, and a container whose flat form has at most FLAT_LIMIT bytes: the hash of the flat form;
- any other container, and any instance: the hash of a header and of one *piece* for each part. The piece of plain
  data whose flat form has at most SMALL bytes is that form; the piece of everything else is a mark and its hash.

A shared object is looked at once, because its piece and the length of its flat form are remembered by identity. That
changes how often they are computed, not what they are: 80 doublings of a list have a flat form of 10^24 bytes, whose
length is added up in 80 steps and which is never written. `redun.types.plain` is a faster way to the same flat form
and decides nothing.

Sets: the pieces of the items, sorted. Instances: see `redun.types.reductions`. Objects that contain themselves: see
`redun.types.knots`; only among those is sharing part of the content.

The walk keeps its own stack, so depth does not matter.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from redun.errors import FOREIGN_ERRORS, InvalidValueError, RedunError
from redun.hashing import new_hasher
from redun.types import names, plain, reductions, reference
from redun.types.knots import hash_knot
from redun.types.node import Node, Piece
from redun.types.plain import ATOMS, CONTAINERS, FLAT_LIMIT
from redun.types.protocol import Value

if TYPE_CHECKING:
    from collections.abc import Iterator


SMALL = 1024
"""The longest flat form, in bytes, that stands in the encoding of its container as it is."""

_REFERENCE = b"\x01"
_NOT_PLAIN = -1
_SLICE = 32
_PART_LEVELS = 8
_LONG = frozenset({str, bytes})

_HEADERS: dict[type, bytes] = {list: b"[", tuple: b"(", dict: b"{", set: b"<", frozenset: b">"}


def digest(data: bytes) -> bytes:
    """The hash of an encoding."""
    hasher = new_hasher("value")
    hasher.update(data)
    return hasher.digest()


def hash_state(value: Any) -> bytes:
    """The hash of an instance by what pickling would take of it, even if its class has a hash of its own."""
    return Walk().hash(value, reductions.reduce_instance)


class Walk:
    """One walk over one value.

    Afterwards `found` has the `Value` instances inside that get records of their own, but not those inside of them.
    """

    def __init__(self) -> None:
        self.found: dict[int, Value] = {}
        self.flat_size = _NOT_PLAIN
        """The length of the value's flat form, or -1 if it is not plain data."""
        self.distinct_size = 0
        """How long the flat form would be if every shared object were written once."""
        self._nodes: dict[int, Node] = {}

    def hash(self, value: Any, reduce: Any = None) -> bytes:
        """The hash of a value.

        reduce: how to take the value itself apart, instead of in its own way.

        Raises InvalidValueError for what has no canonical hash.
        """
        root = self._child(value) if reduce is None else self._node(value)
        if isinstance(root, bytes):
            self.flat_size = self.distinct_size = len(root)
            return digest(root)
        if not root.is_finished:
            self._run(root, reduce)
        self.flat_size = root.size
        return self._reference(root)[1:]

    # -- the walk: Tarjan's algorithm, which finishes what is inside first and notices what contains itself -----------

    def _run(self, root: Node, reduce: Any) -> None:
        count = 0
        unfinished = [root]
        stack = [(root, self._open(root, reduce), False)]
        root.index = root.low = 0
        while stack:
            node, children, is_inside_value = stack[-1]
            for child in children:
                is_value = isinstance(child.item, Value)
                if is_value and not is_inside_value and child is not root and child.item._redun_is_recorded:
                    self.found[id(child.item)] = child.item
                if child.is_finished:
                    continue
                if child.index < 0:
                    count += 1
                    child.index = child.low = count
                    unfinished.append(child)
                    stack.append((child, self._open(child), is_inside_value or is_value))
                    break
                node.low = min(node.low, child.index)
                node.loops = node.loops or child is node
            else:
                stack.pop()
                if stack:
                    parent = stack[-1][0]
                    parent.low = min(parent.low, node.low)
                if node.low == node.index:
                    self._close(node, unfinished)

    def _close(self, node: Node, unfinished: list[Node]) -> None:
        if unfinished[-1] is node and not node.loops:
            unfinished.pop()
            self._finish(node)
            return
        position = next(i for i in range(len(unfinished) - 1, -1, -1) if unfinished[i] is node)
        members = unfinished[position:]
        del unfinished[position:]
        hash_knot(members, self._piece)

    # -- from an object to its node -----------------------------------------------------------------------------------

    def _child(self, item: Any) -> bytes | Node:
        """The piece of an item if it can be told at once, else its node."""
        kind = type(item)
        if kind in ATOMS:
            return self._atom(item)
        if kind is Piece:
            return bytes(item)
        return self._node(item)

    def _part(self, part: Any) -> bytes | Node:
        """As `_child`, sparing the small plain containers that most instances hold a walk of their own."""
        if type(part) in CONTAINERS:
            flat = plain.flatten(part, SMALL, _PART_LEVELS)
            if flat is not None and len(flat) <= SMALL:
                return flat
        return self._child(part)

    def _node(self, item: Any) -> Node:
        node = self._nodes.get(id(item))
        if node is None:
            node = self._nodes[id(item)] = Node(item)
        return node

    def _atom(self, item: Any) -> bytes | Node:
        if type(item) in _LONG and len(item) > SMALL:
            return self._long_atom(item)
        data = plain.dump(item)
        if len(data) <= SMALL:
            return data
        node = Node(item)
        return self._finish_atom(node, len(data), digest(data))

    def _long_atom(self, item: str | bytes) -> Node:
        # Remembered by identity: a text of megabytes may well be shared by thousands of items.
        node = self._nodes.get(id(item))
        if node is None:
            node = self._node(item)
            self._finish_atom(node, *hash_long(item))
        return node

    def _finish_atom(self, node: Node, size: int, hash_: bytes) -> Node:
        node.size = size
        node.piece = _REFERENCE + hash_
        node.is_finished = True
        self.distinct_size += size
        return node

    def _open(self, node: Node, reduce: Any = None) -> Iterator[Node]:
        """Look at an object's parts for the first time, and go through those that need a look themselves."""
        item = node.item
        kind = type(item)
        if kind in CONTAINERS and reduce is None:
            self._open_container(node, kind)
        else:
            node.size = _NOT_PLAIN
            try:
                reduction = (reduce or reductions.reduce)(item)
            except RedunError:
                raise
            except FOREIGN_ERRORS as error:  # code of its class runs here, and that of a library
                raise InvalidValueError(
                    f"a {names.qualified_name(kind)} cannot be hashed or stored: {type(error).__name__}: {error}"
                ) from error
            if reduction.piece is not None:
                node.piece = reduction.piece
                node.is_reduced = True
            else:
                node.header = reduction.header
                node.children = [self._part(part) for part in reduction.parts]
        return (child for child in node.children if type(child) is Node)

    def _open_container(self, node: Node, kind: type) -> None:
        item = node.item
        node.header = _HEADERS[kind]
        node.is_set = kind is set or kind is frozenset
        size = 2 if kind is dict else 5
        parts: Any = chain.from_iterable(item.items()) if kind is dict else item
        if kind is not set and kind is not frozenset and len(item) > _SLICE:
            parts = list(parts)
            for start in range(0, len(parts), _SLICE):
                some = parts[start : start + _SLICE]
                data = plain.flatten(some, SMALL)
                if data is not None and len(data) <= SMALL:
                    # Every piece in this slice is its flat form, and flat forms follow each other without anything
                    # between.
                    node.children.append(data[5:])
                    size += len(data) - 5
                else:
                    size += self._add_children(node, some)
        else:
            size += self._add_children(node, parts)
        self.distinct_size += size
        node.size = size

    def _add_children(self, node: Node, items: Any) -> int:
        size = 0
        for item in items:
            child = self._child(item)
            node.children.append(child)
            if type(child) is bytes:
                size += len(child)
        return size

    # -- from a node to its hash --------------------------------------------------------------------------------------

    def _finish(self, node: Node) -> None:
        """Work out the piece of a node whose parts are all finished and which does not contain itself."""
        node.is_finished = True
        if node.is_reduced:
            return
        size = node.size
        if size != _NOT_PLAIN:
            for child in node.children:
                if type(child) is Node:
                    if child.size == _NOT_PLAIN:
                        size = _NOT_PLAIN
                        break
                    size += child.size
            node.size = size
            if size != _NOT_PLAIN and size <= FLAT_LIMIT:
                if size <= SMALL:
                    node.piece = self._flat(node)
                node.children = []
                return  # a longer piece is made when something asks for it: a container may well be flat itself
        node.piece = _REFERENCE + digest(self.encode(node))
        node.children = []

    def _flat(self, node: Node) -> bytes:
        count = len(node.item).to_bytes(4, "little") if node.header != b"{" else b""
        pieces = [self._piece(child) for child in node.children]
        if node.is_set:
            pieces.sort()
        end = b"0" if node.header == b"{" else b""
        return b"".join((node.header, count, *pieces, end))

    def encode(self, node: Node) -> bytes:
        """What is hashed of a container or instance that has no flat form, or too long a one."""
        pieces = [self._piece(child) for child in node.children]
        if node.is_set:
            pieces.sort()
        header = b"\0" + node.header
        if type(node.item) in CONTAINERS:
            header += len(node.item).to_bytes(8, "little")
        return header + b"".join(pieces)

    def _piece(self, child: bytes | Node) -> bytes:
        if type(child) is bytes:
            return child
        assert isinstance(child, Node)
        if not child.piece:
            child.piece = self._reference(child)
        return child.piece

    def _reference(self, node: Node) -> bytes:
        if node.piece[:1] == _REFERENCE:
            return node.piece
        if node.piece:
            return _REFERENCE + digest(node.piece)
        flat = plain.flatten(node.item)
        return _REFERENCE + digest(reference.encode_plain(node.item) if flat is None else flat)


def hash_long(item: str | bytes) -> tuple[int, bytes]:
    """The length of the flat form of a long text or byte string, and its hash, without writing that form."""
    data = item if isinstance(item, bytes) else item.encode("utf-8", "surrogatepass")
    code = b"s" if isinstance(item, bytes) else b"u"
    return len(data) + 5, hash_buffer(code, data)


def hash_buffer(code: bytes, data: bytes | bytearray | memoryview) -> bytes:
    """The hash of memory, at the speed of memory: that of the flat form where there is one."""
    length = memoryview(data).nbytes
    hasher = new_hasher("value")
    # The flat form has four bytes for a length; longer data, which marshal refuses, gets a header of its own.
    hasher.update(
        code + length.to_bytes(4, "little") if length < 1 << 31 else b"\0" + code + length.to_bytes(8, "little")
    )
    hasher.update(data)
    return hasher.digest()
