"""One file or directory: its recorded states, which jobs made each and took it, and how the newest one came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.cli.log.derivation_view import upstream_data, upstream_lines
from redun.cli.log.formatting import indented, tags_data, tags_of, tags_text
from redun.cli.log.value_view import use_data, use_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend

_STATES = 10


def lines(backend: Backend, path: str, *, limit: int | None) -> Iterator[str]:
    """The text form, the newest state first."""
    yield f"File {path}"
    states = backend.files(path, limit=limit or _STATES)
    for row in states:
        yield ""
        tags = tags_of(backend, EntityKind.VALUE, row.value_hash.hex())
        yield f"  State {row.value_hash.hex()} ({row.type_name}){tags_text(tags)}"
        yield from indented(use_lines(backend, row.value_hash, limit), 4)
    if states:
        yield ""
        yield "Derivation of the newest state:"
        yield from indented(upstream_lines(backend, states[0].value_hash, limit))


def data(backend: Backend, path: str, *, limit: int | None) -> dict[str, Any]:
    """The form for programs."""
    states = backend.files(path, limit=limit or _STATES)
    return {
        "kind": "file",
        "path": path,
        "states": [
            {
                "hash": row.value_hash.hex(),
                "type": row.type_name,
                "tags": tags_data(tags_of(backend, EntityKind.VALUE, row.value_hash.hex())),
                **use_data(backend, row.value_hash, limit),
            }
            for row in states
        ],
        "upstream": upstream_data(backend, states[0].value_hash, limit) if states else [],
    }
