"""The states of handles, and how they came out of each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
String = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables for handles. What is there stays as it is."""
    op.create_table(
        "handle",
        sa.Column("id", Id, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("fullname", String, nullable=False),
        sa.Column("key", String, nullable=False),
        sa.Column("is_valid", sa.SmallInteger, nullable=False),
    )
    op.create_index("handle_by_hash", "handle", [sa.text("substr(hash, 1, 8)")])
    op.create_table(
        "handle_edge",
        sa.Column("parent_id", Id, primary_key=True),
        sa.Column("child_id", Id, primary_key=True),
        sa.Column("step", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def losses(connection: sa.Connection) -> str | None:
    """What a downgrade below this revision would lose."""
    count = connection.execute(sa.text("SELECT count(*) FROM handle")).scalar()
    return f"{count} states of handles" if count else None


def downgrade() -> None:
    """Remove the tables for handles."""
    op.drop_table("handle_edge")
    op.drop_table("handle")
