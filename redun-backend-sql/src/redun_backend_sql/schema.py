"""The tables, in SQLAlchemy: the one place that says what the repository looks like.

What shapes them is what a job costs. Random B-tree pages are that cost, so a call is one row (with its evaluation, its
arguments and the calls that it made packed into it), hashes are indexed by their first eight bytes only and compared in
full afterwards, names and task sets are interned, small values live in the row of the call that took or returned them,
and a job is keyed by its execution and number, so that new jobs go to the end of the table.

Ids count up in the order of insertion and rows are never moved: they serve as the sequence for incremental push and
pull. An execution, whose jobs change while it runs, has a `sequence` of its own that rises with every change.

There are no foreign keys: every id is looked up within the transaction that writes it, and enforcing them costs as much
as an index for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    literal_column,
    or_,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy.sql.functions import Function

metadata = MetaData()

# SQLite makes a column the row's own number only if its type is spelled INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


def prefix(column: Any) -> Function[Any]:
    """The first eight bytes of a hash: what is indexed."""
    return func.substr(column, text("1"), text("8"))


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True)


scheduler = Table(
    "scheduler",  # Leases: who is alive, for garbage collection and for reuniting with jobs of a dead scheduler.
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("heartbeat", Float, nullable=False),
    sqlite_with_rowid=False,
)

execution = Table(
    "execution",
    metadata,
    _id(),
    Column("uuid", Text, nullable=False),
    Column("args", Text, nullable=False),  # JSON
    Column("status", SmallInteger, nullable=False),
    Column("start_time", Float, nullable=False),
    Column("updated_time", Float, nullable=False),
    Column("end_time", Float),
    Column("scheduler_id", Text, nullable=False),
    Column("sequence", Id, nullable=False),
    Index("execution_by_uuid", "uuid", unique=True),
    Index("execution_by_start", "start_time", "id"),
    Index("execution_by_sequence", "sequence"),
)

task = Table(
    "task",
    metadata,
    _id(),
    Column("hash", LargeBinary, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text),
    Column("source", Text, nullable=False),
    Index("task_by_hash", "hash", unique=True),
    Index("task_by_name", "name", "namespace"),
)

task_set = Table(
    "task_set",
    metadata,
    _id(),
    Column("hash", LargeBinary, nullable=False),
    Column("members", LargeBinary, nullable=False),  # Task hashes, one after the other.
    Index("task_set_by_hash", "hash", unique=True),
)

value_kind = Table(
    "value_kind",
    metadata,
    _id(),
    Column("type_name", Text, nullable=False),
    Column("codec", Text, nullable=False),
    Index("value_kind_by_name", "type_name", "codec", unique=True),
)

executor = Table(
    "executor",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Index("executor_by_name", "name", unique=True),
)

signature = Table(
    "signature",
    metadata,
    _id(),
    Column("names", Text, nullable=False),  # JSON: the names of a call's arguments, in the order of `call.arguments`.
    Index("signature_by_names", "names", unique=True),
)

value = Table(
    "value",  # Small values that a call took or returned are in that call's row instead.
    metadata,
    _id(),
    Column("hash", LargeBinary, nullable=False),
    Column("kind_id", Id, nullable=False),
    Column("path", Text),  # Of files and directories.
    Column("children", LargeBinary),  # Value hashes, one after the other.
    Column("data", LargeBinary, nullable=False),
)
Index("value_by_hash", prefix(value.c.hash))
Index(
    "value_by_path",
    value.c.path,
    value.c.id,
    # For PostgreSQL the migration says the same. Here it would import that dialect: 35 ms for each `redun log`.
    sqlite_where=value.c.path.is_not(None),
)

value_child = Table(
    "value_child",
    metadata,
    Column("child_hash", LargeBinary, primary_key=True),
    Column("value_id", Id, primary_key=True),
    sqlite_with_rowid=False,
)

call = Table(
    "call",
    metadata,
    _id(),
    Column("eval_hash", LargeBinary, nullable=False),
    Column("task_id", Id, nullable=False),
    Column("time", Float, nullable=False),  # When this outcome was last seen: the newest one counts.
    Column("is_error", SmallInteger, nullable=False),
    Column("signature_id", Id),
    Column("task_set_id", Id),
    Column("kind_id", Id),  # Of `inline`.
    Column("inline", LargeBinary),  # The final result where it is small.
    Column("call_hash", LargeBinary),  # NULL: evaluated, but calls that its result made are still open.
    Column("value_hash", LargeBinary),  # The final result.
    Column("raw_hash", LargeBinary),  # NULL: nothing to reuse. Empty: the same as `value_hash`.
    Column("args_hash", LargeBinary, nullable=False),
    Column("context_hash", LargeBinary),
    Column("arguments", LargeBinary),  # See `redun_backend_sql.packing`.
    Column("children", LargeBinary),  # Call hashes, one after the other.
)
Index("call_by_eval", prefix(call.c.eval_hash))
Index("call_by_hash", prefix(call.c.call_hash))
Index("call_by_value", prefix(call.c.value_hash))

call_argument = Table(
    "call_argument",  # An index, kept by hand: from the first eight bytes of a value's hash to the calls that took it.
    metadata,
    Column("value_prefix", LargeBinary, primary_key=True),
    Column("call_id", Id, primary_key=True),
    sqlite_with_rowid=False,
)

job = Table(
    "job",
    metadata,
    Column("execution_id", Id, primary_key=True),
    Column("number", Id, primary_key=True),
    Column("parent", Id),
    Column("task_id", Id, nullable=False),
    Column("call_id", Id),
    Column("status", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("executor_id", Id, nullable=False),
    Column("start_time", Float, nullable=False),
    Column("end_time", Float),
    Column("eval_hash", LargeBinary),  # NULL where the call has it.
    Column("options_hash", LargeBinary),
    sqlite_with_rowid=False,
)
Index("job_by_parent", job.c.execution_id, job.c.parent, job.c.number)
Index("job_by_task", job.c.task_id, job.c.execution_id, job.c.number)
Index("job_by_call", job.c.call_id, job.c.execution_id, job.c.number)
UNFINISHED = (1, 4, 5)
"""Statuses of jobs that run, failed or were cancelled: the few that somebody looks for in a large execution."""
# With the numbers in it, not with parameters: that is how planners see that the index serves. Not `IN`, for which
# SQLite would build a table for each row that is written.
is_unfinished: ColumnElement[bool] = or_(*(job.c.status == literal_column(str(status)) for status in UNFINISHED))
Index("job_unfinished", job.c.execution_id, job.c.number, sqlite_where=is_unfinished)

job_count = Table(
    "job_count",  # Counted while writing: counting the jobs of a large execution takes a third of a second.
    metadata,
    Column("execution_id", Id, primary_key=True),
    Column("task_id", Id, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("count", Id, nullable=False),
    sqlite_with_rowid=False,
)

tag = Table(
    "tag",
    metadata,
    _id(),
    Column("entity_kind", SmallInteger, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON, keys sorted.
    # 1: it is there. 0: it was, and was removed. -N: the N-th time that it was removed, here or elsewhere; such a row
    # gives the removal a place in the order of ids, and its number tells a copy who knows more (`tag_rows`).
    Column("is_current", SmallInteger, nullable=False),
    Index("tag_by_entity", "entity_id", "entity_kind"),
    Index("tag_by_key_and_id", "key", "id"),
)
# Of a long value only the start: PostgreSQL refuses index entries above 2,700 bytes.
Index("tag_by_key", tag.c.key, func.substr(tag.c.value, text("1"), text("64")))

handle = Table(
    "handle",  # States of handles. `is_valid` changes, everything else is written once.
    metadata,
    _id(),
    Column("hash", LargeBinary, nullable=False),
    Column("fullname", Text, nullable=False),
    Column("key", Text, nullable=False),  # Of a fork: which one. Empty for other states.
    Column("is_valid", SmallInteger, nullable=False),
)
Index("handle_by_hash", prefix(handle.c.hash))

handle_edge = Table(
    "handle_edge",  # From a state of a handle to those that came out of it.
    metadata,
    Column("parent_id", Id, primary_key=True),
    Column("child_id", Id, primary_key=True),
    Column("step", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
