"""Indexes for searches: jobs without a result, of which a large execution has few, and the newest tags with a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the indexes."""
    few = sa.text("status = 1 OR status = 4 OR status = 5")
    op.create_index("job_unfinished", "job", ["execution_id", "number"], sqlite_where=few, postgresql_where=few)
    op.create_index("tag_by_key_and_id", "tag", ["key", "id"])
    if op.get_context().dialect.name == "postgresql":
        # In SQLite every index ends with the id.
        op.drop_index("tag_by_key", "tag")
        op.create_index("tag_by_key", "tag", ["key", sa.text("substr(value, 1, 64)"), "id"])


def downgrade() -> None:
    """Remove the indexes: nothing is lost."""
    op.drop_index("job_unfinished", "job")
    op.drop_index("tag_by_key_and_id", "tag")
    if op.get_context().dialect.name == "postgresql":
        op.drop_index("tag_by_key", "tag")
        op.create_index("tag_by_key", "tag", ["key", sa.text("substr(value, 1, 64)")])
