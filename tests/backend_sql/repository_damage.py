"""Kinds of damage to a repository that `whole_repository` has filled: what does it, and what the check says of it."""

from __future__ import annotations

ROOT = "(SELECT id FROM call WHERE children IS NOT NULL AND length(children) > 100 LIMIT 1)"
LEAF = "(SELECT min(id) FROM call WHERE inline IS NOT NULL AND arguments IS NOT NULL AND is_error = 0)"
CONTAINER = "(SELECT id FROM value WHERE children IS NOT NULL LIMIT 1)"
ONE_NUMBER = (
    "(SELECT min(call.id) FROM call JOIN signature ON signature.id = signature_id WHERE names = '[\"numbers\"]')"
)
A_COUNT = "execution_id = 1 AND task_id = (SELECT id FROM task WHERE name = 'main')"
A_JOB = "execution_id = 1 AND number = 3"
NOTHING = "x'" + "00" * 20 + "'"

DAMAGE = {
    # References.
    "execution -> scheduler": ("DELETE FROM scheduler", "names the scheduler"),
    "job -> execution": ("UPDATE job SET execution_id = 99 WHERE execution_id = 1", "names the execution 99"),
    "job -> task": (f"UPDATE job SET task_id = 99 WHERE {A_JOB}", "names the task 99"),
    "job -> call": (f"UPDATE job SET call_id = 9999 WHERE {A_JOB}", "names the call 9999"),
    "job -> executor": (f"UPDATE job SET executor_id = 99 WHERE {A_JOB}", "names the executor 99"),
    "job -> parent": (f"UPDATE job SET parent = 999 WHERE {A_JOB}", "its parent, job 999, is not there"),
    "job_count -> task": (
        f"UPDATE job_count SET task_id = 99 WHERE {A_COUNT}",
        "table job_count, execution 1, task 99",
    ),
    "job_count -> execution": (f"UPDATE job_count SET execution_id = 99 WHERE {A_COUNT}", "names the execution 99"),
    "call -> task": (f"UPDATE call SET task_id = 99 WHERE id = {LEAF}", "names the task 99"),
    "call -> signature": (f"UPDATE call SET signature_id = 99 WHERE id = {LEAF}", "names the signature 99"),
    "call -> task set": (f"UPDATE call SET task_set_id = 99 WHERE id = {LEAF}", "names the task_set 99"),
    "call -> kind": (f"UPDATE call SET kind_id = 99 WHERE id = {LEAF}", "names the value_kind 99"),
    "call -> children": (
        f"UPDATE call SET children = CAST({NOTHING} || substr(children, 21) AS BLOB) WHERE id = {ROOT}",
        f"names the call {'00' * 20}",
    ),
    "call -> children, cut off": (
        f"UPDATE call SET children = substr(children, 2) WHERE id = {ROOT}",
        "the hashes of the calls below it are cut off",
    ),
    "call -> result": ("DELETE FROM value WHERE length(data) > 10000", "names the value"),
    "call -> result of the body": (
        f"UPDATE call SET raw_hash = {NOTHING} WHERE id = {LEAF}",
        f"names the value {'00' * 20}",
    ),
    "call -> upstream": (
        "DELETE FROM call WHERE task_id = (SELECT id FROM task WHERE name = 'write')",
        "names the call",
    ),
    "call_argument -> call": (f"UPDATE call_argument SET call_id = 9999 WHERE call_id = {LEAF}", "names the call 9999"),
    "argument without an index entry": ("DELETE FROM call_argument", "which the table call_argument does not know"),
    "index entry without an argument": (
        f"INSERT INTO call_argument VALUES (x'0102030405060708', {LEAF})",
        "values by this table",
    ),
    "value -> kind": ("UPDATE value SET kind_id = 99 WHERE id = 1", "names the value_kind 99"),
    "value -> children": (
        "DELETE FROM value WHERE hash IN (SELECT child_hash FROM value_child)",
        "which is not there",
    ),
    "value -> children, cut off": (
        f"UPDATE value SET children = substr(children, 2) WHERE id = {CONTAINER}",
        "the hashes of the values inside it are cut off",
    ),
    "child without an entry": ("DELETE FROM value_child", "which the table value_child does not know"),
    "entry without a child": (
        f"INSERT INTO value_child VALUES (x'00', {CONTAINER})",
        "values inside of it by this table",
    ),
    "value_child -> value": ("INSERT INTO value_child VALUES (x'00', 9999)", "names the value 9999"),
    "task set -> task": ("DELETE FROM task WHERE name = 'unrecorded'", "names the task"),
    "tag -> execution": (
        "UPDATE tag SET entity_id = 'gone' WHERE entity_kind = 1",
        "the execution that it belongs to is not there",
    ),
    "tag -> job": (
        "INSERT INTO tag VALUES (900, 2, (SELECT uuid FROM execution LIMIT 1) || '.999', 'k', '1', 1)",
        "the job that it belongs to is not there",
    ),
    "tag -> call": (
        f"INSERT INTO tag VALUES (900, 3, '{'00' * 20}', 'k', '1', 1)",
        "the call that it belongs to is not there",
    ),
    "tag -> task": (
        f"UPDATE tag SET entity_id = '{'00' * 20}' WHERE entity_kind = 4",
        "the task that it belongs to is not there",
    ),
    "tag -> value": (
        f"INSERT INTO tag VALUES (900, 5, '{'00' * 20}', 'k', '1', 1)",
        "the value that it belongs to is not there",
    ),
    "tag of nothing": ("UPDATE tag SET entity_kind = 77", "are no kind and id of anything"),
    "tag's value": ("UPDATE tag SET value = '{'", "its value is not JSON"),
    "step -> state before": ("UPDATE handle_edge SET parent_id = 999 WHERE parent_id = 1", "names the handle 999"),
    "step -> state after": ("UPDATE handle_edge SET child_id = 999 WHERE parent_id = 1", "names the handle 999"),
    # Content and hashes.
    "small result": (f"UPDATE call SET inline = x'4E' WHERE id = {LEAF}", "its result, the value"),
    "small argument": (
        "UPDATE call SET arguments = CAST(substr(arguments, 1, length(arguments) - 1) || x'77' AS BLOB)"
        f" WHERE id = {LEAF}",
        "an argument, the value",
    ),
    "arguments, cut off": (
        f"UPDATE call SET arguments = substr(arguments, 1, 10) WHERE id = {LEAF}",
        "its arguments cannot be read",
    ),
    "arguments and names": (
        'UPDATE signature SET names = \'["x", "y", "z"]\' WHERE names LIKE \'%"more"]\'',
        "it has 2 arguments, and names for 3",
    ),
    "evaluation hash": (
        f"UPDATE call SET eval_hash = {NOTHING} WHERE id = {LEAF}",
        "the hash of its evaluation is not",
    ),
    "arguments' hash": (
        f"UPDATE call SET args_hash = {NOTHING} WHERE id = {LEAF}",
        "the hash of its evaluation is not",
    ),
    "call hash": (f"UPDATE call SET call_hash = {NOTHING} WHERE id = {LEAF}", "its hash is not that of its task"),
    "result's hash": (f"UPDATE call SET value_hash = {NOTHING} WHERE id = {LEAF}", "its hash is not that of its task"),
    "lost children": (f"UPDATE call SET children = NULL WHERE id = {ROOT}", "its hash is not that of its task"),
    "open evaluation without a result": (
        f"UPDATE call SET call_hash = NULL, raw_hash = NULL WHERE id = {LEAF}",
        "it is an evaluation without a result",
    ),
    "incomplete call": (f"UPDATE call SET arguments = NULL WHERE id = {LEAF}", "it has ended, and lacks its result"),
    "another's task set": (
        "UPDATE call SET task_set_id = (SELECT task_set_id FROM call WHERE is_error = 1 LIMIT 1)",
        "its own task is not in its task set",
    ),
    "result without a kind": (f"UPDATE call SET kind_id = NULL WHERE id = {LEAF}", "nothing says of which kind"),
    "task set": ("UPDATE task_set SET members = CAST(members || members AS BLOB)", "its members are not what"),
    "value's hash": ("UPDATE value SET hash = zeroblob(20) WHERE length(data) > 10000", "its content has the hash"),
    "state's hash": ("UPDATE handle SET hash = x'0102' WHERE id = 1", "its hash has 2 bytes"),
    "path of a file": (
        "UPDATE value SET path = 'other' WHERE path IS NOT NULL",
        "it can be asked for by the path other",
    ),
    "lost path of a file": ("UPDATE value SET path = NULL", "does not lead to it"),
    "done as an error": ("UPDATE call SET is_error = 1", "it counts as failed, and has a result"),
    "an error as done": ("UPDATE call SET is_error = 0", "it counts as done, and has an error for a result"),
    "failed or not": ("UPDATE call SET is_error = 9", "cannot be told from 9"),
    "names of another task": (
        f"UPDATE call SET signature_id = (SELECT id FROM signature WHERE names = '[\"path\"]') WHERE id = {ONE_NUMBER}",
        "is not that of their names and values",
    ),
    "names that cannot be read": (
        "UPDATE signature SET names = 'zzz' WHERE id = 1",
        "the names of its arguments cannot be read",
    ),
    "names that are none": (
        "UPDATE signature SET names = '[1, 2]' WHERE id = 1",
        "the names of its arguments cannot be read",
    ),
    "evaluation of a job": (f"UPDATE job SET eval_hash = {NOTHING} WHERE {A_JOB}", "is not that of its call"),
    "evaluation of a job, cut off": (
        f"UPDATE job SET call_id = NULL, status = 5, eval_hash = x'00' WHERE {A_JOB}",
        "its evaluation has a hash of 1 bytes",
    ),
    # Counts and states.
    "job above itself": (f"UPDATE job SET parent = number WHERE {A_JOB}", "it is above itself"),
    "jobs above each other": (
        "UPDATE job SET parent = 3 WHERE execution_id = 1 AND number = 2; UPDATE job SET parent = 2"
        " WHERE execution_id = 1 AND number = 3",
        "it is above itself",
    ),
    "time of a call": (f"UPDATE call SET time = -5e18 WHERE id = {LEAF}", "time is -5"),
    "tag there or not": ("UPDATE tag SET is_current = 5", "whether it is there cannot be told from 5"),
    "state's validity": ("UPDATE handle SET is_valid = 2 WHERE id = 1", "cannot be told from 2"),
    "step": ("UPDATE handle_edge SET step = 9", "its kind 9 means nothing"),
    "step to another handle": ("UPDATE handle SET fullname = 'another' WHERE id = 1", "to the handle"),
    "count": ("UPDATE job_count SET count = count + 1", "jobs, and there are"),
    "lost job": (f"DELETE FROM job WHERE {A_JOB}", "jobs, and there are"),
    "lost count": ("DELETE FROM job_count", "counts 0 jobs"),
    "running in a finished execution": (
        f"UPDATE job SET status = 1, end_time = NULL WHERE {A_JOB}",
        "it still runs, although its execution has ended",
    ),
    "running with an end": (
        f"UPDATE execution SET status = 1, end_time = NULL; UPDATE job SET status = 1 WHERE {A_JOB}",
        "it still runs, although it has an end",
    ),
    "ended without an end": (f"UPDATE job SET end_time = NULL WHERE {A_JOB}", "nothing says when"),
    "ended before it began": (f"UPDATE job SET end_time = 1 WHERE {A_JOB}", "it has ended before it began"),
    "done without a call": (f"UPDATE job SET call_id = NULL WHERE {A_JOB}", "it has ended, and names no call"),
    "without any hash": (
        f"UPDATE job SET call_id = NULL, status = 5 WHERE {A_JOB}",
        "it names neither a call nor an evaluation",
    ),
    "call that has not ended": ("UPDATE call SET call_hash = NULL", "it names a call that has not ended"),
    "call of another task": ("UPDATE job SET task_id = 1", "it names a call of another task"),
    "job's status": (f"UPDATE job SET status = 42 WHERE {A_JOB}", "its status 42 means nothing"),
    "execution's status": ("UPDATE execution SET status = 42", "its status 42 means nothing"),
    "execution without an end": ("UPDATE execution SET end_time = NULL", "nothing says when"),
    "execution runs, and has an end": ("UPDATE execution SET status = 1", "it runs, and has an end"),
    "execution ends too early": ("UPDATE execution SET end_time = 1", "before it began"),
    "command line": ("UPDATE execution SET args = '{'", "its command line is not a list in JSON"),
    # Twice.
    "call twice": (
        f"CREATE TEMP TABLE c AS SELECT * FROM call WHERE id = {LEAF}; UPDATE c SET id = 9999;"
        " INSERT INTO call SELECT * FROM c",
        "is there 2 times",
    ),
    "evaluation twice": (
        f"CREATE TEMP TABLE c AS SELECT * FROM call WHERE id = {LEAF}; UPDATE c SET call_hash = NULL, id = 9998;"
        " INSERT INTO call SELECT * FROM c; UPDATE c SET id = 9999; INSERT INTO call SELECT * FROM c",
        "open evaluation",
    ),
    "value twice": (
        "INSERT INTO value SELECT id + 1000, hash, kind_id, path, children, data FROM value",
        "is there 2 times",
    ),
    "tag twice": (
        "INSERT INTO tag SELECT id + 1000, entity_kind, entity_id, key, value, is_current FROM tag",
        "current tag",
    ),
    "state twice": ("INSERT INTO handle SELECT id + 1000, hash, fullname, key, 1 FROM handle", "state of a handle"),
    # What only SQLite keeps.
    "index": (
        "PRAGMA writable_schema = ON;"
        " UPDATE sqlite_master SET sql = 'CREATE INDEX task_by_name ON task (namespace, name)'"
        " WHERE name = 'task_by_name'",
        "SQLite says",
    ),
    **{
        f"{table}.{column} of another type": (
            f"UPDATE {table} SET {column} = {value}",
            f"{column} is of the type {kind} instead of",
        )
        for table, column, value, kind in (
            ("call", "time", "'abc'", "text"),
            ("call", "call_hash", "'abc'", "text"),
            ("call", "is_error", "'abc'", "text"),
            ("call", "arguments", "'abc'", "text"),
            ("call", "children", "1.5", "real"),
            ("call", "eval_hash", "7", "integer"),
            ("job", "start_time", "'abc'", "text"),
            ("job", "parent", "'abc'", "text"),
            ("job", "eval_hash", "'abc'", "text"),
            ("execution", "start_time", "'abc'", "text"),
            ("execution", "args", "x'00'", "blob"),
            ("value", "hash", "'abc'", "text"),
            ("value", "data", "7", "integer"),
            ("value", "children", "'abc'", "text"),
            ("tag", "value", "x'00'", "blob"),
            ("tag", "is_current", "'abc'", "text"),
            ("tag", "entity_id", "x'00'", "blob"),
            ("task_set", "members", "'abc'", "text"),
            ("task_set", "hash", "id", "integer"),
            ("task", "hash", "'abc' || id", "text"),
            ("handle", "hash", "'abc'", "text"),
        )
    },
    "text that is none": ("UPDATE execution SET args = CAST(x'ff' AS TEXT)", "SQLite cannot read on"),
}
