"""A repository as objects: executions, jobs, calls, tasks, values and files, for notebooks and programs.

    from redun.provenance import Repository

    with Repository.open() as repository:
        execution = repository.execution("-")
        for job in execution.jobs():
            print(job.task_name, job.status, job.duration)
        print(repository.job("~1.7").explain().summary)

Everything is read when it is asked for. Objects that come from one page of jobs load their calls together.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from redun.errors import UsageError
from redun.hashing import HASH_SIZE
from redun.provenance import find as finding
from redun.provenance.models import Call, Execution, Job, Task
from redun.provenance.values import FileState, Value

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType

    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord
    from redun.provenance.filters import TagFilters

_PAGE = 100


class Repository:
    """What a backend has recorded, to be asked questions."""

    def __init__(self, backend: Backend) -> None:
        """Ask a backend that is loaded, such as that of a scheduler (`scheduler.backend`)."""
        self.backend = backend

    @classmethod
    def open(cls, config_dir: str | os.PathLike[str] | None = None) -> Repository:
        """The repository that a configuration describes, opened to look at it; close it, or use it in a `with`.

        config_dir: the folder of `redun.ini`; by default it is looked for as `redun log` does. It is not created.

        Raises `UsageError` where there is no configuration, `BackendError` for a repository that cannot be opened.
        """
        import os
        from pathlib import Path

        from redun.config.build import make_backend
        from redun.config.discovery import REDUN_INI_FILE, find_config_dir, load_config

        folder = find_config_dir(None if config_dir is None else os.fspath(config_dir))
        if "://" not in folder and not (Path(folder) / REDUN_INI_FILE).is_file():
            raise UsageError(f"no repository: there is no {folder}/{REDUN_INI_FILE}")
        backend = make_backend(load_config(folder))
        backend.load_for_questions()
        return cls(backend)

    def close(self) -> None:
        """Let go of files and connections."""
        self.backend.close()

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def executions(
        self,
        limit: int | None = None,
        *,
        task: str | Sequence[str] = (),
        status: str | Sequence[str] = (),
        tag: TagFilters = (),
        user: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | timedelta | None = None,
    ) -> Iterator[Execution]:
        """The executions, newest first, read page by page.

        Of filters all have to hold; of several names or statuses one, of tags each.

        limit: how many at most.
        task: the name of a task of which they have a job, with namespace or without.
        status: `DONE`, `FAILED`, `RUNNING`, `CANCELLED` or `LOST`.
        tag: a tag that they have, `"key=value"`, or `"key"` for any value; or a dict of keys and values.
        user: who started them: the tag `user`.
        since, until: when they began; a span of time is counted back from now, a naive time is local.

        Raises `UsageError` for what is no status and no tag.
        """
        if not (task or status or tag or user or since or until):
            return (Execution(self.backend, record) for record in self._all_executions(limit))
        from redun.provenance.filters import filtered_executions, latest

        if task or status or tag or user:
            records = filtered_executions(self.backend, task=task, status=status, tag=tag, user=user)
        else:
            records = self._all_executions(None)
        return (Execution(self.backend, record) for record in islice(latest(records, since, until), limit))

    def _all_executions(self, limit: int | None) -> Iterator[ExecutionRecord]:
        skip = 0
        while limit is None or skip < limit:
            page = _PAGE if limit is None else min(_PAGE, limit - skip)
            records = self.backend.executions(limit=page, skip=skip)
            yield from records
            skip += len(records)
            if len(records) < page:
                return

    def find(self, text: str) -> Execution | Job | Task | Value | list[Task] | list[FileState]:
        """What a text names, as on the command line of `redun log`.

        text: `-` for the latest execution, `~N` for the N-th latest, an id or its beginning, `<execution>.<number>` of
            a job, the name of a task (all its versions), or the path of a file (all its recorded states).

        Raises `UsageError` for a text that names nothing, or several things.
        """
        match finding.find(self.backend, text):
            case finding.ExecutionFound(execution_id):
                return self._execution(execution_id)
            case finding.JobFound(job):
                return Job(self.backend, job)
            case finding.TaskFound(task_hash):
                return self._task(task_hash)
            case finding.TaskNameFound(name):
                return self.tasks(name)
            case finding.ValueFound(value_hash):
                return Value(self.backend, value_hash)
            case finding.FileFound(path):
                return self.file(path)

    def execution(self, text: str = "-") -> Execution:
        """The execution that a text names: see `find`. Raises `UsageError` for anything else."""
        found: Any = self.find(text)
        if isinstance(found, Execution):
            return found
        raise UsageError(f"{text!r} is no execution")

    def job(self, text: str) -> Job:
        """The job that a text names; of an execution its root. Raises `UsageError` for anything else."""
        found: Any = self.find(text)
        if isinstance(found, Execution):
            root = found.root
            if root is None:
                raise UsageError(f"execution {found.id} ended before its first job was recorded")
            return root
        if isinstance(found, Job):
            return found
        raise UsageError(f"{text!r} is no job and no execution")

    def call(self, call_hash: str) -> Call:
        """The call with this full hash. Raises `UsageError` if there is none."""
        found = self.backend.call(_hash(call_hash))
        if found is None:
            raise UsageError(f"there is no call {call_hash} in this repository")
        return Call(self.backend, found)

    def tasks(self, name: str, limit: int = 20) -> list[Task]:
        """The versions of a task, newest first. A name without namespace finds it in every namespace."""
        return [Task(self.backend, record) for record in self.backend.tasks_named(name, limit)]

    def value(self, value_hash: str) -> Value:
        """The value with this full hash. It may be missing: then it says so when it is loaded."""
        return Value(self.backend, _hash(value_hash))

    def file(self, path: str, limit: int = 100) -> list[FileState]:
        """The recorded states of the file or directory at exactly this path, newest first."""
        if not isinstance(path, str):
            raise UsageError(f"{path!r} is no path: paths are given as text, as the workflow had them")
        return [FileState(self.backend, row.value_hash, row.path) for row in self.backend.files(path, limit)]

    def _execution(self, execution_id: str) -> Execution:
        record = self.backend.execution(execution_id)
        if record is None:
            raise UsageError(f"execution {execution_id} is not in the repository")
        return Execution(self.backend, record)

    def _task(self, task_hash: bytes) -> Task:
        record = self.backend.task(task_hash)
        if record is None:
            raise UsageError(f"there is no task {task_hash.hex()} in this repository")
        return Task(self.backend, record)


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except (TypeError, ValueError):
        found = b""
    if len(found) != HASH_SIZE:
        raise UsageError(f"{text!r} is no hash of {2 * HASH_SIZE} hex digits")
    return found
