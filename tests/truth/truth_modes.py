"""The ways to run programs that are compared: executors and repositories."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from redun.backends.base import Backend
from redun.backends.memory import MemoryBackend
from redun.executors.base import Executor
from redun.executors.inline import InlineExecutor
from redun_backend_sql.sqlite_backend import SqliteBackend
from redun_executor_local.executor import LocalExecutor
from truth_check import Check
from truth_drawing import Step
from truth_engine import Engine
from truth_programs import Program

History = tuple[Program, list[Step]]
_numbers = itertools.count(1)


def inline() -> Executor:
    return InlineExecutor("truth")


def threads() -> Executor:
    return LocalExecutor("truth", max_workers=4)


def processes() -> Executor:
    return LocalExecutor("truth", mode="process", max_workers=2)


def compare(folder: Path, make_executor: Callable[[], Executor], history: History) -> None:
    """On a repository in memory."""
    backend = MemoryBackend()
    Check(Engine(folder, make_executor), lambda: nullcontext(backend)).history(*history)


def compare_on_sqlite(folder: Path, history: History) -> None:
    """On a SQLite file, which each run opens anew."""
    path = folder / f"repository-{next(_numbers)}.db"
    try:
        Check(Engine(folder, inline), lambda: _sqlite(path)).history(*history)
    finally:
        for file in folder.glob(f"{path.name}*"):
            file.unlink()


@contextmanager
def _sqlite(path: Path) -> Iterator[Backend]:
    backend = SqliteBackend(path)
    try:
        yield backend
    finally:
        backend.close()
