"""How things are written in every view: statuses, times, durations, names, tags."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from redun.tags import format_tag_key_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import EntityKind, ExecutionRecord, JobRow, TagRecord


def status_box(status: str) -> str:
    """`[ DONE ]`: the name of a status in a box as wide as that of most others."""
    return f"[{status:^6}]"


def local_time(seconds: float) -> str:
    """A time on the clock of the reader."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def iso_time(seconds: float | None) -> str | None:
    """A time for programs: ISO 8601, UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def duration(start: float, end: float | None) -> str:
    """`h:mm:ss.cc`, or that it has not ended."""
    if end is None:
        return "(not ended)"
    hundredths = max(0, round((end - start) * 100))
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def job_name(job: JobRow) -> str:
    """How a job is named for people: `3f9a2c1b.17`."""
    return f"{job.execution_id[:8]}.{job.number}"


def job_id(job: JobRow) -> str:
    """The full id of a job."""
    return f"{job.execution_id}.{job.number}"


def arguments_text(execution: ExecutionRecord) -> str:
    """The command line of an execution, without the program's name."""
    words = execution.args[1:] if execution.args[:1] == ("redun",) else execution.args
    return shlex.join(words)


def tags_text(tags: Sequence[TagRecord]) -> str:
    """` (key=value, ...)`, sorted; nothing for no tags."""
    texts = sorted(format_tag_key_value(tag.key, tag.value) for tag in tags)
    return f" ({', '.join(texts)})" if texts else ""


def tags_data(tags: Sequence[TagRecord]) -> list[dict[str, Any]]:
    """Tags for programs. A key may have several values."""
    return [{"key": tag.key, "value": tag.value} for tag in tags]


def tags_of(backend: Backend, kind: EntityKind, entity_id: str) -> list[TagRecord]:
    """The tags of one thing."""
    return list(backend.tags(kind, [entity_id]).get(entity_id, ()))


def indented(lines: Iterable[str], by: int = 2) -> list[str]:
    """Lines moved to the right; empty ones stay empty."""
    return [" " * by + line if line else line for line in lines]
