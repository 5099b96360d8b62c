"""The table of jobs by task and state, as a run shows it at its end and `redun log` for an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = ("PENDING", "RUNNING", "FAILED", "CACHED", "DONE")


def status_table(counts: Mapping[str, Sequence[int]], columns: Sequence[str] = COLUMNS) -> list[str]:
    """The lines of the table.

    counts: for each task's full name, how many jobs are in the state of each column.
    """
    rows = [("ALL", totals(counts, len(columns))), *((name, list(counts[name])) for name in sorted(counts))]
    width = max(len("TASK"), *(len(name) for name, _ in rows))
    lines = [_line("TASK", [*columns, "TOTAL"], width), ""]
    lines += [_line(name, [*map(str, row), str(sum(row))], width) for name, row in rows]
    return [f"| {line}".rstrip() for line in lines]


def totals(counts: Mapping[str, Sequence[int]], length: int) -> list[int]:
    """The sums of the columns."""
    return [sum(row[index] for row in counts.values()) for index in range(length)]


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return f"{name:<{width}} " + " ".join(f"{cell:>7}" for cell in cells)
