"""The table of jobs by task and state, as a run shows it at its end and `redun log` for an execution."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


def status_report(counts: Mapping[str, Sequence[int]], moment: datetime | None = None) -> list[str]:
    """The table under a line that says when it was made, and an empty line.

    moment: the time to show, in its own time zone; None means now.
    """
    shown = datetime.now().astimezone() if moment is None else moment
    return [f"| JOB STATUS {shown:%Y/%m/%d %H:%M:%S}", *status_table(counts), ""]


def format_job_statuses(
    job_status_counts: Mapping[str, Mapping[str, int]], timestamp: datetime | None = None
) -> Iterator[str]:
    """The lines of the table for counts by task and name of the state, `{"ns.task": {"DONE": 2}}`.

    timestamp: the time to show, in its own time zone; None means now.
    """
    counts = {name: [by_state.get(column, 0) for column in COLUMNS] for name, by_state in job_status_counts.items()}
    return iter(status_report(counts, timestamp))


def totals(counts: Mapping[str, Sequence[int]], length: int) -> list[int]:
    """The sums of the columns."""
    return [sum(row[index] for row in counts.values()) for index in range(length)]


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return f"{name:<{width}} " + " ".join(f"{cell:>7}" for cell in cells)
