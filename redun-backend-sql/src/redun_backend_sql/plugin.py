"""The entry point: what this package registers. Importing it imports nothing heavy."""

from __future__ import annotations

from redun.plugins import BackendType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_backends() -> list[BackendType]:
    """The repository in a SQLite file or a PostgreSQL database."""
    return [
        BackendType(
            name="sql",
            schemes=("sqlite", "postgresql", "postgres"),
            factory="redun_backend_sql.factory:make_backend",
            settings="redun_backend_sql.settings:SqlSettings",
            summary="Keeps results and provenance in a SQLite file or a PostgreSQL database",
        )
    ]
