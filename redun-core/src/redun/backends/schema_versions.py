"""The versions of a repository's schema: which one it has, and bringing it to another one.

A part of the backend interface. It works on a backend that is not loaded: a repository whose schema is not the present
one cannot be.
"""

from __future__ import annotations

from typing import NamedTuple

from redun.errors import BackendError


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


class SchemaVersions:
    """For backends whose repositories outlive a version of redun. By default nothing of it is supported."""

    def schema_info(self) -> SchemaInfo:
        """The version of the schema that is there, and those that are known. Nothing is changed.

        Raises `BackendVersionError` for a schema that is newer, and `BackendError` when there is no repository or it
        cannot be read.
        """
        raise self._without_versions()

    def upgrade_schema(self, to: int | None = None) -> SchemaChange:  # noqa: ARG002 - for who supports it
        """Bring the schema up to a version, by default the latest; an empty database gets its tables.

        Raises `BackendError` for an unknown version, for one that is older, and when the schema cannot be changed.
        """
        raise self._without_versions()

    def downgrade_schema(self, to: int, *, force: bool = False) -> SchemaChange:  # noqa: ARG002
        """Bring the schema back to an earlier version.

        force: also where something is recorded that has no place there; it is lost.

        Raises `BackendError` for an unknown version, for one that is newer, and where something would be lost.
        """
        raise self._without_versions()

    def _without_versions(self) -> BackendError:
        return BackendError(f"{type(self).__name__} does not support versions of its schema")
