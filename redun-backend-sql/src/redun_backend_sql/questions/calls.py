"""Questions about calls: one by its hash, and those that made or took a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from redun.backends.records import Argument, CallRecord
from sqlalchemy import ColumnElement, Select, select

from redun_backend_sql.packing import RETIRED, unpack_arguments, unpack_hashes
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import call, call_argument, prefix, signature, task, task_set, value, value_child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_CONTAINERS = 1000
"""How many containers of a value are followed: a file that is in more is better found through one of them."""


class CallQuestions:
    """Answers through a function that runs a statement."""

    def __init__(self, rows: Callable[[Select[Any]], Sequence[Any]]) -> None:
        self._rows = rows

    def calls(self, call_hashes: Sequence[bytes]) -> dict[bytes, CallRecord]:
        """The newest record of each of these calls; there may be one for each context."""
        wanted = set(call_hashes)
        newest: dict[bytes, CallRecord] = {}
        for chunk in chunks(list(wanted)):
            prefixes = [each[:8] for each in chunk]
            for row in self._rows(_calls(select(call.c.id).where(prefix(call.c.call_hash).in_(prefixes)))):
                known = newest.get(row.call_hash)
                if row.call_hash in wanted and (known is None or known.time <= row.time):
                    newest[row.call_hash] = _record(row)
        return newest

    def of_evaluation(self, eval_hash: bytes, limit: int) -> list[CallRecord]:
        """The completed calls of an evaluation, newest first."""
        # How many there are is bounded by how often one evaluation came out differently.
        numbers = select(call.c.id).where(prefix(call.c.eval_hash) == eval_hash[:8], call.c.call_hash.is_not(None))
        found = [_record(row) for row in self._rows(_calls(numbers)) if row.eval_hash == eval_hash]
        return sorted(found, key=lambda record: record.time, reverse=True)[:limit]

    def at(self, numbers: Sequence[int]) -> list[tuple[Any, CallRecord]]:
        """The rows with these numbers, and the calls in them."""
        return [(row, _record(row)) for row in self._rows(_calls(select(call.c.id).where(call.c.id.in_(numbers))))]

    def with_result(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """The newest calls that returned this value, or a container of it."""
        found: dict[int, CallRecord] = {}
        for each in self._with_containers(value_hash):
            numbered = self._numbered(_with_prefix(call.c.value_hash, each), limit)
            found.update((number, record) for number, record in numbered.items() if record.value_hash == each)
        return _last(found, limit)

    def with_argument(self, value_hash: bytes, limit: int) -> list[CallRecord]:
        """The newest calls that took this value, or a container of it."""
        found: dict[int, CallRecord] = {}
        for each in self._with_containers(value_hash):
            numbers = select(call_argument.c.call_id.label("id")).where(call_argument.c.value_prefix == each[:8])
            for number, record in self._numbered(numbers, limit).items():
                if any(argument.value_hash == each for argument in record.arguments):
                    found[number] = record
        return _last(found, limit)

    def _with_containers(self, value_hash: bytes) -> list[bytes]:
        statement = (
            select(value.c.hash)
            .join_from(value_child, value, value.c.id == value_child.c.value_id)
            .where(value_child.c.child_hash == value_hash)
            .order_by(value_child.c.value_id.desc())
            .limit(MOST_CONTAINERS)
        )
        return [value_hash, *(container for (container,) in self._rows(statement))]

    def _numbered(self, numbers: Select[Any], limit: int) -> dict[int, CallRecord]:
        """The newest of the calls whose ids a statement selects."""
        newest = numbers.order_by(numbers.selected_columns.id.desc()).limit(limit)
        return {row.id: _record(row) for row in self._rows(_calls(newest))}


def _with_prefix(column: ColumnElement[bytes], value_hash: bytes) -> Select[Any]:
    """The ids of calls with at least the start of a hash.

    The full hash is compared afterwards: with that in the statement too, the planner takes so few rows for granted that
    it sorts them, and a common result has a million.
    """
    return select(call.c.id).where(prefix(column) == value_hash[:8])


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


def _record(row: Any) -> CallRecord:
    names = json.loads(row.names)
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
        row.time,
    )
