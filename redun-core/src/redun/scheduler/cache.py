"""Finding earlier results: within the execution, and in the repository for many calls at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import FOREIGN_ERRORS, InvalidValueError
from redun.expression_graph import CODEC, open_graph
from redun.value import decode, is_valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallHit, StoredValue
    from redun.expression_graph import OpenedGraph
    from redun.scheduler.job import Job
    from redun.scheduler.prepared import TaskSet, TaskSets

logger = logging.getLogger("redun")

LARGE_GRAPH = 65_536
"""Bytes from which on a stored expression, of some thousands of calls, is decoded only when its turn has come."""
LARGEST_KEPT = 4_096
"""Bytes up to which a result stays in memory after its call has ended, to serve equal calls."""


class Finished(NamedTuple):
    """What is remembered of a finished call, for equal calls in the same execution."""

    number: int
    """That of the job which made the call."""
    parent: int
    """The number of the parent, within which equal calls are one."""
    call_hash: bytes
    value_hash: bytes | None
    tasks: TaskSet
    value: Any
    error: BaseException | None
    is_kept: bool
    """Whether `value` is there; otherwise the repository has it."""


class Hit(NamedTuple):
    """An earlier result from the repository."""

    value: Any
    value_hash: bytes
    codec: str
    call_hash: bytes | None
    tasks: frozenset[bytes] | None
    """For a final result: every task below the call. None for the result of the body alone."""
    is_small: bool
    """Whether it may stay in memory."""


class Unopened(NamedTuple):
    """A large expression that the repository remembers, not yet decoded: see `RepositoryCache.open`."""

    stored: StoredValue
    raw_hash: bytes
    call_hash: bytes | None


class RepositoryCache:
    """Looks calls up in the repository."""

    def __init__(
        self,
        backend: Backend,
        task_sets: TaskSets,
        current_hashes: Callable[[], frozenset[bytes]],
        look_up_handles: Callable[[Iterable[Any]], None],
        is_defined: Callable[[str], bool],
    ) -> None:
        """Make one.

        is_defined: whether there is a task of this name.
        look_up_handles: is given all values of a look-up before they are asked whether they are valid.
        """
        self._look_up_handles = look_up_handles
        self._is_defined = is_defined
        self._backend = backend
        self._task_sets = task_sets
        self._current_hashes = current_hashes
        self._is_current: dict[bytes, frozenset[bytes] | None] = {}

    def find(self, jobs: list[Job]) -> list[Hit | Unopened | None]:
        """For each job an earlier result that is still valid, or None."""
        hits: dict[int, Hit | Unopened] = {}
        shallow = [job for job in jobs if job.options.allows_ultimate]
        if shallow:
            hits = self._find_final(shallow)
        single = [job for job in jobs if job.options.allows_single and job.number not in hits]
        if single:
            hits.update(self._find_bodies(single))
        return [hits.get(job.number) for job in jobs]

    def _find_final(self, jobs: list[Job]) -> dict[int, Hit | Unopened]:
        by_context: dict[bytes, list[Job]] = {}
        for job in jobs:
            by_context.setdefault(job.context.hash, []).append(job)
        hits: dict[int, Hit | Unopened] = {}
        for context, those in by_context.items():
            hits.update(self._find_final_in(context, those))
        return hits

    def _find_final_in(self, context: bytes, jobs: list[Job]) -> dict[int, Hit]:
        found = self._backend.find_calls([job.eval_hash for job in jobs], context)
        tasks = self._usable_tasks({call.task_set_hash for calls in found.values() for call in calls})
        waiting = {
            job.number: iter([call for call in found[job.eval_hash] if tasks.get(call.task_set_hash) is not None])
            for job in jobs
            if job.eval_hash in found
        }
        hits: dict[int, Hit] = {}
        while waiting:
            # Nearly always the first call of each is usable, so that one round is all.
            tried = {number: call for number, calls in waiting.items() if (call := next(calls, None)) is not None}
            hits.update(self._open_finals(tried, tasks))
            waiting = {number: waiting[number] for number in tried if number not in hits}
        return hits

    def _open_finals(self, calls: dict[int, CallHit], tasks: Mapping[bytes, frozenset[bytes] | None]) -> dict[int, Hit]:
        values = self._load({call.value_hash: call.value for call in calls.values()})
        opened = self._open_all([values.get(call.value_hash) for call in calls.values()])
        hits = {}
        for (number, call), value in zip(calls.items(), opened, strict=True):
            if value is not _INVALID:
                stored = values[call.value_hash]
                is_small = len(stored.data) <= LARGEST_KEPT
                members = tasks[call.task_set_hash]
                hits[number] = Hit(value, call.value_hash, stored.codec, call.call_hash, members, is_small)
        return hits

    def _usable_tasks(self, hashes: set[bytes]) -> dict[bytes, frozenset[bytes] | None]:
        """The members of those task sets that hold nothing but tasks as they are today."""
        missing = [key for key in hashes if key not in self._is_current]
        if missing:
            current = self._current_hashes()
            for key, members in self._backend.load_task_sets(missing).items():
                self._is_current[key] = members if members <= current else None
        return self._is_current

    def _find_bodies(self, jobs: list[Job]) -> dict[int, Hit | Unopened]:
        found = self._backend.find_evaluations([job.eval_hash for job in jobs])
        if not found:
            return {}
        values = self._load({hit.raw_hash: hit.value for hit in found.values()})
        hits: dict[int, Hit | Unopened] = {}
        small: dict[int, Unopened] = {}
        for job in jobs:
            evaluation = found.get(job.eval_hash)
            stored = None if evaluation is None else values.get(evaluation.raw_hash)
            if evaluation is None or stored is None:
                continue
            unopened = Unopened(stored, evaluation.raw_hash, evaluation.call_hash)
            if stored.codec == CODEC and len(stored.data) > LARGE_GRAPH:
                hits[job.number] = unopened
            else:
                small[job.number] = unopened
        opened = self._open_all([unopened.stored for unopened in small.values()])
        for (number, unopened), value in zip(small.items(), opened, strict=True):
            if value is not _INVALID:
                hits[number] = _hit(unopened, value)
        return hits

    def open(self, unopened: Unopened) -> Hit | None:
        """What a body returned, decoded; None if it no longer holds."""
        [value] = self._open_all([unopened.stored])
        return None if value is _INVALID else _hit(unopened, value)

    def _open_all(self, stored: Iterable[StoredValue | None]) -> list[Any]:
        """The values, with `_INVALID` for what is missing, cannot be decoded, or no longer holds."""
        opened = [_open(each, self._is_defined) for each in stored]
        self._look_up_handles(part for _, parts in opened for part in parts)
        return [value if all(map(_holds, parts)) else _INVALID for value, parts in opened]

    def _load(self, known: dict[bytes, StoredValue | None]) -> dict[bytes, StoredValue]:
        missing = [key for key, stored in known.items() if stored is None]
        loaded = self._backend.load_values(missing) if missing else {}
        return {**loaded, **{key: stored for key, stored in known.items() if stored is not None}}

    def load_value(self, value_hash: bytes) -> Any:
        """One value. Raises `InvalidValueError` when it is gone."""
        stored = self._backend.load_values([value_hash]).get(value_hash)
        if stored is None:
            raise InvalidValueError(f"the repository has no value {value_hash.hex()}")
        return decode(stored.codec, stored.data, stored.type_name)


_INVALID = object()


def _hit(unopened: Unopened, value: Any) -> Hit:
    stored, raw_hash, call_hash = unopened
    return Hit(value, raw_hash, stored.codec, call_hash, None, len(stored.data) <= LARGEST_KEPT)


def _open(stored: StoredValue | None, is_defined: Callable[[str], bool]) -> tuple[Any, Sequence[Any]]:
    """A value, and the values in it that have to be asked whether they hold."""
    if stored is None:
        return _INVALID, ()
    try:
        if stored.codec == CODEC:
            value, values, task_names = _open_graph(stored.data)
            # A body that imports or defines the task does so again when it runs.
            return (value, values) if all(map(is_defined, task_names)) else (_INVALID, ())
        value = decode(stored.codec, stored.data, stored.type_name)
    except InvalidValueError as error:
        _warn_once(stored.type_name, error)
        return _INVALID, ()
    return value, () if stored.codec in _ALWAYS_VALID else (value,)


_warned: set[str] = set()


def _warn_once(type_name: str, error: InvalidValueError) -> None:
    """Say why results are made again, but not once for each of thousands."""
    if type_name not in _warned:
        _warned.add(type_name)
        logger.warning("cached results of type %s are made again: %s", type_name, error)


def _holds(value: Any) -> bool:
    try:
        return is_valid(value)
    except FOREIGN_ERRORS as error:  # the user's own method: what it cannot vouch for is made again
        logger.warning("%s cannot say whether it is valid, so it is made again: %r", type(value).__name__, error)
        return False


def _open_graph(data: bytes) -> OpenedGraph:
    """An expression is usable as long as every file, task and other value in it is as it was."""
    try:
        return open_graph(data)
    except InvalidValueError:
        raise
    except FOREIGN_ERRORS as error:  # classes run their own code here, and data from elsewhere may be anything
        raise InvalidValueError(f"a stored expression cannot be rebuilt: {error}") from error


_ALWAYS_VALID = frozenset({"plain", "bytes", "graph"})
