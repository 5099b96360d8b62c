"""A small workbench for tests of provenance: workflows that are written, run and edited, and their repository."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from redun import Scheduler
from redun.backends.base import Backend
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor
from redun.provenance import Execution, Job, Repository
from redun.provenance.reasons import Explanation

HEAD = """
from redun import File, Scheduler, catch, get_context, task
from redun.functools import seq

redun_namespace = "bench"
"""


class Bench:
    """A folder, a backend, and the latest revision of a workflow."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.repository = Repository(backend)
        self.revisions = 0
        self.source = ""
        self.module = ModuleType("none")

    def write(self, source: str) -> None:
        """Load a workflow. Each revision is a file of its own, as an editor would leave it behind."""
        self.revisions += 1
        self.source = source
        path = self.folder / f"revision_{self.revisions}.py"
        path.write_text(HEAD + source)
        self.module = ModuleType(path.stem)
        self.module.__file__ = str(path)
        sys.modules[path.stem] = self.module
        exec(compile(HEAD + source, path, "exec"), vars(self.module))

    def edit(self, old: str, new: str) -> None:
        """Load the workflow with one text replaced by another."""
        assert self.source.count(old) == 1
        self.write(self.source.replace(old, new))

    def run(self, name: str, *args: Any, **options: Any) -> Execution:
        """Run a task of the workflow; a failure is no error here."""
        scheduler = Scheduler(backend=self.backend, executor=InlineExecutor("default"))
        with contextlib.suppress(ArithmeticError):
            scheduler.run(getattr(self.module, name)(*args), **options)
        return self.repository.execution("-")

    def job(self, task_name: str, execution: str = "-", nth: int = 0) -> Job:
        """A job of an execution by the name of its task."""
        jobs = self.repository.execution(execution).jobs()
        return [job for job in jobs if job.task_name == f"bench.{task_name}"][nth]

    def explain(self, task_name: str, nth: int = 0) -> Explanation:
        """Why a job of the latest execution ran, or did not."""
        return self.job(task_name, nth=nth).explain()


def make_backend(kind: str, folder: Path) -> Backend:
    """An empty backend, loaded."""
    if kind == "memory":
        return MemoryBackend()
    from redun_backend_sql.backend import SqliteBackend

    backend = SqliteBackend(folder / "redun.db")
    backend.load()
    return backend
