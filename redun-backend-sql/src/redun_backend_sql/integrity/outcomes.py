"""What calls came to: whether those that count as failed have an error for a result, and the others have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun_backend_sql.integrity.problem import Problem, shown
from redun_backend_sql.packing import RETIRED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection

ERROR_TYPE = "redun.scheduler.errors.ErrorValue"
"""The type of what is recorded of an error. No task returns one."""

# An error with its traceback never fits into the row of its call.
_OUTCOMES = f"""
    SELECT call.id, call.call_hash, call.is_error, value_kind.type_name FROM call
    LEFT JOIN value ON substr(value.hash, 1, 8) = substr(call.value_hash, 1, 8) AND value.hash = call.value_hash
        AND call.inline IS NULL
    LEFT JOIN value_kind ON value_kind.id = coalesce(value.kind_id, call.kind_id)
    WHERE call.call_hash IS NOT NULL AND value_kind.type_name IS NOT NULL
        AND (call.is_error NOT IN (0, 1, {RETIRED}, {RETIRED + 1})
        OR (call.is_error % {RETIRED} = 1) <> (value_kind.type_name = '{ERROR_TYPE}'))
"""  # noqa: S608 - a name and numbers of our own


def broken_outcomes(connection: Connection) -> Iterator[Problem]:
    """Calls that say that they failed, and have a result, or the other way round."""
    for number, call_hash, is_error, type_name in connection.execute(_OUTCOMES):
        where = f"call {shown(call_hash)} (table call, row {number})"
        if is_error not in (0, 1, RETIRED, RETIRED + 1):
            yield Problem(f"whether it failed cannot be told from {is_error}", where)
        elif is_error % RETIRED:
            yield Problem(f"it counts as failed, and has a result, of the type {type_name}", where)
        else:
            yield Problem("it counts as done, and has an error for a result", where)
