"""Columns: whether what stands in them is of their type, and whether times are moments."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from redun_backend_sql.integrity.problem import Problem
from redun_backend_sql.integrity.references import ROW_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection

_LATEST = 253_402_300_800
"""When the year 10000 begins, in seconds since 1970."""


def broken_columns(connection: Connection) -> Iterator[Problem]:
    """Rows with something in them that cannot be there. SQLite keeps a text also where a column is for numbers."""
    from redun_backend_sql.schema import metadata

    is_typed = not isinstance(connection, sqlite3.Connection)
    for table in metadata.sorted_tables:
        cases = [case for column in table.columns for case in _cases(column, is_typed)]
        if not cases:
            continue
        name = ROW_NAMES.get(table.name, "'row ' || t.id")
        statement = (
            f"SELECT * FROM (SELECT {name} AS name, CASE {' '.join(cases)} END AS what FROM {table.name} AS t)"  # noqa: S608 - ours
            " AS looked_at WHERE what IS NOT NULL"
        )
        for row, what in connection.execute(statement):
            yield Problem(what, f"table {table.name}, {row}")


def _cases(column: Any, is_typed: bool) -> Iterator[str]:
    from sqlalchemy import Float, Integer, Text

    is_float = isinstance(column.type, Float)
    if not is_typed:
        wanted = "blob"
        if isinstance(column.type, Text):
            wanted = "text"
        elif is_float:
            wanted = "real"
        elif isinstance(column.type, Integer):
            wanted = "integer"
        allowed = f"'{wanted}', 'null'" if column.nullable else f"'{wanted}'"
        yield (
            f"WHEN typeof(t.{column.name}) NOT IN ({allowed})"
            f" THEN '{column.name} is of the type ' || typeof(t.{column.name}) || ' instead of {wanted}'"
        )
    if is_float:  # all of them are times
        yield (
            f"WHEN NOT (t.{column.name} >= 0 AND t.{column.name} < {_LATEST})"
            f" THEN '{column.name} is ' || t.{column.name} || ', which is no moment between 1970 and 9999'"
        )
