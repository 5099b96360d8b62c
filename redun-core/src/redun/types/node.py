"""What the canonical walk remembers of one object."""

from __future__ import annotations

from typing import Any


class Piece(bytes):
    """A piece of an encoding that is ready, among the parts of an instance."""


class Node:
    """One object under a walk, and its piece once it is finished."""

    __slots__ = (
        "children",
        "header",
        "index",
        "is_finished",
        "is_reduced",
        "is_set",
        "item",
        "loops",
        "low",
        "piece",
        "size",
    )

    def __init__(self, item: Any) -> None:
        self.item = item
        """Held, so that no other object can get its identity during the walk."""
        self.header = b""
        self.children: list[bytes | Node] = []
        self.is_set = False
        self.size = -1
        """The length of the flat form; -1 if this is not plain data. Complete when the node is finished."""
        self.piece = b""
        """Empty until it is known; the piece of a container with a long flat form is made when something asks for
        it."""
        self.is_reduced = False
        """The piece was known when the node was opened."""
        self.index = -1
        self.low = -1
        self.loops = False
        self.is_finished = False
