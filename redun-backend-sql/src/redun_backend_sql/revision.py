"""The revision of the schema that this version reads and writes."""

from __future__ import annotations

SCHEMA_REVISION = 3
"""Counts up with every migration; the migration's own identifier is this number with four digits."""

VERSION_TABLE = "redun_repository"
"""Alembic's table in PostgreSQL. In SQLite, where the header of the file says what it is, it has its usual name."""
