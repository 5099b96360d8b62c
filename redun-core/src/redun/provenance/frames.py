"""Jobs as data frames, where pandas or Polars is installed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.provenance.models import Job


def job_columns(jobs: Iterable[Job]) -> dict[str, list[Any]]:
    """The columns of a table of jobs: ids, task, status, times (UTC) and duration in seconds."""
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "id",
            "number",
            "parent",
            "task",
            "status",
            "start_time",
            "end_time",
            "seconds",
            "executor",
            "attempt",
            "child_count",
            "task_hash",
            "call_hash",
        )
    }
    for job in jobs:
        row, duration = job.row, job.duration
        values = (
            job.id,
            row.number,
            row.parent,
            row.task_name,
            row.status.name,
            job.start_time,
            job.end_time,
            None if duration is None else duration.total_seconds(),
            row.executor,
            row.attempt,
            row.child_count,
            row.task_hash.hex(),
            None if row.call_hash is None else row.call_hash.hex(),
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return columns


def to_pandas(jobs: Iterable[Job]) -> Any:
    """A pandas data frame, one row a job. Raises ImportError where pandas is not installed."""
    frame = _library("pandas", "pandas").DataFrame(job_columns(jobs))
    # Whole numbers stay whole where one of them is missing.
    return frame.astype({"parent": "Int64"})


def to_polars(jobs: Iterable[Job]) -> Any:
    """A Polars data frame, one row a job. Raises ImportError where Polars is not installed."""
    return _library("polars", "Polars").DataFrame(job_columns(jobs))


def _library(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{name} is needed for this: pip install {module}") from error
