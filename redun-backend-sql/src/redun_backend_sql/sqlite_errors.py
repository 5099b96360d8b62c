"""Saying clearly why SQLite could not do something."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def translated_errors(path: Path | None) -> Iterator[None]:
    """Raise the driver's errors as `BackendError`, with what the user can do."""
    try:
        yield
    except sqlite3.Error as error:
        raise BackendError(_explain(error, path)) from error


def _explain(error: sqlite3.Error, path: Path | None) -> str:
    text = str(error)
    name = f"the repository {path}" if path is not None else "the repository in memory"
    if "locked" in text or "busy" in text:
        return (
            f"{name} is locked by another process, and stayed so while this one waited. Wait for that process or end it"
            " (`fuser` or `lsof` on the file shows it), then try again."
        )
    if "not a database" in text:
        return f"{path} is not a SQLite database. Point `db_uri` in [backend] at another file."
    if "malformed" in text:
        return f"{name} is damaged ({text}). Restore it from a copy, or move it away to begin a new one."
    if "full" in text:
        return f"the disk is full: {name} cannot be written, and lacks the last batch. Free some space and run again."
    if "readonly" in text:
        return f"{name} cannot be written: the file or its folder is read-only for this user."
    if "unable to open" in text:
        reason = _why_not(path)
        return f"{name} cannot be opened: {reason}{'' if reason.endswith('?') else '.'}"
    return f"{name}: {text}"


def _why_not(path: Path | None) -> str:
    if path is None:
        return "SQLite gives no reason"
    try:
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"{path.parent} is not a folder"
    except PermissionError:
        return f"this user may not look into the folder {path.parent}"
    effective = os.access in os.supports_effective_ids
    if path.exists() and not os.access(path, os.R_OK, effective_ids=effective):
        return "this user may not read it"
    if not os.access(path.parent, os.W_OK, effective_ids=effective):
        return f"this user may not write to the folder {path.parent}"
    if not path.exists():
        return f"no file can be made in the folder {path.parent}. Choose a folder for ordinary files"
    return (
        f"SQLite gives no reason. It needs to make files beside it: is {path.parent} a folder for ordinary files, and"
        " are fewer files open than this process may have (`ulimit -n`)?"
    )
