"""The files of a value store: those of values that are gone, and those that nobody ever recorded."""

# ruff: noqa: S608 - numbers and names of our own

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from redun.backends.maintenance import KindSize
from redun.backends.positions import parts

from redun_backend_sql.garbage import statements as sql
from redun_backend_sql.packing import STORED
from redun_backend_sql.run_path.identities import CHUNK_SIZE, select_by_prefix
from redun_backend_sql.run_path.statements import SELECT_VALUE_HASHES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redun.backends.maintenance import Garbage

    from redun_backend_sql.garbage.writing import Writing
    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.value_store import StoredFile, ValueStore

KIND = "stored files"

_STORED = (
    "SELECT value.hash FROM value JOIN value_kind ON value_kind.id = value.kind_id"
    f" WHERE value.id IN (?) AND substr(value_kind.codec, 1, {len(STORED)}) = '{STORED}'"
)


def with_files(
    garbage: Garbage, connection: Connection, store: ValueStore, numbers: Iterable[int], grace: float
) -> Garbage:
    """What was found, and the files that would go: those of the values with these numbers, and those of nobody."""
    count = size = 0
    for part in sql.parts(numbers):
        for (value_hash,) in sql.select_in(connection, _STORED, part):
            count += 1
            size += store.size(value_hash)
    for page in _unknown_files(connection, store, grace):
        count += len(page)
        size += sum(file.size for file in page)
    more = (KindSize(KIND, count, size),) if count else ()
    return replace(garbage, sizes=(*garbage.sizes, *more))


def remove_files(writing: Writing, store: ValueStore, gone: set[bytes], grace: float) -> None:
    """Remove the files of these values, unless one has been recorded again; and files of nobody that are old.

    Whoever records a value looks whether its file is there, under the same lock that is held here.
    """
    for part in parts(sorted(gone), CHUNK_SIZE):
        with writing.transaction():
            wanted = set(part) - _known(writing.connection, part)
            for value_hash in wanted:
                writing.removed(KIND, 1, store.size(value_hash))
                store.remove(value_hash)
    for page in _unknown_files(writing.connection, store, grace):
        with writing.transaction():
            known = _known(writing.connection, [file.value_hash for file in page if file.value_hash is not None])
            for file in page:
                if file.value_hash not in known:
                    file.path.unlink(missing_ok=True)
                    writing.removed(KIND, 1, file.size)


def _unknown_files(connection: Connection, store: ValueStore, grace: float) -> Iterator[list[StoredFile]]:
    """The files of a store on this machine that nobody has recorded, and that are older than the grace period."""
    old = time.time() - grace
    for page in parts([file for file in store.files() if file.time <= old], CHUNK_SIZE):
        known = _known(connection, [file.value_hash for file in page if file.value_hash is not None])
        unknown = [file for file in page if file.value_hash not in known]
        if unknown:
            yield unknown


def _known(connection: Connection, hashes: Iterable[bytes]) -> set[bytes]:
    return {each for (each,) in select_by_prefix(connection, SELECT_VALUE_HASHES, list(hashes))}
