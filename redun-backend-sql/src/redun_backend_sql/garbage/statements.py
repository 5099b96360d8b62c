"""The statements of a collection that are used in several places. `?` and `IN (?)` as in `run_path.statements`."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.run_path.statements import with_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun_backend_sql.run_path.driver import Connection

PAGE = 5000
"""Rows to read at once."""

CALLS = (
    "SELECT call.id, call.task_id, call.task_set_id, call.call_hash, call.value_hash, call.raw_hash,"
    " call.context_hash, call.arguments, call.children, call.inline, call.kind_id FROM call WHERE call.id IN (?)"
)
VALUES_BY_HASH = "SELECT value.id, value.hash, value.children FROM value WHERE substr(value.hash, 1, 8) IN (?)"
VALUES_BY_NUMBER = "SELECT value.id, value.hash, value.children FROM value WHERE value.id IN (?)"


def select_in(connection: Connection, statement: str, keys: Sequence[Any], *more: object) -> Iterator[Any]:
    """The rows of a statement with a list, for any number of keys, then more parameters."""
    for chunk in chunks(keys):
        yield from connection.execute(with_list(statement, len(chunk)), (*chunk, *more))


def run_in(connection: Connection, statement: str, keys: Sequence[Any]) -> None:
    """Run a statement with a list, which returns nothing, for any number of keys."""
    for chunk in chunks(keys):
        connection.execute(with_list(statement, len(chunk)), tuple(chunk))


def pages_by_number(connection: Connection, columns: str, table: str, where: str = "1 = 1") -> Iterator[list[Any]]:
    """All rows of a table with an `id`, which is the first column, in its order and some thousands at a time."""
    statement = f"SELECT {columns} FROM {table} WHERE id > ? AND {where} ORDER BY id LIMIT {PAGE}"
    last = 0
    while page := connection.execute(statement, (last,)).fetchall():
        yield page
        last = page[-1][0]


def highest(connection: Connection, table: str) -> int:
    """The highest number in a table; 0 where it is empty."""
    return int(connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0)


def parts(numbers: Iterable[int], size: int = PAGE) -> Iterator[list[int]]:
    """Some numbers in lists of this length."""
    part: list[int] = []
    for number in numbers:
        part.append(number)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
