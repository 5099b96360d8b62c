"""Values whose bytes are in a value store: whether these are there, and what the hash says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.contents import content_problem

from redun_backend_sql.integrity.problem import Problem
from redun_backend_sql.packing import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection
    from redun_backend_sql.value_store import ValueStore

_STORED = f"""
    SELECT value.id, value.hash, type_name, codec FROM value JOIN value_kind ON value_kind.id = value.kind_id
    WHERE substr(codec, 1, {len(STORED)}) = '{STORED}' ORDER BY value.id
"""  # noqa: S608 - ours


def broken_files(connection: Connection, store: ValueStore) -> Iterator[Problem]:
    """Values whose file is missing, damaged, or that of another one. Reads every file, one at a time."""
    for number, value_hash, type_name, codec in connection.execute(_STORED):
        where = f"value {value_hash.hex()} (table value, row {number})"
        data = store.look_at(value_hash)
        if isinstance(data, str):
            yield Problem(data, where)
            continue
        what = content_problem(value_hash, type_name, codec.removeprefix(STORED), data)
        if what is not None:
            yield Problem(f"{what}, in the file {store.place(value_hash)}", where)
