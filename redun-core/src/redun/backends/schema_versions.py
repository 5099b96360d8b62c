"""The versions of a repository's schema: which one it has, and bringing it to another one.

The part of the interface is `redun.backends.parts.SchemaVersions`. It works on a backend that is not loaded: a
repository whose schema is not the present one cannot be.
"""

from __future__ import annotations

from typing import NamedTuple


class SchemaVersion(NamedTuple):
    """One version of the schema."""

    number: int
    """Counts up from 1."""
    migration: str
    """The identifier of the migration that leads to it."""
    description: str
    """What it brought, in a line."""


class SchemaInfo(NamedTuple):
    """What is known about the schema of one repository."""

    current: int
    """The version that it has; 0 for an empty database."""
    required: int
    """The version that this installation reads and writes."""
    known: tuple[SchemaVersion, ...]
    """All versions that this installation can migrate, oldest first."""


class SchemaChange(NamedTuple):
    """What an upgrade or a downgrade has done."""

    before: int
    """The version that was there; 0 for an empty database."""
    after: int
    """The version that is there now: the same, where nothing was to be done."""
