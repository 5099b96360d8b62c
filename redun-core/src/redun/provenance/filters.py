"""The filters of `redun log` for programs: names, statuses, tags and times, as a search of a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from redun.backends.search import Kind, Query, TagFilter
from redun.errors import UsageError
from redun.provenance.search import EXECUTION_STATUSES, JOB_STATUSES, make_search
from redun.tags import USER_KEY, parse_tag_key_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord, JobRow

Texts = str | Sequence[str]
TagFilters = str | Sequence[str] | Mapping[str, Any]
Moment = datetime | timedelta
_ROUNDING = 1e-6
"""Seconds by which a datetime may differ from the time that it shows."""
Row = TypeVar("Row", "ExecutionRecord", "JobRow")


def filtered_executions(
    backend: Backend, *, task: Texts = (), status: Texts = (), tag: TagFilters = (), user: str | None = None
) -> Iterator[ExecutionRecord]:
    """Executions that fit all filters, newest first, read page by page.

    Raises UsageError for what is no status and no tag.
    """
    users = () if user is None else (TagFilter(USER_KEY, user),)
    query = Query(task_names=_texts(task), tags=(*_tags(tag), *users))
    search = make_search(query, _statuses(status, EXECUTION_STATUSES))
    return search.rows(backend, Kind.EXECUTION)


def filtered_jobs(
    backend: Backend, execution_id: str, task: Texts = (), status: Texts = (), tag: TagFilters = ()
) -> Iterator[JobRow]:
    """Jobs of an execution that fit all filters, newest first, read page by page.

    Raises UsageError for what is no status and no tag.
    """
    query = Query(execution_ids=(execution_id,), task_names=_texts(task), tags=_tags(tag))
    return make_search(query, job_statuses=_statuses(status, JOB_STATUSES)).rows(backend, Kind.JOB)


def within(rows: Iterable[Row], since: Moment | None, until: Moment | None) -> Iterator[Row]:
    """Those that began in a span of time; a length of time is counted back from now, a naive time is local."""
    first, last = _seconds(since, float("-inf")), _seconds(until, float("inf"))
    return (row for row in rows if first - _ROUNDING <= row.start_time <= last + _ROUNDING)


def latest(rows: Iterable[ExecutionRecord], since: Moment | None, until: Moment | None) -> Iterator[ExecutionRecord]:
    """The same for executions that come newest first: what is older is not even read."""
    first = _seconds(since, float("-inf"))
    return within(takewhile(lambda row: row.start_time >= first - _ROUNDING, rows), None, until)


def _seconds(moment: Moment | None, default: float) -> float:
    if moment is None:
        return default
    if isinstance(moment, timedelta):
        moment = datetime.now(UTC) - moment
    if not isinstance(moment, datetime):
        raise UsageError(f"{moment!r} is no time: give a datetime, or a timedelta to count back from now")
    return moment.timestamp()


def _texts(given: Texts) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _statuses(given: Texts, known: Sequence[str]) -> frozenset[str]:
    names = frozenset(str(each).upper() for each in _texts(given))
    for name in sorted(names.difference(known)):
        raise UsageError(f"{name!r} is no status. Known: {', '.join(known)}")
    return names


def _tags(given: TagFilters) -> tuple[TagFilter, ...]:
    if isinstance(given, Mapping):
        return tuple(TagFilter(key, value) for key, value in given.items())
    return tuple(tag_filter(text) for text in _texts(given))


def tag_filter(text: str) -> TagFilter:
    """The filter that `key=value`, or `key` for every value, stands for. Raises UsageError for what is neither."""
    if "=" not in text and text:
        return TagFilter(text, any_value=True)
    try:
        return TagFilter(*parse_tag_key_value(text))
    except ValueError as error:
        raise UsageError(str(error)) from None
