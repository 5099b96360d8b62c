"""What a backend is asked about the past of a call: `redun.backends.parts.Lineage` asks it.

Backends that were written before a question was asked raise `BackendError`, or leave out what they cannot tell.
"""

from __future__ import annotations

from typing import NamedTuple


class ValueLinks(NamedTuple):
    """How a value is linked with others."""

    type_name: str
    path: str | None
    """Of a file or directory: where it is."""
    children: tuple[bytes, ...]
    """Hashes of the files, tasks and handles inside."""
