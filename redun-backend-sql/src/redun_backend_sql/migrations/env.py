"""What Alembic runs: the migrations, on the connection that `run` passes."""

from __future__ import annotations

from alembic import context

from redun_backend_sql.revision import VERSION_TABLE
from redun_backend_sql.schema import metadata

connection = context.config.attributes["connection"]
# The caller has begun a transaction, and ends it.
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    version_table="alembic_version" if connection.dialect.name == "sqlite" else VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()

if connection.dialect.name == "sqlite":
    revision = context.get_context().get_current_revision()
    connection.exec_driver_sql(f"PRAGMA user_version={int(revision or 0)}")
