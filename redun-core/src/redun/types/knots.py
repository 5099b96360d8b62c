"""Objects that contain each other.

Such a group is hashed as a whole: its members are numbered in the order in which they are met, breadth first from the
member that the walk came upon first, and a member inside another is written as its number. So within the group, and
only there, sharing is part of the content: it cannot be told from content.

Items of a set are numbered in the order of their content, looked at to a depth of a few steps. Where that does not
tell two of them apart although they differ farther away, or where a group is reached through a set that holds several
of its members, the hash may differ from process to process: such values are recomputed rather than found in the
cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.hashing import hash_data
from redun.types.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

_MEMBER = b"\x03"
_REFERENCE = b"\x01"
_ROUNDS = 8


def hash_knot(members: list[Node], piece: Callable[[bytes | Node], bytes]) -> None:
    """Finish the nodes of a group in which each contains each other. The first one was met first.

    piece: gives the piece of a part from outside of the group.
    """
    inside = {id(member) for member in members}
    keys = _order_keys(members, inside, piece)
    numbers = {id(members[0]): 0}
    queue = [members[0]]
    encodings: list[bytes] = []
    for node in queue:
        pieces: list[bytes] = []
        for child in _in_order(node, inside, keys, piece):
            if id(child) not in inside:
                pieces.append(piece(child))
                continue
            assert isinstance(child, Node)
            if id(child) not in numbers:
                numbers[id(child)] = len(numbers)
                queue.append(child)
            pieces.append(_MEMBER + numbers[id(child)].to_bytes(8, "little"))
        encoding = node.header + b"".join(pieces)
        encodings.append(len(encoding).to_bytes(8, "little") + encoding)
    whole = hash_data("value", b"\0K" + b"".join(encodings))
    for node in members:
        number = numbers[id(node)].to_bytes(8, "little")
        node.piece = _REFERENCE + hash_data("value", b"\0k" + whole + number)
        node.size = -1
        node.is_finished = True
        node.children = []


def _in_order(
    node: Node, inside: set[int], keys: dict[int, bytes], piece: Callable[[bytes | Node], bytes]
) -> list[bytes | Node]:
    if not node.is_set:
        return node.children
    outer = sorted(piece(child) for child in node.children if id(child) not in inside)
    inner = [child for child in node.children if id(child) in inside]
    if keys:
        inner.sort(key=lambda child: keys[id(child)])
    return [*outer, *inner]


def _order_keys(members: list[Node], inside: set[int], piece: Callable[[bytes | Node], bytes]) -> dict[int, bytes]:
    """A hash for each member of what is up to eight steps around it; nothing if no set needs it."""
    if not any(node.is_set and sum(id(child) in inside for child in node.children) > 1 for node in members):
        return {}
    own: dict[int, bytes] = {}
    inner: dict[int, list[int]] = {}
    for node in members:
        outer = [_MEMBER if id(child) in inside else piece(child) for child in node.children]
        own[id(node)] = hash_data("value", node.header + b"".join(sorted(outer) if node.is_set else outer))
        inner[id(node)] = [id(child) for child in node.children if id(child) in inside]
    keys = own
    sets = {id(node) for node in members if node.is_set}
    for _ in range(_ROUNDS):
        around = {key: [keys[child] for child in children] for key, children in inner.items()}
        keys = {
            key: hash_data("value", own[key] + b"".join(sorted(found) if key in sets else found))
            for key, found in around.items()
        }
    return keys
