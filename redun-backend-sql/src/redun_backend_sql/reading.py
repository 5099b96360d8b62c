"""Opening a repository that this user may not write to: a finished project in an archive, or a colleague's."""

from __future__ import annotations

import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from redun.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger("redun.backend")


def is_writable(path: Path) -> bool:
    """Whether a repository can be written by this user: the file, and the folder, where SQLite makes files beside it.

    Of a file that does not exist yet, whether it could be made.
    """
    try:
        if path.exists():
            return _may_write(path) and _may_write(path.parent)
        return _may_write(next(folder for folder in path.parents if folder.exists()))
    except PermissionError:  # a folder that this user may not look into
        return False


def refuse_unwritable(path: Path, name: str) -> None:
    """Raise `BackendError` for a file that this user may only read: SQLite opens it, and fails at the first record."""
    if not _may_write(path):
        raise BackendError(f"{name} cannot be written: the file is read-only for this user.")


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and makes no files.

    A file with a write-ahead log is read as if nobody wrote to it, unless somebody does: then the log's two files are
    there, and are read as well. Where they cannot be used, that is said.

    Raises `BackendError` when there is no such file, or it cannot be read.
    """
    uri = path.absolute().as_uri()
    if not _has_log(path) or _beside(path, "-shm").is_file():
        connection = _connect(f"{uri}?mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if "open" not in str(error) and "readonly" not in str(error):
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    log = _beside(path, "-wal")
    if log.is_file() and log.stat().st_size:
        logger.warning("The latest runs may be missing: this user may not use the log %s.", log)
    # SQLite would make the log's files anew, which then belong to this user: the next run of the owner would fail.
    return _connect(f"{uri}?mode=ro&immutable=1")


def _has_log(path: Path) -> bool:
    """Whether the header of the file says that it is used with a write-ahead log."""
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except FileNotFoundError:
        raise BackendError(
            f"there is no repository {path}, and this user may not make one there. Choose another db_uri in [backend]."
        ) from None
    except OSError as error:
        raise BackendError(f"the repository {path} cannot be opened: {error.strerror}.") from error
    return header[18:20] == b"\x02\x02"


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
