"""Questions about calls: one by its hash, and those that made or took a value."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from redun.backends.records import Argument, CallRecord
from sqlalchemy import Integer, LargeBinary, Select, bindparam, select

from redun_backend_sql.packing import RETIRED, unpack_arguments, unpack_hashes
from redun_backend_sql.questions.damage import moment, readable
from redun_backend_sql.questions.walks import walk
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import call, call_argument, prefix, signature, task, task_set, value, value_child

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun_backend_sql.questions.engine import Rows

MOST_CONTAINERS = 1000
"""How many containers of a value are followed: a file that is in more is better found through one of them."""


class CallQuestions:
    """Answers through a function that runs a statement."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        """The newest record of each of these calls; there may be one for each context."""
        wanted = set(call_hashes)
        newest: dict[bytes, CallRecord] = {}
        for chunk in chunks(list(wanted)):
            for row in self._rows(_calls_hashed(), {"prefixes": [each[:8] for each in chunk]}):
                known = newest.get(row.call_hash)
                if row.call_hash in wanted and (known is None or known.time <= row.time):
                    newest[row.call_hash] = _record(row)
        return newest

    def of_evaluation(self, eval_hash: bytes, limit: int) -> list[CallRecord]:
        """The completed calls of an evaluation, newest first."""
        # How many there are is bounded by how often one evaluation came out differently.
        rows = self._rows(_calls_of_evaluation(), {"prefix": eval_hash[:8]})
        found = [_record(row) for row in rows if row.eval_hash == eval_hash]
        return sorted(found, key=lambda record: record.time, reverse=True)[:limit]

    def at(self, numbers: Sequence[int]) -> list[tuple[Any, CallRecord]]:
        """The rows with these numbers, and the calls in them."""
        return [(row, _record(row)) for row in self._rows(_calls(select(call.c.id).where(call.c.id.in_(numbers))))]

    def with_result(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """The newest calls that returned this value, or a container of it."""
        found: dict[int, CallRecord] = {}
        for each in self._with_containers(value_hash):
            for row in self._rows(_calls_with_result(), {"prefix": each[:8], "most": limit}):
                if row.value_hash == each:
                    found[row.id] = _record(row)
        return _last(found, limit)

    def with_argument(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """The newest calls that took this value, or a container of it."""
        found: dict[int, CallRecord] = {}
        for each in self._with_containers(value_hash):
            for row in self._rows(_calls_with_argument(), {"prefix": each[:8], "most": limit}):
                record = _record(row)
                if any(argument.value_hash == each for argument in record.arguments):
                    found[row.id] = record
        return _last(found, limit)

    def _with_containers(self, value_hash: bytes) -> list[bytes]:
        return [value_hash, *(container for (container,) in self._rows(_containers(), {"child": value_hash}))]


# -- statements: made once, because making one costs as much as running it --------------------------------------------


@functools.cache
def _calls_hashed() -> Select[Any]:
    return _calls(select(call.c.id).where(prefix(call.c.call_hash).in_(bindparam("prefixes", expanding=True))))


@functools.cache
def _calls_of_evaluation() -> Select[Any]:
    is_of_it = prefix(call.c.eval_hash) == bindparam("prefix", type_=LargeBinary)
    return _calls(select(call.c.id).where(is_of_it, call.c.call_hash.is_not(None)))


@functools.cache
def _calls_with_result() -> Select[Any]:
    """The newest calls with at least the start of a hash.

    The full hash is compared afterwards: with that in the statement too, the planner takes so few rows for granted that
    it sorts them, and a common result has a million.
    """
    start = bindparam("prefix", type_=LargeBinary)
    return _newest(walk(select(call.c.id), [prefix(call.c.value_hash), call.c.id], [start]))


@functools.cache
def _calls_with_argument() -> Select[Any]:
    start = bindparam("prefix", type_=LargeBinary)
    columns = [call_argument.c.value_prefix, call_argument.c.call_id]
    return _newest(walk(select(call_argument.c.call_id.label("id")), columns, [start]))


def _newest(numbers: Select[Any]) -> Select[Any]:
    return _calls(numbers.limit(bindparam("most", type_=Integer)))


@functools.cache
def _containers() -> Select[Any]:
    return (
        select(value.c.hash)
        .join_from(value_child, value, value.c.id == value_child.c.value_id)
        .where(value_child.c.child_hash == bindparam("child", type_=LargeBinary))
        .order_by(value_child.c.value_id.desc())
        .limit(MOST_CONTAINERS)
    )


def _calls(numbers: Select[Any]) -> Select[Any]:
    page = numbers.subquery("page")
    return (
        select(call, task.c.hash.label("task_hash"), task_set.c.hash.label("task_set_hash"), signature.c.names)
        .join_from(page, call, call.c.id == page.c.id)
        .join(task, task.c.id == call.c.task_id)
        .join(task_set, task_set.c.id == call.c.task_set_id)
        .join(signature, signature.c.id == call.c.signature_id)
    )


def _last(found: dict[int, CallRecord], limit: int) -> list[CallRecord]:
    return [found[number] for number in sorted(found, reverse=True)[:limit]]


@functools.cache
def _names(text: str) -> tuple[str, ...]:
    """Signatures are few, and calls are many."""
    names = tuple(json.loads(text))
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the names of its arguments are none")
    return names


@readable("call")
def _record(row: Any) -> CallRecord:
    names = _names(row.names)
    packed = unpack_arguments(row.arguments)
    arguments = tuple(Argument(name, each.value_hash, each.upstream) for name, each in zip(names, packed, strict=True))
    return CallRecord(
        row.call_hash,
        row.eval_hash,
        row.task_hash,
        row.args_hash,
        row.context_hash or b"",
        arguments,
        row.value_hash if row.raw_hash == b"" else row.raw_hash,
        row.value_hash,
        bool(row.is_error % RETIRED),
        unpack_hashes(row.children),
        row.task_set_hash,
        moment(row.time),
    )
