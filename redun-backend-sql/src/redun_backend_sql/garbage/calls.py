"""Removes calls and evaluations: each before those that it names, and nothing that somebody may still come to use."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redun.backends.positions import pages_of
from redun.backends.records import EntityKind

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.garbage.executions import executions_at_work, is_extended
from redun_backend_sql.garbage.jobs import remove_tags
from redun_backend_sql.garbage.small_values import SmallValues
from redun_backend_sql.packing import RETIRED, unpack_arguments
from redun_backend_sql.run_path.identities import select_by_prefix
from redun_backend_sql.run_path.statements import SELECT_CALL_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redun_backend_sql.garbage.executions import Execution
    from redun_backend_sql.garbage.search import Found
    from redun_backend_sql.garbage.writing import Writing

AT_ONCE = 5_000
"""Calls of one transaction."""
PATIENCE = 30.0
"""Seconds to wait for executions that run to write what they have found; they do so every ten."""
LOOK_AGAIN = 0.2
"""Seconds between two looks at whether executions have gone on."""

_OF_JOBS = "SELECT DISTINCT call_id FROM job WHERE call_id IN (?)"
_IN_USE = f"SELECT id FROM call WHERE id IN (?) AND is_error < {RETIRED}"
_RETIRE = f"UPDATE call SET is_error = is_error + {RETIRED} WHERE id IN (?) AND is_error < {RETIRED}"
_RESTORE = f"UPDATE call SET is_error = is_error - {RETIRED} WHERE id IN (?) AND is_error >= {RETIRED}"
_UNFINISHED = (
    "SELECT number, eval_hash FROM job WHERE execution_id = ? AND number > ? AND call_id IS NULL"
    f" ORDER BY number LIMIT {sql.PAGE}"
)
_SAME_EVALUATION = "SELECT call.id, call.eval_hash FROM call WHERE substr(call.eval_hash, 1, 8) IN (?)"
_REMOVE_ARGUMENT = "DELETE FROM call_argument WHERE value_prefix = ? AND call_id = ?"


class CallSweep:
    """Removes what was found, as far as nobody has come to need it."""

    def __init__(self, writing: Writing, found: Found, grace: float) -> None:
        self._writing = writing
        self._connection = writing.connection
        self._found = found
        self._grace = grace
        self._is_retired = False
        self._last_call = found.highest["call"]
        self._last_value = found.highest["value"]
        self.kept = found.kept
        self.garbage = found.garbage

    def run(self, tell: Callable[[str], None]) -> str:
        """Remove the calls. Why some had to stay; empty if none had."""
        self._restore_needed()
        waiting = list(pages_of(self.garbage.calls, self.garbage.call_spans, AT_ONCE))
        while waiting:
            with self._writing.transaction():
                if self._is_retired or not executions_at_work(self._connection, self._grace):
                    self._remove(waiting.pop())
                    continue
            problem = self._retire(waiting, tell)
            if problem:
                self._give_up(waiting)
                return problem
        return ""

    def catch_up(self) -> None:
        """Keep what was recorded since the last look, and what that names. Within a transaction."""
        connection = self._connection
        last = sql.highest(connection, "call")
        for start in range(self._last_call + 1, last + 1, sql.PAGE):
            self.kept.add_calls(range(start, min(start + sql.PAGE, last + 1)))
        self._last_call = max(last, self._last_call)
        last = sql.highest(connection, "value")
        for start in range(self._last_value + 1, last + 1, sql.PAGE):
            self.kept.add_value_numbers(range(start, min(start + sql.PAGE, last + 1)))
        self._last_value = max(last, self._last_value)

    # -- out of use ---------------------------------------------------------------------------------------------------

    def _retire(self, pages: list[list[int]], tell: Callable[[str], None]) -> str:
        """Take calls out of use, and wait until what was found before that is recorded. Why that takes too long."""
        for page in pages:
            with self._writing.transaction():
                sql.run_in(self._connection, _RETIRE, page)
        with self._writing.transaction():
            at_work = executions_at_work(self._connection, self._grace)
        tell("waiting for executions that run")
        deadline = time.monotonic() + PATIENCE
        while at_work:
            now = executions_at_work(self._connection, self._grace)
            at_work = {number: each for number, each in at_work.items() if self._is_pending(each, now.get(number))}
            if at_work and time.monotonic() > deadline:
                example = next(iter(at_work.values())).record.id
                return f"execution {example} runs, and may still use them"
            if at_work:
                time.sleep(LOOK_AGAIN)
        self._is_retired = True
        with self._writing.transaction():
            self._keep_unfinished()
        return ""

    def _give_up(self, pages: list[list[int]]) -> None:
        """Leave calls out of use, but for those that are needed; everything that they name stays with them."""
        for page in reversed(pages):
            with self._writing.transaction():
                self.catch_up()
                self._restore_used(page)
        for page in pages:
            self.kept.add_calls(page)

    def _restore_used(self, page: list[int]) -> None:
        self.kept.add_calls([number for (number,) in sql.select_in(self._connection, _OF_JOBS, page)])
        sql.run_in(self._connection, _RESTORE, [number for number in page if number in self.kept.calls])

    def _is_pending(self, before: Execution, now: Execution | None) -> bool:
        """Whether an execution may have found something that it has not recorded yet."""
        if now is None:
            return False
        # What other schedulers write for it says nothing about what this one has found, and the reverse.
        return now.sequence == before.sequence or is_extended(self._connection, now)

    def _keep_unfinished(self) -> None:
        """Keep what the unfinished jobs of executions that run go on from."""
        for execution in executions_at_work(self._connection, self._grace).values():
            number = 0
            while page := self._connection.execute(_UNFINISHED, (execution.number, number)).fetchall():
                hashes = {eval_hash for _, eval_hash in page if eval_hash is not None}
                rows = select_by_prefix(self._connection, _SAME_EVALUATION, list(hashes))
                self.kept.add_calls([number for number, eval_hash in rows if eval_hash in hashes])
                number = page[-1][0]

    def _restore_needed(self) -> None:
        """Take back into use what an earlier collection has left out of use, and somebody has needed since."""
        where = f"is_error >= {RETIRED}"
        for page in list(sql.pages_by_number(self._connection, "id", "call", where)):
            needed = [number for (number,) in page if number in self.kept.calls]
            if needed:
                with self._writing.transaction():
                    sql.run_in(self._connection, _RESTORE, needed)

    # -- removing -----------------------------------------------------------------------------------------------------

    def _remove(self, page: list[int]) -> None:
        """Remove those of some calls that nobody needs. Within a transaction."""
        self.catch_up()
        if self._is_retired:
            self.kept.add_calls([number for (number,) in sql.select_in(self._connection, _IN_USE, page)])
        self._restore_used(page)
        rows = list(sql.select_in(self._connection, sql.CALLS, [each for each in page if each not in self.kept.calls]))
        small = SmallValues(self._connection, rows)
        taken = {(each.value_hash[:8], row[0]) for row in rows for each in unpack_arguments(row[7] or b"")}
        self._connection.executemany(_REMOVE_ARGUMENT, sorted(taken))
        sql.run_in(self._connection, "DELETE FROM call WHERE id IN (?)", [row[0] for row in rows])
        small.move(self.kept.homeless, self._writing.last_value)
        self._remove_tags({row[3] for row in rows if row[3] is not None})
        small.remove_tags(self._writing)
        self._writing.removed("calls", len(rows), sum(map(_bytes, rows)))

    def _remove_tags(self, call_hashes: Iterable[bytes]) -> None:
        gone = set(call_hashes)
        # The same call may be there under another context.
        gone -= {each for each, _ in select_by_prefix(self._connection, SELECT_CALL_IDS, list(gone))}
        remove_tags(self._writing, EntityKind.CALL, [each.hex() for each in gone])


def _bytes(row: Any) -> int:
    return 120 + sum(len(column or b"") for column in row[7:10])
