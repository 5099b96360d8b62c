"""Every statement of the run path, as the SQLite driver takes it.

`redun run` neither imports SQLAlchemy nor pays for it once a job. The tests compile each of these from `schema` and
compare, so that the two cannot drift apart. `IN (?)` stands for a list of any length, and `VALUES (?)` for a table of
one column: see `with_list`.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def with_list(statement: str, length: int) -> str:
    """The statement with its `IN (?)` or its `VALUES (?)` widened to this length."""
    statement = statement.replace("VALUES (?)", f"VALUES {', '.join(['(?)'] * length)}")
    return statement.replace("IN (?)", f"IN ({', '.join('?' * length)})")


# -- schedulers and executions -----------------------------------------------------------------------------------------

SELECT_SCHEDULER = "SELECT scheduler.heartbeat FROM scheduler WHERE scheduler.id = ?"
INSERT_SCHEDULER = "INSERT INTO scheduler (id, host, heartbeat) VALUES (?, ?, ?)"
SELECT_COLLECTION = "SELECT scheduler.heartbeat, scheduler.host FROM scheduler WHERE scheduler.id = ?"
UPDATE_SCHEDULER = "UPDATE scheduler SET heartbeat=? WHERE scheduler.id = ? AND scheduler.heartbeat < ?"

SELECT_EXECUTION = "SELECT execution.id FROM execution WHERE execution.uuid = ?"
INSERT_EXECUTION = (
    "INSERT INTO execution (uuid, args, status, start_time, updated_time, end_time, scheduler_id, sequence)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
UPDATE_EXECUTION = (
    "UPDATE execution SET args=?, status=?, start_time=?, updated_time=?, end_time=?, scheduler_id=?"
    " WHERE execution.id = ? AND execution.updated_time <= ?"
)
SELECT_SEQUENCE = "SELECT max(execution.sequence) AS max_1 FROM execution"
UPDATE_SEQUENCE = "UPDATE execution SET sequence=? WHERE execution.id = ?"

# -- things with a number of their own, looked up once and remembered --------------------------------------------------

SELECT_TASK = "SELECT task.id FROM task WHERE task.hash = ?"
INSERT_TASK = "INSERT INTO task (hash, namespace, name, version, source) VALUES (?, ?, ?, ?, ?)"
SELECT_TASK_SET = "SELECT task_set.id FROM task_set WHERE task_set.hash = ?"
SELECT_TASK_SET_HASH = "SELECT task_set.hash FROM task_set WHERE task_set.id = ?"
SELECT_TASK_SET_MEMBERS = "SELECT task_set.members FROM task_set WHERE task_set.hash = ?"
INSERT_TASK_SET = "INSERT INTO task_set (hash, members) VALUES (?, ?)"
SELECT_VALUE_KIND = "SELECT value_kind.id FROM value_kind WHERE value_kind.type_name = ? AND value_kind.codec = ?"
SELECT_VALUE_KIND_NAMES = "SELECT value_kind.type_name, value_kind.codec FROM value_kind WHERE value_kind.id = ?"
INSERT_VALUE_KIND = "INSERT INTO value_kind (type_name, codec) VALUES (?, ?)"
SELECT_EXECUTOR = "SELECT executor.id FROM executor WHERE executor.name = ?"
INSERT_EXECUTOR = "INSERT INTO executor (name) VALUES (?)"
SELECT_SIGNATURE = "SELECT signature.id FROM signature WHERE signature.names = ?"
INSERT_SIGNATURE = "INSERT INTO signature (names) VALUES (?)"

# -- values ------------------------------------------------------------------------------------------------------------

SELECT_VALUE_HASHES = "SELECT value.hash FROM value WHERE substr(value.hash, 1, 8) IN (?)"
SELECT_VALUES = "SELECT value.hash, value.kind_id, value.data FROM value WHERE substr(value.hash, 1, 8) IN (?)"
# Where many calls have the value, PostgreSQL would rather look for it in all rows. The order keeps it in the index.
SELECT_RESULT = (
    "SELECT call.kind_id, call.inline FROM call"
    " WHERE substr(call.value_hash, 1, 8) >= ? AND substr(call.value_hash, 1, 8) <= ? AND call.value_hash = ?"
    " AND call.inline IS NOT NULL ORDER BY substr(call.value_hash, 1, 8) LIMIT ? OFFSET ?"
)
# For the same reason the limit comes before the join.
SELECT_ARGUMENTS = (
    "SELECT call.arguments FROM (SELECT call_argument.call_id AS call_id FROM call_argument"
    " WHERE call_argument.value_prefix = ? ORDER BY call_argument.call_id LIMIT ? OFFSET ?) AS page"
    " JOIN call ON call.id = page.call_id"
)
# Both for many values: of each the first call with a value that begins alike. The outer limit keeps the planner from
# taking this apart, and from reading all calls to compare them with what it finds.
SELECT_RESULTS = (
    "WITH wanted(hash) AS (VALUES (?))"
    " SELECT page.hash, call.value_hash, call.kind_id, call.inline FROM (SELECT wanted.hash AS hash, (SELECT found.id"
    " FROM call AS found WHERE substr(found.value_hash, 1, 8) >= substr(wanted.hash, 1, 8)"
    " AND substr(found.value_hash, 1, 8) <= substr(wanted.hash, 1, 8) AND found.inline IS NOT NULL"
    " ORDER BY substr(found.value_hash, 1, 8) LIMIT 1 OFFSET 0) AS id FROM wanted LIMIT 1000 OFFSET 0) AS page"
    " JOIN call ON call.id = page.id"
)
SELECT_TAKERS = (
    "WITH wanted(hash) AS (VALUES (?))"
    " SELECT page.hash, call.arguments FROM (SELECT wanted.hash AS hash, (SELECT call_argument.call_id"
    " FROM call_argument WHERE call_argument.value_prefix = substr(wanted.hash, 1, 8)"
    " ORDER BY call_argument.call_id LIMIT 1 OFFSET 0) AS id FROM wanted LIMIT 1000 OFFSET 0) AS page"
    " JOIN call ON call.id = page.id"
)
SELECT_LAST_VALUE = "SELECT max(value.id) AS max_1 FROM value"
SELECT_VALUE_ID = "SELECT value.id FROM value WHERE substr(value.hash, 1, 8) = ? AND value.hash = ?"
UPDATE_VALUE = "UPDATE value SET kind_id=?, data=? WHERE value.id = ?"
INSERT_VALUE = "INSERT INTO value (id, hash, kind_id, path, children, data) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_VALUE_CHILD = "INSERT OR IGNORE INTO value_child (child_hash, value_id) VALUES (?, ?)"

# -- calls -------------------------------------------------------------------------------------------------------------

SELECT_EVALUATIONS = (
    "SELECT call.eval_hash, call.raw_hash, call.value_hash, call.call_hash, call.kind_id, call.inline, call.time,"
    " call.id FROM call"
    " WHERE substr(call.eval_hash, 1, 8) IN (?) AND call.raw_hash IS NOT NULL AND call.is_error < ?"
)
SELECT_CALLS = (
    "SELECT call.eval_hash, call.raw_hash, call.value_hash, call.call_hash, call.kind_id, call.inline, call.time,"
    " call.id, call.context_hash, call.task_set_id"
    " FROM call WHERE substr(call.eval_hash, 1, 8) IN (?) AND call.is_error = ? AND call.call_hash IS NOT NULL"
)
SELECT_KNOWN_CALLS = (
    "SELECT call.id, call.eval_hash, call.raw_hash, call.value_hash, call.call_hash, call.context_hash, call.time,"
    " call.is_error FROM call WHERE substr(call.eval_hash, 1, 8) IN (?)"
)
SELECT_CALL_IDS = "SELECT call.call_hash, call.id FROM call WHERE substr(call.call_hash, 1, 8) IN (?)"
SELECT_LAST_CALL = "SELECT max(call.id) AS max_1 FROM call"
INSERT_CALL = (
    "INSERT INTO call (id, eval_hash, task_id, time, is_error, signature_id, task_set_id, kind_id, inline, call_hash,"
    " value_hash, raw_hash, args_hash, context_hash, arguments, children)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_CALL_ARGUMENT = "INSERT OR IGNORE INTO call_argument (value_prefix, call_id) VALUES (?, ?)"
UPDATE_CALL_TIME = "UPDATE call SET time=? WHERE call.id = ?"
UPDATE_CALL_USE = "UPDATE call SET is_error=? WHERE call.id = ?"
DELETE_CALL = "DELETE FROM call WHERE call.id = ?"

# -- jobs --------------------------------------------------------------------------------------------------------------

SELECT_LAST_JOB = "SELECT max(job.number) AS max_1 FROM job WHERE job.execution_id = ?"
SELECT_KNOWN_JOBS = (
    "SELECT job.number, job.task_id, job.status FROM job WHERE job.execution_id = ? AND job.number IN (?)"
)
INSERT_JOB = (
    "INSERT INTO job (execution_id, number, parent, task_id, call_id, status, attempt, executor_id, start_time,"
    " end_time, eval_hash, options_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
REPLACE_JOB = INSERT_JOB.replace("INSERT", "INSERT OR REPLACE", 1)
INSERT_JOB_COUNT = (
    "INSERT INTO job_count (execution_id, task_id, status, count) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (execution_id, task_id, status) DO UPDATE SET count = (job_count.count + excluded.count)"
)

# -- tags --------------------------------------------------------------------------------------------------------------

SELECT_KNOWN_TAGS = (
    "SELECT tag.entity_kind, tag.entity_id, tag.key, tag.value FROM tag"
    " WHERE tag.is_current = ? AND tag.entity_id IN (?)"
)
SELECT_TAG_ROWS = (
    "SELECT tag.id, tag.entity_kind, tag.entity_id, tag.key, tag.value, tag.is_current FROM tag"
    " WHERE tag.entity_id IN (?)"
)
UPDATE_TAG = "UPDATE tag SET is_current=? WHERE tag.id = ?"
INSERT_TAG = "INSERT INTO tag (entity_kind, entity_id, key, value, is_current) VALUES (?, ?, ?, ?, ?)"

# -- handles -----------------------------------------------------------------------------------------------------------

SELECT_HANDLES = "SELECT handle.hash, handle.id, handle.is_valid FROM handle WHERE substr(handle.hash, 1, 8) IN (?)"
SELECT_HANDLE_CHILDREN = (
    "SELECT handle_edge.parent_id, handle_edge.step, handle.hash, handle.id, handle.is_valid"
    " FROM handle_edge JOIN handle ON handle.id = handle_edge.child_id WHERE handle_edge.parent_id IN (?)"
)
INSERT_HANDLE = "INSERT INTO handle (hash, fullname, key, is_valid) VALUES (?, ?, ?, ?)"
UPDATE_HANDLE = "UPDATE handle SET is_valid=? WHERE handle.id = ?"
INSERT_HANDLE_EDGE = "INSERT OR IGNORE INTO handle_edge (parent_id, child_id, step) VALUES (?, ?, ?)"
