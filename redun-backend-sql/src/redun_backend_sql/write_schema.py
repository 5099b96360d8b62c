"""For maintainers: `python -m redun_backend_sql.write_schema` writes `schema.sql` anew after a migration was added."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from redun_backend_sql.migrations.run import run_migrations

HEADER = """\
-- An empty repository, as the migrations make it: new ones are made from this, without importing SQLAlchemy.
-- Written by `python -m redun_backend_sql.write_schema`; a test compares it with the migrations.

"""


def schema_script() -> str:
    """The statements that bring an empty database to the last revision."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        run_migrations(connection)
        statements = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    # Trailing spaces and tabs are an accident of how SQLAlchemy lays out its statements.
    tidy = ["\n".join(line.rstrip().replace("\t", "    ") for line in each.splitlines()) for each in statements]
    tidy.append(f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')")  # noqa: S608 - our own revision
    return HEADER + ";\n\n".join(tidy) + ";\n"


if __name__ == "__main__":
    Path(__file__).with_name("schema.sql").write_text(schema_script(), encoding="utf-8")
