"""The numbers by which rows refer to each other, and what is remembered about them.

A number, once committed, never changes, so it may be remembered until a collection of garbage removes rows, which every
transaction asks about. Numbers given out within a transaction that is then rolled back must be forgotten as well:
`Identities.forget`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import BackendError

from redun_backend_sql.run_path import statements as sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redun_backend_sql.run_path.driver import Connection

CHUNK_SIZE = 500
"""How many hashes one look-up asks for. More brings nothing, and SQLite limits the parameters of a statement."""

COLLECTION = "garbage collection"
"""The id of the lease in which collections of garbage count their transactions, and note which numbers were used."""

MAX_REMEMBERED_CALLS = 200_000

K = TypeVar("K")
V = TypeVar("V")


def chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The keys in parts that fit into one statement."""
    for start in range(0, len(keys), CHUNK_SIZE):
        yield keys[start : start + CHUNK_SIZE]


def select_by_prefix(connection: Connection, statement: str, hashes: Sequence[bytes], *more: object) -> Iterator[Any]:
    """The rows of a statement that takes a list of hash prefixes, then more. The caller compares the full hashes."""
    for chunk in chunks(hashes):
        prefixes = _padded([each[:8] for each in chunk])
        yield from connection.execute(sql.with_list(statement, len(prefixes)), (*prefixes, *more))


def select_by_hash(connection: Connection, statement: str, hashes: Sequence[bytes]) -> Iterator[Any]:
    """The rows of a statement that takes a list of hashes; some may come more than once."""
    for chunk in chunks(hashes):
        wanted = _padded(list(chunk))
        yield from connection.execute(sql.with_list(statement, len(wanted)), wanted)


def _padded(keys: list[bytes]) -> list[bytes]:
    """A list in one of few different lengths, so that the driver can keep the prepared statements."""
    length = CHUNK_SIZE if len(keys) > CHUNK_SIZE // 2 else 1 << (len(keys) - 1).bit_length()
    return keys + keys[-1:] * (length - len(keys))


class KnownNumbers(dict[K, int]):
    """Numbers of rows that must be there: a key that was never recorded raises `BackendError`.

    A dictionary, because it is asked several times a job, and answers at the speed of C what it has seen before.
    """

    def __init__(self, connection: Connection, select: str, kind: str) -> None:
        self._connection = connection
        self._select = select
        self._kind = kind

    def __missing__(self, key: K) -> int:
        row = self._connection.execute(self._select, (key,)).fetchone()
        if row is None:
            name = key.hex() if isinstance(key, bytes) else key
            raise BackendError(f"a record names the {self._kind} {name}, which was never recorded")
        number: int = row[0]
        self[key] = number
        return number


class InternedNames(dict[K, int]):
    """Numbers of names, given out on first sight."""

    def __init__(self, connection: Connection, select: str, insert: str) -> None:
        self._connection = connection
        self._select = select
        self._insert = insert

    def __missing__(self, key: K) -> int:
        row = self._columns(key)
        known = self._connection.execute(self._select, row).fetchone()
        if known is None:
            self._connection.execute(self._insert, row)
            known = self._connection.execute(self._select, row).fetchone()
        number: int = known[0]
        self[key] = number
        return number

    def _columns(self, key: Any) -> tuple[str, ...]:
        return key if isinstance(key, tuple) else (key,)


class InternedSignatures(InternedNames[tuple[str, ...]]):
    """Numbers of the names of a call's arguments."""

    def _columns(self, key: tuple[str, ...]) -> tuple[str, ...]:
        return (json.dumps(key),)


class NamesByNumber(dict[int, V]):
    """The way back: what a number stands for."""

    def __init__(self, connection: Connection, select: str) -> None:
        self._connection = connection
        self._select = select

    def __missing__(self, number: int) -> V:
        row = self._connection.execute(self._select, (number,)).fetchone()
        names: V = row if len(row) > 1 else row[0]
        self[number] = names
        return names


class Identities:
    """Everything that one connection knows about numbers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.executions = KnownNumbers[str](connection, sql.SELECT_EXECUTION, "execution")
        self.tasks = KnownNumbers[bytes](connection, sql.SELECT_TASK, "task")
        self.task_sets = KnownNumbers[bytes](connection, sql.SELECT_TASK_SET, "task set")
        self.kinds = InternedNames[tuple[str, str]](connection, sql.SELECT_VALUE_KIND, sql.INSERT_VALUE_KIND)
        self.executors = InternedNames[str](connection, sql.SELECT_EXECUTOR, sql.INSERT_EXECUTOR)
        self.signatures = InternedSignatures(connection, sql.SELECT_SIGNATURE, sql.INSERT_SIGNATURE)
        self.kind_names = NamesByNumber[tuple[str, str]](connection, sql.SELECT_VALUE_KIND_NAMES)
        self.task_set_hashes = NamesByNumber[bytes](connection, sql.SELECT_TASK_SET_HASH)
        self.calls: dict[bytes, int] = {}
        """By call hash; see `learn_calls`."""
        self.last_call = self.last_value = 0
        """Numbers that were given out already, even if their rows are gone: see `redun_backend_sql.garbage`."""

    def forget(self) -> None:
        """Drop everything that is remembered: after a transaction that failed, and after rows were removed."""
        caches = (self.executions, self.tasks, self.task_sets, self.kinds, self.executors, self.signatures, self.calls)
        for cache in (*caches, self.kind_names, self.task_set_hashes):
            cache.clear()

    def trim(self) -> None:
        """Keep memory bounded: what is dropped is looked up again."""
        if len(self.calls) > MAX_REMEMBERED_CALLS:
            self.calls.clear()

    def add_task(self, task_hash: bytes, row: tuple[object, ...]) -> None:
        """Make sure that a task has a row."""
        if self._is_unknown(self.tasks, task_hash, sql.SELECT_TASK):
            self._connection.execute(sql.INSERT_TASK, row)

    def add_task_set(self, set_hash: bytes, members: Sequence[bytes]) -> None:
        """Make sure that a task set has a row."""
        if self._is_unknown(self.task_sets, set_hash, sql.SELECT_TASK_SET):
            self._connection.execute(sql.INSERT_TASK_SET, (set_hash, b"".join(members)))

    def _is_unknown(self, cache: dict[bytes, int], key: bytes, select: str) -> bool:
        return key not in cache and self._connection.execute(select, (key,)).fetchone() is None

    def learn_calls(self, call_hashes: Iterable[bytes]) -> None:
        """Look up the numbers of these completed calls into `calls`.

        Raises `BackendError` for one that was never recorded.
        """
        unknown = [each for each in call_hashes if each not in self.calls]
        if unknown:
            self.calls.update(select_by_prefix(self._connection, sql.SELECT_CALL_IDS, unknown))
            for call_hash in unknown:
                if call_hash not in self.calls:
                    raise BackendError(f"a job names the call {call_hash.hex()}, which was never recorded")
