"""Opening a SQLite file to read and write."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from redun.errors import BackendError

from redun_backend_sql.sqlite_errors import translated_errors

logger = logging.getLogger("redun.backend")

BUSY_TIMEOUT = 60.0
"""Seconds to wait for another process that writes."""

ATTEMPT_MILLISECONDS = 100
"""How long SQLite itself waits for the other process."""

CACHE_KIB = 256 * 1024
WAL_AUTOCHECKPOINT_PAGES = 20_000
"""With larger transactions and rarer checkpoints a page that many rows share is written once, not once for each."""

ROOM_FOR_OTHER_COLUMNS = 100_000
"""Bytes of a row that a value does not get: its path, the hashes of its children."""

NETWORK_FILESYSTEMS = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ncpfs",
    "lustre",
    "ceph",
    "fuse.sshfs",
    "fuse.glusterfs",
)


def open_connection(path: Path | None, *, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection to a SQLite file, made if it is missing; None is a database in memory.

    The connection is in autocommit mode: transactions are begun and ended by statements. It may be used from any
    thread, by one at a time.

    Raises `BackendError` when the file cannot be opened, or is not a database.
    """
    with translated_errors(path):
        if path is not None:
            _make_folder(path.parent)
        try:
            return _connect(path, busy_timeout)
        except sqlite3.OperationalError as error:
            if path is None or not getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR_SHM"):
                raise
            _give_up_write_ahead_log(path, busy_timeout)
            return _connect(path, busy_timeout)


def _connect(path: Path | None, busy_timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:" if path is None else path,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        # Reads the file's header: a file that is no database fails here, before anything is changed.
        _execute_patiently(connection, "PRAGMA schema_version")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _give_up_write_ahead_log(path: Path, busy_timeout: float) -> None:
    """Switch a file back that was brought, with its log, to a filesystem where the log cannot be used."""
    with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as connection:
        # Before the log is first looked at: then SQLite needs no shared memory, and nobody else may use the file.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=DELETE")


def use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch the file to the write-ahead log, or to the rollback journal where that log cannot be had."""
    reason = "it lies on a network filesystem" if _is_on_network(path) else _why_no_shared_memory(connection, path)
    if not reason:
        try:
            mode = _set_journal_mode(connection, "wal")
        except sqlite3.OperationalError as error:
            if "lock" in str(error) or "readonly" in str(error):
                raise
            mode, reason = "", str(error)
        if mode == "wal":
            # A power cut may then lose the last transactions, never the consistency of the file.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={WAL_AUTOCHECKPOINT_PAGES}")
            return
        reason = reason or f"SQLite keeps to the journal mode {mode!r}"
    logger.warning(
        "The repository %s cannot use SQLite's write-ahead log (%s): it works with the slower rollback journal.",
        path,
        reason,
    )
    _set_journal_mode(connection, "delete")


def begin_writing(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes, when no other process writes any more.

    Raises `sqlite3.OperationalError` when the other process has not ended after the connection's time-out.
    """
    _execute_patiently(connection, "BEGIN IMMEDIATE")


def _execute_patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what may have to wait for another process.

    SQLite itself waits without a look at signals, so that Ctrl-C would go unheard for a minute: it is asked again and
    again.
    """
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + milliseconds / 1000
    connection.execute(f"PRAGMA busy_timeout={min(milliseconds, ATTEMPT_MILLISECONDS)}")
    try:
        while True:
            try:
                connection.execute(statement).fetchone()
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= deadline:
                    raise
    finally:
        connection.execute(f"PRAGMA busy_timeout={milliseconds}")


def within_limits(connection: sqlite3.Connection, max_value_size: int | None) -> int:
    """The most bytes that a value may have, given what the user allows and what SQLite can hold in a row."""
    possible = connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - ROOM_FOR_OTHER_COLUMNS
    return possible if max_value_size is None else min(possible, max_value_size)


def _set_journal_mode(connection: sqlite3.Connection, mode: str) -> str:
    """The journal mode after asking for another one.

    SQLite does not wait for other processes when it switches, although it does for everything else.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            (actual,) = connection.execute("PRAGMA journal_mode").fetchone()
            if actual != mode:
                (actual,) = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()
            return str(actual)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _why_no_shared_memory(connection: sqlite3.Connection, path: Path) -> str:
    """Why the file next to the log, through which processes share memory, would not work here; empty if it would.

    SQLite notices only after it has switched to the log, and then can no longer read the file.
    """
    if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return ""
    from mmap import mmap
    from tempfile import TemporaryFile

    try:
        with TemporaryFile(dir=path.parent) as file:
            file.truncate(1)
            mmap(file.fileno(), 1).close()
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOTSUP):
            return ""  # nothing that speaks of shared memory: SQLite will say more of it
        return f"its filesystem shares no memory between processes: {error.strerror}"
    return ""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackendError(f"cannot make the folder {folder} for the repository: {error.strerror}") from error


def _is_on_network(path: Path) -> bool:
    """Whether the file lies on a filesystem on which processes of several machines cannot share memory."""
    try:
        mounts = Path("/proc/self/mounts").read_text()
    except OSError:
        return False
    folder = os.path.realpath(path.parent)
    best, best_type = "", ""
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        is_above = folder == point or folder.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best, best_type = point, kind
    return best_type in NETWORK_FILESYSTEMS
