"""Writes calls and evaluations: one row a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun_backend_sql.packing import RETIRED, pack_argument
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import Identities, select_by_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.records import CallRecord, EvaluationRecord

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.run_path.value_writer import ValueWriter


class _KnownCall:
    """What matters here of a row that is there, or about to be."""

    __slots__ = ("call_hash", "context_hash", "is_error", "number", "raw_hash", "time")

    def __init__(
        self, number: int, raw_hash: bytes | None, call_hash: bytes | None, context: bytes, time: float, is_error: int
    ) -> None:
        self.number = number
        self.raw_hash = raw_hash
        self.call_hash = call_hash
        self.context_hash = context
        self.time = time
        self.is_error = is_error


class CallWriter:
    """Writes the calls of one batch after the other.

    A row is one outcome of one call. While the calls that its result made are open it has no call hash: then it is only
    an evaluation. Completing it moves it to the end of the table, so that push and pull, which follow the ids, see it.
    An outcome that was seen before gets a new time and nothing else.
    """

    def __init__(self, connection: Connection, identities: Identities, values: ValueWriter) -> None:
        self._connection = connection
        self._identities = identities
        self._values = values

    def write(self, calls: Sequence[CallRecord], evaluations: Sequence[EvaluationRecord]) -> None:
        """Write them, and learn the numbers of the calls."""
        if not calls and not evaluations:
            return
        known = self._known_calls({call.eval_hash for call in calls} | {each.eval_hash for each in evaluations})
        completed = {(call.eval_hash, call.raw_hash) for call in calls}
        open_ones = [each for each in evaluations if (each.eval_hash, each.raw_hash) not in completed]
        times: dict[int, float] = {}
        replaced: list[int] = []
        seen: list[_KnownCall] = []
        new_evaluations = self._sort_out_evaluations(open_ones, known, times, seen)
        new_calls = self._sort_out_calls(calls, known, times, replaced, seen)
        last = self._connection.execute(sql.SELECT_LAST_CALL).fetchone()[0] or 0
        number = max(last, self._identities.last_call) + 1
        rows = [self._evaluation_row(n, each) for n, each in enumerate(new_evaluations, number)]
        rows += self._call_rows(new_calls, number + len(rows))
        # A row is deleted after the new number was taken, or the last one's would be given out twice.
        self._connection.executemany(sql.DELETE_CALL, [(number,) for number in replaced])
        self._connection.executemany(sql.INSERT_CALL, rows)
        self._connection.executemany(sql.UPDATE_CALL_TIME, [(time, number) for number, time in times.items()])
        # Somebody has made them again: they are no garbage.
        wanted = [(each.is_error - RETIRED, each.number) for each in seen if each.is_error >= RETIRED]
        self._connection.executemany(sql.UPDATE_CALL_USE, wanted)

    def _known_calls(self, eval_hashes: set[bytes]) -> dict[bytes, list[_KnownCall]]:
        known: dict[bytes, list[_KnownCall]] = {}
        rows = select_by_prefix(self._connection, sql.SELECT_KNOWN_CALLS, list(eval_hashes))
        for number, eval_hash, raw_hash, value_hash, call_hash, context_hash, time, is_error in rows:
            if eval_hash in eval_hashes:
                raw = value_hash if raw_hash == b"" else raw_hash
                each = _KnownCall(number, raw, call_hash, context_hash or b"", time, is_error)
                known.setdefault(eval_hash, []).append(each)
        return known

    @staticmethod
    def _sort_out_evaluations(
        evaluations: Iterable[EvaluationRecord],
        known: dict[bytes, list[_KnownCall]],
        times: dict[int, float],
        seen: list[_KnownCall],
    ) -> Iterable[EvaluationRecord]:
        """The evaluations that need a row; of those that have one, note the new time."""
        new: dict[tuple[bytes, bytes], EvaluationRecord] = {}
        for each in evaluations:
            same = [row for row in known.get(each.eval_hash, ()) if row.raw_hash == each.raw_hash]
            if not same:
                key = (each.eval_hash, each.raw_hash)
                if key not in new or new[key].time <= each.time:
                    new[key] = each
            else:
                newest = max(same, key=lambda row: row.time)
                seen.append(newest)
                if newest.time < each.time:
                    newest.time = times[newest.number] = each.time
        return new.values()

    @staticmethod
    def _sort_out_calls(
        calls: Iterable[CallRecord],
        known: dict[bytes, list[_KnownCall]],
        times: dict[int, float],
        replaced: list[int],
        seen: list[_KnownCall],
    ) -> Iterable[CallRecord]:
        """The calls that need a row; of the others note the new time, and which open evaluations are replaced."""
        new: dict[tuple[bytes, bytes], CallRecord] = {}
        for call in calls:
            key = (call.call_hash, call.context_hash)
            is_known = False
            for row in known.get(call.eval_hash, ()):
                if row.call_hash is None:
                    if call.raw_hash is not None and row.raw_hash == call.raw_hash:
                        replaced.append(row.number)
                elif (row.call_hash, row.context_hash) == key:
                    is_known = True
                    seen.append(row)
                    if row.time < call.time:
                        row.time = times[row.number] = call.time
            if not is_known and (key not in new or new[key].time <= call.time):
                new[key] = call
        return new.values()

    def _evaluation_row(self, number: int, each: EvaluationRecord) -> tuple[object, ...]:
        head = (number, each.eval_hash, self._identities.tasks[each.task_hash], each.time, 0)
        return (*head, None, None, None, None, None, None, each.raw_hash, each.args_hash, None, None, None)

    def _call_rows(self, calls: Iterable[CallRecord], number: int) -> list[tuple[object, ...]]:
        """The rows of new calls, sorted by evaluation hash; also writes the index of their arguments."""
        ids, small, placed = self._identities, self._values.small, self._values.placed
        rows: list[tuple[object, ...]] = []
        taken: list[tuple[bytes, int]] = []
        for call in sorted(calls, key=_eval_hash):
            packed = []
            for _, value_hash, upstream in call.arguments:
                inline = small.get(value_hash)
                if inline is not None:
                    placed.add(value_hash)
                packed.append(pack_argument(value_hash, inline, upstream))
                taken.append((value_hash[:8], number))
            result = small.get(call.value_hash)
            if result is not None:
                placed.add(call.value_hash)
            rows.append(
                (
                    number,
                    call.eval_hash,
                    ids.tasks[call.task_hash],
                    call.time,
                    int(call.is_error),
                    ids.signatures[tuple([argument[0] for argument in call.arguments])],
                    ids.task_sets[call.task_set_hash],
                    None if result is None else result.kind_id,
                    None if result is None else result.data,
                    call.call_hash,
                    call.value_hash,
                    b"" if call.raw_hash == call.value_hash else call.raw_hash,
                    call.args_hash,
                    call.context_hash or None,
                    b"".join(packed),
                    b"".join(call.children) or None,
                )
            )
            ids.calls[call.call_hash] = number
            number += 1
        self._connection.executemany(sql.INSERT_CALL_ARGUMENT, sorted(taken))
        return rows


def _eval_hash(call: CallRecord) -> bytes:
    return call.eval_hash
