"""What some calls lead to: the calls that they name, directly and further below, and all their values.

What was visited is kept as bits, so that memory does not grow with the size of things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.backends.positions import Positions

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.packing import unpack_arguments, unpack_hashes
from redun_backend_sql.run_path.identities import CHUNK_SIZE, select_by_prefix
from redun_backend_sql.run_path.statements import SELECT_CALL_IDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun_backend_sql.run_path.driver import Connection

MOST_REMEMBERED = 100_000


class Reach:
    """Follows references, each once."""

    def __init__(self, connection: Connection, beyond: Reach | None = None) -> None:
        """Follow them on a connection.

        beyond: what this one has visited is neither visited nor followed. Only then spans are noted, which say in
            which order things can be removed.
        """
        self._connection = connection
        self._beyond = beyond
        self.calls = Positions()
        self.values = Positions()
        self.tasks = Positions()
        self.task_sets = Positions()
        self.homeless: set[bytes] = set()
        """Values that are named where they are not, and have no row of their own: small ones in the rows of calls."""
        self.call_spans: list[tuple[int, int]] = []
        """Calls that name a later one, with the number of that; likewise of values."""
        self.value_spans: list[tuple[int, int]] = []
        self._recent: set[bytes] = set()

    def add_calls(self, numbers: Iterable[int]) -> None:
        """Follow these calls, and what they lead to."""
        waiting = [number for number in numbers if self._takes_call(number)]
        while waiting:
            page = waiting[-CHUNK_SIZE:]
            del waiting[-CHUNK_SIZE:]
            values: dict[bytes, list[int]] = {}
            named: dict[bytes, list[int]] = {}
            for row in sql.select_in(self._connection, sql.CALLS, page):
                self._look_at(row, values, named)
            self._add_values(values)
            for call_hash, number in select_by_prefix(self._connection, SELECT_CALL_IDS, list(named)):
                if self._beyond is not None:
                    self.call_spans += [(namer, number) for namer in named.get(call_hash, ()) if number > namer]
                if call_hash in named and self._takes_call(number):
                    waiting.append(number)

    def _look_at(self, row: Any, values: dict[bytes, list[int]], named: dict[bytes, list[int]]) -> None:
        number, task, task_set, _, value_hash, raw_hash, context, arguments, children, inline, _ = row
        self.tasks.add(task)
        if task_set is not None:
            self.task_sets.add(task_set)
        wanted = [raw_hash, context, value_hash if inline is None else None]
        for argument in unpack_arguments(arguments or b""):
            if argument.kind_id is None:
                wanted.append(argument.value_hash)
            for each in argument.upstream:
                named.setdefault(each, []).append(number)
        for each in unpack_hashes(children):
            named.setdefault(each, []).append(number)
        values.update((each, []) for each in wanted if each)

    def add_values(self, hashes: Iterable[bytes]) -> None:
        """Follow these values, and what is inside them."""
        self._add_values({each: [] for each in hashes})

    def add_value_numbers(self, numbers: Iterable[int]) -> None:
        """Likewise, by the numbers of their rows."""
        new = [number for number in numbers if self._takes_value(number)]
        inside: dict[bytes, list[int]] = {}
        for number, _, children in sql.select_in(self._connection, sql.VALUES_BY_NUMBER, new):
            for child in unpack_hashes(children):
                inside.setdefault(child, []).append(number)
        self._add_values(inside)

    def _add_values(self, named: dict[bytes, list[int]]) -> None:
        """named: by hash the numbers of the values that hold it."""
        while named:
            if len(self._recent) > MOST_REMEMBERED:
                self._recent.clear()
            # A value that holds another is looked at in any case, for the sake of the order.
            wanted = {each: holders for each, holders in named.items() if holders or each not in self._recent}
            self._recent.update(wanted)
            missing = set(wanted)
            named = {}
            for number, value_hash, children in select_by_prefix(self._connection, sql.VALUES_BY_HASH, list(wanted)):
                if value_hash not in wanted:
                    continue
                missing.discard(value_hash)
                if self._beyond is not None:
                    self.value_spans += [(holder, number) for holder in wanted[value_hash] if number > holder]
                if self._takes_value(number):
                    for child in unpack_hashes(children):
                        named.setdefault(child, []).append(number)
            self.homeless |= missing

    def _takes_call(self, number: int) -> bool:
        return (self._beyond is None or number not in self._beyond.calls) and self.calls.add(number)

    def _takes_value(self, number: int) -> bool:
        return (self._beyond is None or number not in self._beyond.values) and self.values.add(number)
