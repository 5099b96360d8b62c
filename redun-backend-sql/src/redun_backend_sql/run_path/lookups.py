"""The look-ups of the run path: evaluations, calls, values and task sets, many at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redun.backends.base import MOST_CALLS
from redun.backends.records import CallHit, EvaluationHit, StoredValue

from redun_backend_sql.packing import RETIRED, STORED, unpack_arguments, unpack_hashes
from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.handle_writer import find_branches, find_handles
from redun_backend_sql.run_path.identities import Identities, select_by_hash, select_by_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import HandleStep

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.value_store import ValueStore

logger = logging.getLogger("redun.backend")


class Lookups:
    """Answers the engine's questions on one connection."""

    def __init__(self, connection: Connection, identities: Identities, store: ValueStore | None = None) -> None:
        """Look up on a connection; values whose bytes are elsewhere come from the store."""
        self._connection = connection
        self._store = store
        self.lost: set[bytes] = set()
        """Values that the store should have and has not, or that are in a store that is no longer configured."""
        self._identities = identities

    def find_evaluations(self, eval_hashes: Sequence[bytes]) -> dict[bytes, EvaluationHit]:
        """See `Backend.find_evaluations`."""
        wanted = set(eval_hashes)
        hits: dict[bytes, EvaluationHit] = {}
        newest: dict[bytes, tuple[float, int]] = {}
        kind_names, calls = self._identities.kind_names, self._identities.calls
        rows = select_by_prefix(self._connection, sql.SELECT_EVALUATIONS, list(wanted), RETIRED)
        for eval_hash, raw_hash, value_hash, call_hash, kind_id, inline, time, number in rows:
            if eval_hash not in wanted or newest.get(eval_hash, (time, number)) > (time, number):
                continue
            newest[eval_hash] = (time, number)
            value = None
            if not raw_hash:
                raw_hash = value_hash
                if inline is not None:
                    value = StoredValue(value_hash, *kind_names[kind_id], inline)
            if call_hash is not None:
                calls[call_hash] = number
            hits[eval_hash] = EvaluationHit(raw_hash, value, call_hash)
        self._identities.trim()
        return hits

    def find_calls(self, eval_hashes: Sequence[bytes], context_hash: bytes) -> dict[bytes, list[CallHit]]:
        """See `Backend.find_calls`."""
        wanted = set(eval_hashes)
        found: dict[bytes, dict[tuple[float, int], CallHit]] = {}
        kind_names, task_set_hashes = self._identities.kind_names, self._identities.task_set_hashes
        rows = select_by_prefix(self._connection, sql.SELECT_CALLS, list(wanted), 0)
        for row in rows:
            eval_hash, raw_hash, value_hash, call_hash, kind_id, inline, time, number, context, task_set_id = row
            if eval_hash not in wanted or (context or b"") != context_hash:
                continue
            value = None if inline is None else StoredValue(value_hash, *kind_names[kind_id], inline)
            self._identities.calls[call_hash] = number
            hit = CallHit(call_hash, value_hash, value, raw_hash or value_hash, task_set_hashes[task_set_id])
            found.setdefault(eval_hash, {})[time, number] = hit
        self._identities.trim()
        return {
            eval_hash: [hits[age] for age in sorted(hits, reverse=True)[:MOST_CALLS]]
            for eval_hash, hits in found.items()
        }

    def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        """See `Backend.load_values`."""
        wanted = set(value_hashes)
        found: dict[bytes, StoredValue] = {}
        for value_hash, kind_id, data in select_by_prefix(self._connection, sql.SELECT_VALUES, list(wanted)):
            if value_hash in wanted:
                found[value_hash] = StoredValue(value_hash, *self._identities.kind_names[kind_id], data)
        elsewhere = [value for value in found.values() if value.codec.startswith(STORED)]
        found.update(self._load_small(list(wanted - found.keys())))
        for value in elsewhere:
            self._fetch(value, found)
        return found

    def _fetch(self, value: StoredValue, found: dict[bytes, StoredValue]) -> None:
        """Put the bytes of a value that is in the store into its place, or take it out."""
        data = None if self._store is None else self._store.get(value.hash)
        if data is None:
            self.lost.add(value.hash)
            del found[value.hash]
        else:
            found[value.hash] = value._replace(codec=value.codec.removeprefix(STORED), data=data)

    def _load_small(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]:
        """Small values from the rows of the calls that returned or took them: all of these have it, so one is asked."""
        found: dict[bytes, StoredValue | None] = {}
        for wanted, value_hash, kind_id, data in select_by_hash(self._connection, sql.SELECT_RESULTS, value_hashes):
            is_it = value_hash == wanted
            value = (
                StoredValue(value_hash, *self._identities.kind_names[kind_id], data)
                if is_it
                else self._returned(wanted)
            )
            found[wanted] = value
        missing = [each for each in value_hashes if found.get(each) is None]
        for wanted, packed in select_by_hash(self._connection, sql.SELECT_TAKERS, missing):
            value = self._taken(wanted, packed)
            if value is None:
                # The first call took another value that begins alike.
                rows = self._connection.execute(sql.SELECT_ARGUMENTS, (wanted[:8], 4, 0))
                value = next(filter(None, (self._taken(wanted, more) for (more,) in rows)), None)
            found[wanted] = value
        return {value_hash: value for value_hash, value in found.items() if value is not None}

    def _returned(self, value_hash: bytes) -> StoredValue | None:
        """A small value that some call returned, where others returned something that begins alike."""
        start = value_hash[:8]
        row = self._connection.execute(sql.SELECT_RESULT, (start, start, value_hash, 1, 0)).fetchone()
        return None if row is None else StoredValue(value_hash, *self._identities.kind_names[row[0]], row[1])

    def _taken(self, value_hash: bytes, packed: bytes) -> StoredValue | None:
        """A small value out of the arguments of a call."""
        for argument in unpack_arguments(packed, with_upstream=False):
            if argument.value_hash == value_hash and argument.kind_id is not None:
                assert argument.data is not None
                return StoredValue(value_hash, *self._identities.kind_names[argument.kind_id], argument.data)
        return None

    def load_task_sets(self, hashes: Sequence[bytes]) -> dict[bytes, frozenset[bytes]]:
        """See `Backend.load_task_sets`."""
        found = {}
        for set_hash in hashes:
            row = self._connection.execute(sql.SELECT_TASK_SET_MEMBERS, (set_hash,)).fetchone()
            if row is not None:
                found[set_hash] = frozenset(unpack_hashes(row[0]))
        return found

    def find_valid_handles(self, states: Sequence[bytes]) -> set[bytes]:
        """See `Backend.find_valid_handles`."""
        found = find_handles(self._connection, set(states))
        return {state for state, (_, is_valid) in found.items() if is_valid}

    def handle_branches(self, states: Sequence[bytes]) -> dict[bytes, dict[bytes, HandleStep]]:
        """See `Backend.handle_branches`."""
        return find_branches(self._connection, set(states))
