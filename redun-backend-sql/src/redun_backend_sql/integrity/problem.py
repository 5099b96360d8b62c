"""What the check of a repository finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a repository."""

    what: str
    """What is wrong, and what would be right."""
    where: str
    """The row that shows it: by the id that `redun log` takes, where it has one, and by its table and number."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
