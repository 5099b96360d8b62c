"""The ways to run programs that are compared: executors and repositories."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from redun.backends.base import Backend
from redun.backends.memory import MemoryBackend
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.sqlite_backend import SqliteBackend
from truth_check import Check
from truth_drawing import Step
from truth_engine import Engine, Sections
from truth_programs import Program

History = tuple[Program, list[Step]]
_numbers = itertools.count(1)


INLINE = {"type": "inline"}
LOOP = {"type": "local"}
"""Async tasks need an event loop, whatever the mode."""
inline: Sections = {"executors.default": INLINE, "executors.loop": LOOP, "executors.sub": INLINE}
threads: Sections = {
    "executors.default": {"type": "local", "max_workers": 4},
    "executors.loop": {"type": "alias", "target": "default"},
    "executors.sub": LOOP,
}
processes: Sections = {
    "executors.default": {"type": "local", "mode": "process", "max_workers": 2},
    "executors.loop": {"type": "alias", "target": "default"},
    "executors.sub": LOOP,
}
sub_runs_elsewhere: Sections = {**inline, "executors.sub": {"type": "local", "mode": "process", "max_workers": 1}}


def compare(folder: Path, sections: Sections, history: History) -> None:
    """On a repository in memory."""
    backend = MemoryBackend()
    Check(Engine(folder, sections), lambda: nullcontext(backend)).history(*history)


def compare_on_sqlite(folder: Path, history: History, sections: Sections = inline) -> None:
    """On a SQLite file, which each run opens anew, and which is whole in the end."""
    path = folder / f"repository-{next(_numbers)}.db"
    sections = {**sections, "backend": {"db_uri": f"sqlite:///{path}"}}
    try:
        Check(Engine(folder, sections), lambda: _sqlite(path)).history(*history)
        if sections["executors.sub"] == INLINE:  # an interrupt may kill the process of a sub-run at any moment
            problems = list(check_repository(path))
            assert not problems, problems
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
