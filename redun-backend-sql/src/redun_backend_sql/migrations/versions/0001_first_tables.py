"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Text is compared byte by byte, as in SQLite, whatever the language of the database.
String = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table of the first revision."""
    _executions()
    _names()
    _values()
    _calls()
    _jobs()
    _tags()


def _executions() -> None:
    op.create_table(
        "scheduler",
        sa.Column("id", String, primary_key=True),
        sa.Column("host", String, nullable=False),
        sa.Column("heartbeat", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "execution",
        sa.Column("id", Id, primary_key=True),
        sa.Column("uuid", String, nullable=False),
        sa.Column("args", String, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("start_time", sa.Float, nullable=False),
        sa.Column("updated_time", sa.Float, nullable=False),
        sa.Column("end_time", sa.Float),
        sa.Column("scheduler_id", String, nullable=False),
        sa.Column("sequence", Id, nullable=False),
    )
    op.create_index("execution_by_uuid", "execution", ["uuid"], unique=True)
    op.create_index("execution_by_start", "execution", ["start_time", "id"])
    op.create_index("execution_by_sequence", "execution", ["sequence"])


def _names() -> None:
    op.create_table(
        "task",
        sa.Column("id", Id, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("namespace", String, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("version", String),
        sa.Column("source", String, nullable=False),
    )
    op.create_index("task_by_hash", "task", ["hash"], unique=True)
    op.create_index("task_by_name", "task", ["name", "namespace"])
    op.create_table(
        "task_set",
        sa.Column("id", Id, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("members", sa.LargeBinary, nullable=False),
    )
    op.create_index("task_set_by_hash", "task_set", ["hash"], unique=True)
    op.create_table(
        "value_kind",
        sa.Column("id", Id, primary_key=True),
        sa.Column("type_name", String, nullable=False),
        sa.Column("codec", String, nullable=False),
    )
    op.create_index("value_kind_by_name", "value_kind", ["type_name", "codec"], unique=True)
    op.create_table(
        "executor",
        sa.Column("id", Id, primary_key=True),
        sa.Column("name", String, nullable=False),
    )
    op.create_index("executor_by_name", "executor", ["name"], unique=True)
    op.create_table(
        "signature",
        sa.Column("id", Id, primary_key=True),
        sa.Column("names", String, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # A B-tree of PostgreSQL takes no more than 2,700 bytes; who writes holds a lock, so nothing comes twice.
        op.create_index("signature_by_names", "signature", ["names"], postgresql_using="hash")
    else:
        op.create_index("signature_by_names", "signature", ["names"], unique=True)


def _values() -> None:
    op.create_table(
        "value",
        sa.Column("id", Id, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("kind_id", Id, nullable=False),
        sa.Column("path", String),
        sa.Column("children", sa.LargeBinary),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("value_by_hash", "value", [sa.text("substr(hash, 1, 8)")])
    has_path = sa.text("path IS NOT NULL")
    op.create_index("value_by_path", "value", ["path", "id"], sqlite_where=has_path, postgresql_where=has_path)
    op.create_table(
        "value_child",
        sa.Column("child_hash", sa.LargeBinary, primary_key=True),
        sa.Column("value_id", Id, primary_key=True),
        sqlite_with_rowid=False,
    )


def _calls() -> None:
    op.create_table(
        "call",
        sa.Column("id", Id, primary_key=True),
        sa.Column("eval_hash", sa.LargeBinary, nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("is_error", sa.SmallInteger, nullable=False),
        sa.Column("signature_id", Id),
        sa.Column("task_set_id", Id),
        sa.Column("kind_id", Id),
        sa.Column("inline", sa.LargeBinary),
        sa.Column("call_hash", sa.LargeBinary),
        sa.Column("value_hash", sa.LargeBinary),
        sa.Column("raw_hash", sa.LargeBinary),
        sa.Column("args_hash", sa.LargeBinary, nullable=False),
        sa.Column("context_hash", sa.LargeBinary),
        sa.Column("arguments", sa.LargeBinary),
        sa.Column("children", sa.LargeBinary),
    )
    op.create_index("call_by_eval", "call", [sa.text("substr(eval_hash, 1, 8)")])
    op.create_index("call_by_hash", "call", [sa.text("substr(call_hash, 1, 8)")])
    by_value = ["substr(value_hash, 1, 8)"]
    if op.get_bind().dialect.name == "postgresql":
        # The newest calls with a common result are then at the end of it. An index of SQLite has the id anyway.
        by_value.append("id")
    op.create_index("call_by_value", "call", [sa.text(column) for column in by_value])
    op.create_table(
        "call_argument",
        sa.Column("value_prefix", sa.LargeBinary, primary_key=True),
        sa.Column("call_id", Id, primary_key=True),
        sqlite_with_rowid=False,
    )


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("execution_id", Id, primary_key=True),
        sa.Column("number", Id, primary_key=True),
        sa.Column("parent", Id),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("call_id", Id),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("executor_id", Id, nullable=False),
        sa.Column("start_time", sa.Float, nullable=False),
        sa.Column("end_time", sa.Float),
        sa.Column("eval_hash", sa.LargeBinary),
        sa.Column("options_hash", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_index("job_by_parent", "job", ["execution_id", "parent", "number"])
    op.create_index("job_by_task", "job", ["task_id", "execution_id", "number"])
    op.create_index("job_by_call", "job", ["call_id", "execution_id", "number"])
    op.create_table(
        "job_count",
        sa.Column("execution_id", Id, primary_key=True),
        sa.Column("task_id", Id, primary_key=True),
        sa.Column("status", sa.SmallInteger, primary_key=True),
        sa.Column("count", Id, nullable=False),
        sqlite_with_rowid=False,
    )


def _tags() -> None:
    op.create_table(
        "tag",
        sa.Column("id", Id, primary_key=True),
        sa.Column("entity_kind", sa.SmallInteger, nullable=False),
        sa.Column("entity_id", String, nullable=False),
        sa.Column("key", String, nullable=False),
        sa.Column("value", String, nullable=False),
        sa.Column("is_current", sa.SmallInteger, nullable=False),
    )
    op.create_index("tag_by_entity", "tag", ["entity_id", "entity_kind"])
    op.create_index("tag_by_key", "tag", ["key", sa.text("substr(value, 1, 64)")])
