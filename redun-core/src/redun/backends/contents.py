"""Whether records are what their hashes say, told without running code of anybody's class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.pickles import pickle_problem
from redun.errors import InvalidValueError
from redun.expression_graph import CODEC, graph_parts
from redun.hashing import hash_data
from redun.value import decode, hash_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import CallRecord, EvaluationRecord, TaskSetRecord


def content_problem(value_hash: bytes, type_name: str, codec: str, data: bytes) -> str | None:
    """Why these bytes cannot be the value of this hash, or None. Runs no code of the value's class.

    Of a pickle only that it is one is told, and of a format that a class has of its own nothing.
    """
    try:
        if codec == "plain" and hash_data("value", data) == value_hash:
            return None  # nearly all of them: what is large is hashed in pieces
        if codec in ("plain", "graph", "bytes"):
            return _unlike(hash_value(decode(codec, data, type_name)), value_hash)
        if codec == CODEC:
            return _expression_problem(value_hash, data)
        if codec == "pickle":
            return pickle_problem(data)
    except InvalidValueError as error:
        return str(error)
    return None


def _unlike(actual: bytes, expected: bytes) -> str | None:
    return None if actual == expected else f"its content has the hash {actual.hex()}"


def _expression_problem(value_hash: bytes, data: bytes) -> str | None:
    actual, values = graph_parts(data)
    problem = _unlike(actual, value_hash)
    for part_hash, type_name, codec, part in values:
        problem = problem or content_problem(part_hash, type_name, codec, part)
    return problem


def task_set_problem(record: TaskSetRecord) -> str | None:
    """Why this cannot be the task set of its hash, or None."""
    if record.task_hashes and hash_data("taskset", b"".join(record.task_hashes)) == record.hash:
        return None
    return "its members are not what its hash says"


def call_problem(record: CallRecord) -> str | None:
    """Why this cannot be the call of its hash, or None. Which arguments count for `args_hash` is not known."""
    problem = evaluation_problem(record)
    # A call that could not even be made goes by the hash of its expression.
    if problem is not None and not (record.is_error and record.eval_hash == record.args_hash):
        return problem
    parts = (record.task_hash, record.args_hash, record.value_hash, record.context_hash, record.task_set_hash)
    if not is_call_hash(record.call_hash, *parts, record.children):
        return "its hash is not that of its task, arguments, result, context and what is below it"
    return None


def evaluation_problem(record: CallRecord | EvaluationRecord) -> str | None:
    """Why this cannot be the evaluation of its hash, or None."""
    if hash_data("eval", record.task_hash + record.args_hash) == record.eval_hash:
        return None
    return "the hash of its evaluation is not that of its task and arguments"


def is_call_hash(
    call_hash: bytes,
    task_hash: bytes,
    args_hash: bytes,
    value_hash: bytes,
    context_hash: bytes,
    task_set_hash: bytes,
    children: Sequence[bytes],
) -> bool:
    """Whether a completed call has this hash, by the present formula or by that of its time.

    Repositories keep the hashes that they were written with, for tags, files and copies elsewhere name calls by them:
    the first ones were made without the context, which nothing could set, and all those before 0.1.0 without the task
    set.
    """
    call = (task_hash, args_hash, value_hash, context_hash)
    below = sorted(children)
    present = hash_data("call", b"".join((*call, task_set_hash, *below)))
    return call_hash == present or call_hash == hash_data("call", b"".join((*call, *below)))
