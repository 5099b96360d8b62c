"""One value: what it is, which jobs made it, which took it, and its whole derivation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.cli.log.calls import CallTexts
from redun.cli.log.derivation_view import upstream_data, upstream_lines
from redun.cli.log.execution_view import job_data, job_line
from redun.cli.log.formatting import indented, tags_data, tags_of, tags_text
from redun.provenance.derivation import CallUse, consumers, producers
from redun.provenance.liveness import JobStatuses
from redun.provenance.preview import format_size, preview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.base import Backend

_USES = 10
_PREVIEW = 2000


def lines(backend: Backend, value_hash: bytes, *, limit: int | None) -> Iterator[str]:
    """The text form."""
    value = backend.load_values([value_hash]).get(value_hash)
    tags = tags_of(backend, EntityKind.VALUE, value_hash.hex())
    kind = f"{value.type_name}, {format_size(len(value.data))}" if value is not None else "missing or damaged"
    yield f"Value {value_hash.hex()} ({kind}){tags_text(tags)}"
    yield f"  {preview(value, _PREVIEW)}"
    yield ""
    yield from use_lines(backend, value_hash, limit)
    yield ""
    yield "Derivation:"
    yield from indented(upstream_lines(backend, value_hash, limit))


def data(backend: Backend, value_hash: bytes, *, limit: int | None) -> dict[str, Any]:
    """The form for programs."""
    value = backend.load_values([value_hash]).get(value_hash)
    return {
        "kind": "value",
        "hash": value_hash.hex(),
        "type": value.type_name if value is not None else None,
        "codec": value.codec if value is not None else None,
        "size": len(value.data) if value is not None else None,
        "preview": preview(value, _PREVIEW) if value is not None else None,
        "tags": tags_data(tags_of(backend, EntityKind.VALUE, value_hash.hex())),
        **use_data(backend, value_hash, limit),
        "upstream": upstream_data(backend, value_hash, limit),
    }


def use_lines(backend: Backend, value_hash: bytes, limit: int | None) -> Iterator[str]:
    """The jobs that made a value and those that took it."""
    texts, statuses = CallTexts(backend), JobStatuses(backend)
    yield from _section("Produced by", producers(backend, value_hash, limit or _USES), texts, statuses)
    yield from _section("Consumed by", consumers(backend, value_hash, limit or _USES), texts, statuses)


def use_data(backend: Backend, value_hash: bytes, limit: int | None) -> dict[str, Any]:
    """The same for programs."""
    statuses = JobStatuses(backend)
    return {
        "produced_by": [_data_of(use, statuses) for use in producers(backend, value_hash, limit or _USES)],
        "consumed_by": [_data_of(use, statuses) for use in consumers(backend, value_hash, limit or _USES)],
    }


def _section(title: str, uses: Sequence[CallUse], texts: CallTexts, statuses: JobStatuses) -> Iterator[str]:
    if not uses:
        yield f"{title}: no recorded job"
        return
    yield f"{title}:"
    jobs = [use.job for use in uses if use.job is not None]
    lines = iter(texts.of_jobs(jobs, [use.call for use in uses]))
    for use in uses:
        if use.job is None:
            yield f"  CallNode {use.call.call_hash.hex()}"
            continue
        role = f"  as {', '.join(use.argument_names)}" if use.argument_names else ""
        yield f"  {job_line(use.job, next(lines), statuses)}{role}"


def _data_of(use: CallUse, statuses: JobStatuses) -> dict[str, Any]:
    return {
        "call_hash": use.call.call_hash.hex(),
        "arguments": list(use.argument_names),
        "job": job_data(use.job, statuses) if use.job is not None else None,
    }
