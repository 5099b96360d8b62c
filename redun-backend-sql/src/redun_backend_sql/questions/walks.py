"""Walking down an index, newest first, in a way that planners cannot mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, tuple_

if TYPE_CHECKING:
    from collections.abc import Sequence


def walk(
    statement: Select[Any], columns: Sequence[ColumnElement[Any]], values: Sequence[Any], below: Sequence[Any] = ()
) -> Select[Any]:
    """A statement for the rows whose first columns have these values, from the highest of the other columns down.

    columns: those of an index. below: where to go on: the values of the other columns in the last row.

    With an equality and an order by the other columns, PostgreSQL may take another index that has this order, and
    read a million rows before it meets one with the values. So both are said of all columns.
    """
    first = columns[: len(values)]
    if below:
        bound = _row(columns[: len(values) + len(below)]) < _row([*values, *below])
    else:
        bound = _row(first) <= _row(values)
    return statement.where(_row(first) >= _row(values), bound).order_by(*(column.desc() for column in columns))


def _row(parts: Sequence[Any]) -> Any:
    return tuple_(*parts) if len(parts) > 1 else parts[0]
