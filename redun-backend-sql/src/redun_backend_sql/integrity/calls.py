"""Calls: their hashes, and what is folded into their rows."""

from __future__ import annotations

import json
import marshal
import struct
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from redun.backends.contents import content_problem, is_call_hash
from redun.hashing import HASH_SIZE, hash_data

from redun_backend_sql.integrity.problem import Problem, shown, unless_unreadable
from redun_backend_sql.integrity.stored import pages
from redun_backend_sql.packing import RETIRED, PackedArgument, unpack_arguments, unpack_hashes
from redun_backend_sql.run_path.identities import NamesByNumber
from redun_backend_sql.run_path.statements import SELECT_VALUE_KIND_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.integrity.stored import Stored
    from redun_backend_sql.run_path.driver import Connection

_CALLS = """
    SELECT call.id, eval_hash, is_error, kind_id, inline, call_hash, value_hash, raw_hash, args_hash, context_hash,
        arguments, children, task.hash AS task_hash, signature.names, task_set.members
    FROM call
    LEFT JOIN task ON task.id = call.task_id
    LEFT JOIN signature ON signature.id = call.signature_id
    LEFT JOIN task_set ON task_set.id = call.task_set_id
    ORDER BY call.id
"""
_IS_ARGUMENT = "SELECT 1 FROM call_argument WHERE value_prefix = ? AND call_id = ?"
_ARGUMENTS = """
    SELECT call.id, call.call_hash, call.arguments, counted.number FROM
    (SELECT call_id, count(*) AS number FROM call_argument GROUP BY call_id) AS counted
    JOIN call ON call.id = counted.call_id
"""

MOST_LEFT_OUT = 10
"""Arguments of a call up to which it is tried out which of them count for its hash (`config_args` do not)."""


class _Row(NamedTuple):
    number: int
    eval_hash: bytes
    is_error: int
    kind_id: int | None
    inline: bytes | None
    call_hash: bytes | None
    value_hash: bytes | None
    raw_hash: bytes | None
    args_hash: bytes
    context_hash: bytes | None
    arguments: bytes | None
    children: bytes | None
    task_hash: bytes | None
    names: str | None
    members: bytes | None

    @property
    def where(self) -> str:
        if self.call_hash is None:
            return f"evaluation {shown(self.eval_hash)} (table call, row {self.number})"
        return f"call {shown(self.call_hash)} (table call, row {self.number})"


def broken_calls(connection: Connection, stored: Stored) -> Iterator[Problem]:
    """Calls and evaluations that are not what their hashes say, or that name what is not there."""
    kinds: NamesByNumber[tuple[str, str]] = NamesByNumber(connection, SELECT_VALUE_KIND_NAMES)
    for rows in pages(connection.execute(_CALLS)):
        page = _Page(connection, kinds)
        for row in rows:
            looked_at = _Row._make(row)
            yield from unless_unreadable(page.look_at(looked_at), looked_at.where)
        yield from page.unresolved(stored)


class _Page:
    """A thousand calls: looks at each, and gathers what has to be looked up for all of them."""

    def __init__(self, connection: Connection, kinds: NamesByNumber[tuple[str, str]]) -> None:
        self._connection = connection
        self._kinds = kinds
        self._values: dict[bytes, list[_Row]] = {}
        self._calls: dict[bytes, list[_Row]] = {}

    def look_at(self, row: _Row) -> Iterator[Problem]:
        """What is wrong with a row by itself."""
        for what in self._problems(row):
            yield Problem(what, row.where)

    def unresolved(self, stored: Stored) -> Iterator[Problem]:
        """What the rows that were looked at name, and is not there."""
        for kind, missing, rows_by_hash in (
            ("value", stored.missing_values(self._values), self._values),
            ("call", stored.missing_calls(self._calls), self._calls),
        ):
            for each in sorted(missing):
                for row in rows_by_hash[each]:
                    yield Problem(f"names the {kind} {each.hex()}, which is not there", row.where)

    def _problems(self, row: _Row) -> Iterator[str]:
        if not _is_evaluation(row):
            yield "the hash of its evaluation is not that of its task and arguments"
        if row.call_hash is None:
            if not row.raw_hash:
                yield "it is an evaluation without a result"
            else:
                self._needs_value(row.raw_hash, row)
            return
        if row.value_hash is None or row.arguments is None or row.names is None or row.members is None:
            yield "it has ended, and lacks its result, its arguments or its task set"
            return
        if not _is_call(row):
            yield "its hash is not that of its task, arguments, result, context and what is below it"
        if row.task_hash is not None and row.task_hash not in unpack_hashes(row.members):
            yield "its own task is not in its task set"
        if row.raw_hash:
            self._needs_value(row.raw_hash, row)
        yield from self._result_problems(row, row.value_hash)
        yield from self._argument_problems(row, row.arguments, row.names)
        yield from self._child_problems(row)

    def _result_problems(self, row: _Row, value_hash: bytes) -> Iterator[str]:
        if row.inline is None:
            self._needs_value(value_hash, row)
        elif row.kind_id is None:
            yield "its result is there, and nothing says of which kind it is"
        else:
            yield from self._content(value_hash, row.kind_id, row.inline, "its result")

    def _argument_problems(self, row: _Row, packed: bytes, names: str) -> Iterator[str]:
        arguments = _unpacked(packed)
        if arguments is None:
            yield "its arguments cannot be read"
            return
        known = _names(names)
        if known is None:
            yield "the names of its arguments cannot be read"
        elif len(arguments) != len(known):
            yield f"it has {len(arguments)} arguments, and names for {len(known)}"
        elif not _is_made_of(row, known, [argument.value_hash for argument in arguments]):
            yield "the hash of its arguments is not that of their names and values"
        for argument in arguments:
            if argument.kind_id is None or argument.data is None:
                self._needs_value(argument.value_hash, row)
            else:
                yield from self._content(argument.value_hash, argument.kind_id, argument.data, "an argument")
            for each in argument.upstream:
                self._needs_call(each, row)
        for start in {argument.value_hash[:8] for argument in arguments}:
            if not self._connection.execute(_IS_ARGUMENT, (start, row.number)).fetchone():
                yield f"it takes the value {start.hex()}..., which the table call_argument does not know"

    def _child_problems(self, row: _Row) -> Iterator[str]:
        if row.children is not None and len(row.children) % HASH_SIZE:
            yield "the hashes of the calls below it are cut off"
        for each in unpack_hashes(row.children):
            self._needs_call(each, row)

    def _content(self, value_hash: bytes, kind_id: int, data: bytes, what: str) -> Iterator[str]:
        try:
            type_name, codec = self._kinds[kind_id]
        except TypeError:  # no such row
            yield f"{what} is of the kind {kind_id}, which is not there"
            return
        problem = content_problem(value_hash, type_name, codec, data)
        if problem is not None:
            yield f"{what}, the value {value_hash.hex()}: {problem}"

    def _needs_value(self, value_hash: bytes, row: _Row) -> None:
        if isinstance(value_hash, bytes):  # said already, of its column
            self._values.setdefault(value_hash, []).append(row)

    def _needs_call(self, call_hash: bytes, row: _Row) -> None:
        self._calls.setdefault(call_hash, []).append(row)


def _unpacked(packed: bytes) -> list[PackedArgument] | None:
    try:
        return list(unpack_arguments(packed))
    except (struct.error, IndexError):
        return None


@cache
def _names(text: str) -> list[str] | None:
    """Signatures are few, and calls are many."""
    try:
        names = json.loads(text)
    except (ValueError, TypeError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _is_made_of(row: _Row, names: list[str], hashes: list[bytes]) -> bool:
    """Whether a call's arguments have the hash that it goes by: all of them, or those that count."""
    if _goes_by_its_expression(row):
        return True
    given = list(zip(names, hashes, strict=True))
    for count in range(len(given), -1, -1) if len(given) <= MOST_LEFT_OUT else ():
        for chosen in combinations(given, count):
            head = marshal.dumps(tuple(name for name, _ in chosen), 2)
            if hash_data("args", head + b"".join(value_hash for _, value_hash in chosen)) == row.args_hash:
                return True
    return len(given) > MOST_LEFT_OUT


def _goes_by_its_expression(row: _Row) -> bool:
    """Whether it is a call that could not even be made."""
    return bool(row.is_error % RETIRED and row.eval_hash == row.args_hash)


def _is_evaluation(row: _Row) -> bool:
    if row.task_hash is None:
        return True  # said already, as a reference
    if _goes_by_its_expression(row):
        return True
    return hash_data("eval", row.task_hash + row.args_hash) == row.eval_hash


def _is_call(row: _Row) -> bool:
    if row.task_hash is None or row.value_hash is None or row.call_hash is None:
        return True
    parts = (row.task_hash, row.args_hash, row.value_hash, row.context_hash or b"")
    tasks = hash_data("taskset", row.members or b"")
    return is_call_hash(row.call_hash, *parts, tasks, unpack_hashes(row.children))


def broken_call_arguments(connection: Connection) -> Iterator[Problem]:
    """Calls that, by the index of arguments, take more than their own rows say."""
    for number, call_hash, packed, count in connection.execute(_ARGUMENTS):
        arguments = _unpacked(packed or b"") if isinstance(packed, bytes | None) else None
        if arguments is None:
            continue
        taken = len({argument.value_hash[:8] for argument in arguments})
        if count > taken:
            name = shown(call_hash) if call_hash else "that has not ended"
            where = f"call {name} (table call_argument, call {number})"
            yield Problem(f"it takes {count} values by this table, and {taken} by its own row", where)
