"""Job numbers for schedulers that extend the execution of another one."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from redun.backends.base import EXTENSION

from redun_backend_sql.run_path import statements as sql

if TYPE_CHECKING:
    from redun_backend_sql.run_path.driver import Connection, WriteTransaction


def extend_job(connection: Connection, transaction: WriteTransaction, execution_id: str, number: int) -> int | None:
    """See `Backend.extend_job`. What is given out is written down as a lease, named after execution and extension."""
    with transaction():
        return _claim(connection, execution_id, number)


def _claim(connection: Connection, execution_id: str, number: int) -> int | None:
    execute = connection.execute
    known = execute(sql.SELECT_EXECUTION, (execution_id,)).fetchone()
    if known is None or execute(sql.SELECT_KNOWN_JOBS, (known[0], number)).fetchone() is None:
        return None
    # Above every job that is there, so that numbers stay unique even after old leases were removed.
    (last,) = execute(sql.SELECT_LAST_JOB, (known[0],)).fetchone()
    extension: int = last // EXTENSION + 1
    while execute(sql.SELECT_SCHEDULER, (f"{execution_id}/{extension}",)).fetchone() is not None:
        extension += 1
    execute(sql.INSERT_SCHEDULER, (f"{execution_id}/{extension}", socket.gethostname(), time.time()))
    return extension * EXTENSION
