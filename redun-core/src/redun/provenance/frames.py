"""Jobs as data frames, where pandas or Polars is installed."""

from __future__ import annotations

import contextlib
import importlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.provenance.liveness import JobStatuses
from redun.provenance.preview import MAX_DECODED, preview, safe_decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.records import StoredValue
    from redun.provenance.models import Job


_PAGE = 500
_PREVIEW = 200
_LARGEST = 2**63


def job_columns(jobs: Iterable[Job]) -> dict[str, list[Any]]:
    """The columns of a table of jobs: ids, task, status, times (UTC), and seconds, with those of the jobs below."""
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
    statuses: JobStatuses | None = None
    for job in jobs:
        # One for all of them: it looks each execution up once.
        statuses = statuses or JobStatuses(job.backend)
        row, duration = job.row, job.duration
        values = (
            job.id,
            row.number,
            row.parent,
            row.task_name,
            statuses.of(row),
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


def value_columns(jobs: Iterable[Job], *, arguments: bool, results: bool, tags: bool) -> dict[str, list[Any]]:
    """More columns for the same jobs: `argument.<name>`, `result` and `tag.<key>`. Values that are missing are None."""
    iterator = iter(jobs)
    columns: dict[str, list[Any]] = {"result": []} if results else {}
    count = 0
    while page := list(islice(iterator, _PAGE)):
        for cells in _page_cells(page, arguments=arguments, results=results, tags=tags):
            for name, cell in cells.items():
                column = columns.setdefault(name, [])
                column += [None] * (count - len(column))
                column.append(cell)
            count += 1
    for column in columns.values():
        column += [None] * (count - len(column))
    return columns


def _page_cells(page: list[Job], *, arguments: bool, results: bool, tags: bool) -> Iterator[dict[str, Any]]:
    """For each job its values by the names of the columns; those of a page are read together."""
    backend = page[0].backend
    named: list[dict[str, bytes]] = []
    for job in page:
        call = job.call if arguments or results else None
        found: dict[str, bytes] = {}
        if call is not None and arguments:
            found = {f"argument.{each.name}": each.value_hash for each in call.record.arguments}
        if call is not None and results:
            found["result"] = call.record.value_hash
        named.append(found)
    values = backend.load_values(list({each for hashes in named for each in hashes.values()}))
    cells = {value_hash: _cell(value) for value_hash, value in values.items()}
    known = backend.tags(EntityKind.JOB, [job.id for job in page]) if tags else {}
    for job, hashes in zip(page, named, strict=True):
        by_key: dict[str, list[Any]] = {}
        for tag in known.get(job.id, ()):
            by_key.setdefault(f"tag.{tag.key}", []).append(tag.value)
        row = {name: cells.get(value_hash) for name, value_hash in hashes.items()}
        yield {**row, **{key: found[0] if len(found) == 1 else found for key, found in by_key.items()}}


def _cell(value: StoredValue) -> Any:
    """A number, a text or None as it is, and of everything else one line that shows it."""
    if value.codec == "plain" and len(value.data) <= MAX_DECODED:
        with contextlib.suppress(Exception):  # damaged: the line says so
            found = safe_decode(value)
            if found is None or isinstance(found, str | bool | float):
                return found
            if isinstance(found, int) and -_LARGEST <= found < _LARGEST:
                return found
    return preview(value, _PREVIEW)


def to_pandas(jobs: Iterable[Job], *, arguments: bool = False, results: bool = False, tags: bool = False) -> Any:
    """A pandas data frame, one row a job. Raises ImportError where pandas is not installed."""
    library = _library("pandas", "pandas")
    # Whole numbers stay whole where one of them is missing.
    columns = _all_columns(jobs, arguments=arguments, results=results, tags=tags)
    return library.DataFrame(columns).astype({"parent": "Int64"})


def to_polars(jobs: Iterable[Job], *, arguments: bool = False, results: bool = False, tags: bool = False) -> Any:
    """A Polars data frame, one row a job. Raises ImportError where Polars is not installed."""
    library = _library("polars", "Polars")
    columns = _all_columns(jobs, arguments=arguments, results=results, tags=tags)
    return library.DataFrame({name: _of_one_type(column) for name, column in columns.items()})


def _all_columns(jobs: Iterable[Job], *, arguments: bool, results: bool, tags: bool) -> dict[str, list[Any]]:
    if not (arguments or results or tags):
        return job_columns(jobs)
    kept = list(jobs)
    return {**job_columns(kept), **value_columns(kept, arguments=arguments, results=results, tags=tags)}


def _of_one_type(column: list[Any]) -> list[Any]:
    """A column as Polars takes it: of one type, or of numbers; else of texts."""
    kinds = {type(each) for each in column if each is not None}
    if len(kinds) <= 1 and not kinds & {list, dict}:
        return column
    if kinds == {int, float}:
        return [None if each is None else float(each) for each in column]
    return [each if each is None or isinstance(each, str) else repr(each) for each in column]


def _library(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{name} is needed for this: pip install {module}") from error
