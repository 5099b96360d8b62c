"""Task sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.hashing import HASH_SIZE, hash_data

from redun_backend_sql.integrity.problem import Problem, shown, unless_unreadable
from redun_backend_sql.packing import unpack_hashes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun_backend_sql.run_path.driver import Connection


def broken_task_sets(connection: Connection) -> Iterator[Problem]:
    """Task sets that are not what their hash says, and those that name a task which is not there."""
    known = {task_hash for (task_hash,) in connection.execute("SELECT hash FROM task")}
    for number, set_hash, members in connection.execute("SELECT id, hash, members FROM task_set"):
        where = f"task set {shown(set_hash)} (table task_set, row {number})"
        yield from unless_unreadable(_problems(set_hash, members, known, where), where)


def _problems(set_hash: bytes, members: bytes, known: set[bytes], where: str) -> Iterator[Problem]:
    if not members or len(members) % HASH_SIZE or hash_data("taskset", members) != set_hash:
        yield Problem("its members are not what its hash says", where)
        return
    for task_hash in unpack_hashes(members):
        if task_hash not in known:
            yield Problem(f"names the task {task_hash.hex()}, which is not there", where)
