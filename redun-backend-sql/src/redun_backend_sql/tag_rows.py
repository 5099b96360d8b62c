"""What the rows of one tag say together: whether it is there, and how many times it has been added and removed."""

from __future__ import annotations

MOST_REMOVALS = 32_767
"""What fits into the column; removals beyond it are no longer counted."""


class TagState:
    """Where a tag has come to."""

    __slots__ = ("_gone", "_marked", "current")

    def __init__(self) -> None:
        self.current: int | None = None
        """The number of the row that says that the tag is there."""
        self._gone = 0
        self._marked = 0

    def add(self, number: int, mark: int) -> None:
        """Take a row into account: its number, and its column `is_current`."""
        if mark == 1:
            self.current = number
        elif mark == 0:
            self._gone += 1
        else:
            self._marked = max(self._marked, -mark)

    @property
    def removals(self) -> int:
        """How many times the tag was removed."""
        return min(max(self._gone, self._marked), MOST_REMOVALS)

    @property
    def edits(self) -> int:
        """How many times it was added and removed: see `TagRecord.edits`."""
        return 2 * self.removals + (self.current is not None)
