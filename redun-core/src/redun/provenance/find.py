"""What the text that somebody gave to `redun log` names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, EntityRef
from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.backends.base import Backend
    from redun.backends.records import JobRow

_LATEST = re.compile(r"-|~([1-9][0-9]*)")
_JOB = re.compile(r"(.+)\.([1-9][0-9]*)")
_ID_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]*", re.IGNORECASE)
_TASK_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*")
_MAX_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class ExecutionFound:
    """An execution, by its full id."""

    execution_id: str


@dataclass(frozen=True, slots=True)
class JobFound:
    """A job of an execution."""

    job: JobRow


@dataclass(frozen=True, slots=True)
class TaskFound:
    """One version of a task."""

    task_hash: bytes


@dataclass(frozen=True, slots=True)
class TaskNameFound:
    """All versions of the tasks with this name."""

    name: str


@dataclass(frozen=True, slots=True)
class ValueFound:
    """A value."""

    value_hash: bytes


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file or directory, by the path that was recorded."""

    path: str


Found = ExecutionFound | JobFound | TaskFound | TaskNameFound | ValueFound | FileFound


class AmbiguousIdError(UsageError):
    """An id prefix names several things."""


def find(backend: Backend, text: str) -> Found:
    """Find what a text names.

    text: `-` (the latest execution), `~N` (the N-th latest), an id or its beginning, `<execution>.<job number>`, the
        name of a task, or the path of a file.

    Raises UsageError for a text that names nothing, AmbiguousIdError, with the candidates, for one that names several
    things.
    """
    if not isinstance(text, str):
        raise UsageError(f"{text!r} is no id: ids, names and paths are given as text, such as '-' or '3f9a2c1b.17'")
    found = (
        _find_execution(backend, text)
        or _find_job(backend, text)
        or _find_task_name(backend, text)
        or _find_by_prefix(backend, text)
        or _find_file(backend, text)
    )
    if found is None:
        raise UsageError(f"{text!r} names no execution, job, task, value or file in this repository")
    return found


def find_execution(backend: Backend, text: str) -> str:
    """The full id of the execution that a text names: `-`, `~N`, an id or its beginning.

    Raises what `find` raises.
    """
    found = _find_execution(backend, text) or _find_by_prefix(backend, text, EntityKind.EXECUTION)
    if not isinstance(found, ExecutionFound):
        job = _JOB.fullmatch(text)
        if job is not None and (_LATEST.fullmatch(job[1]) or _ID_PREFIX.fullmatch(job[1])):
            raise UsageError(f"{text!r} is a job, and an execution is needed: {job[1]}")
        raise UsageError(f"{text!r} names no execution in this repository")
    return found.execution_id


def find_task(backend: Backend, text: str) -> bytes:
    """The hash of the version of a task whose hash begins like this. Raises what `find` raises."""
    found = _find_by_prefix(backend, text, EntityKind.TASK)
    if not isinstance(found, TaskFound):
        raise UsageError(f"{text!r} is not the hash of a task in this repository, or the beginning of one")
    return found.task_hash


def find_value(backend: Backend, text: str) -> bytes:
    """The hash of the value whose hash begins like this. Raises what `find` raises."""
    found = _find_by_prefix(backend, text, EntityKind.VALUE)
    if not isinstance(found, ValueFound):
        raise UsageError(f"{text!r} is not the hash of a value in this repository, or the beginning of one")
    return found.value_hash


def find_tagged(backend: Backend, text: str) -> tuple[EntityKind, str]:
    """The kind and id, as tags have them, of the one thing that a text names.

    Raises what `find` raises, and UsageError for a name of several versions of a task or states of a file.
    """
    if _ID_PREFIX.fullmatch(text) is not None and _find_task_name(backend, text) is None:
        # `find` shows a call through a job of it. Here it is the call that is meant.
        refs = backend.find_ids(text.lower(), limit=2)
        if len(refs) == 1 and refs[0].kind is EntityKind.CALL:
            return refs[0]
    match find(backend, text):
        case ExecutionFound(execution_id):
            return EntityKind.EXECUTION, execution_id
        case JobFound(job):
            return EntityKind.JOB, f"{job.execution_id}.{job.number}"
        case TaskFound(task_hash):
            return EntityKind.TASK, task_hash.hex()
        case ValueFound(value_hash):
            return EntityKind.VALUE, value_hash.hex()
        case TaskNameFound(name):
            return EntityKind.TASK, _the_only(name, "versions of a task", [t.hash for t in backend.tasks_named(name)])
        case FileFound(path):
            states = [row.value_hash for row in backend.files(path)]
            return EntityKind.VALUE, _the_only(path, "states of a file", states)


def _the_only(text: str, what: str, hashes: list[bytes]) -> str:
    if len(hashes) > 1:
        shown = "".join(f"\n  {each.hex()}" for each in hashes)
        raise AmbiguousIdError(f"{text!r} names several {what}:{shown}")
    return hashes[0].hex()


def _find_execution(backend: Backend, text: str) -> ExecutionFound | None:
    match = _LATEST.fullmatch(text)
    if match is None:
        return None
    number = int(match[1] or 1)
    executions = backend.executions(limit=1, skip=number - 1)
    if not executions:
        raise UsageError(
            "there are no executions in this repository yet"
            if number == 1
            else f"{text}: the repository has fewer than {number} executions"
        )
    return ExecutionFound(executions[0].id)


def _find_job(backend: Backend, text: str) -> JobFound | None:
    match = _JOB.fullmatch(text)
    if match is None or not (_LATEST.fullmatch(match[1]) or _ID_PREFIX.fullmatch(match[1])):
        return None
    execution = _find_execution(backend, match[1]) or _find_by_prefix(backend, match[1], EntityKind.EXECUTION)
    if not isinstance(execution, ExecutionFound):
        return None
    job = backend.job(execution.execution_id, int(match[2]))
    if job is None:
        raise UsageError(f"execution {execution.execution_id} has no job number {match[2]}")
    return JobFound(job)


def _find_task_name(backend: Backend, text: str) -> TaskNameFound | None:
    if _TASK_NAME.fullmatch(text) and backend.tasks_named(text, limit=1):
        return TaskNameFound(text)
    return None


def _find_by_prefix(backend: Backend, text: str, only: EntityKind | None = None) -> Found | None:
    if _ID_PREFIX.fullmatch(text) is None:
        return None
    candidates = [
        ref for ref in backend.find_ids(text.lower(), limit=_MAX_CANDIDATES) if only is None or ref.kind is only
    ]
    # A task's version is stored as a value as well, under the same hash.
    tasks = {ref.id for ref in candidates if ref.kind is EntityKind.TASK}
    candidates = [ref for ref in candidates if ref.kind is not EntityKind.VALUE or ref.id not in tasks]
    if not candidates:
        return None
    if len(candidates) > 1:
        shown = "".join(f"\n  {ref.kind.name.lower():9} {ref.id}" for ref in candidates)
        more = "\n  and perhaps more" if len(candidates) >= _MAX_CANDIDATES else ""
        file = _find_file(backend, text) if only is None else None
        also = f"\n  file      ./{text}\nThe file is meant by ./{text}" if file is not None else ""
        raise AmbiguousIdError(f"{text!r} is the beginning of several ids:{shown}{more}{also}")
    return _of_entity(backend, candidates[0])


def _of_entity(backend: Backend, ref: EntityRef) -> Found | None:
    if ref.kind is EntityKind.EXECUTION:
        return ExecutionFound(ref.id)
    if ref.kind is EntityKind.TASK:
        return TaskFound(bytes.fromhex(ref.id))
    if ref.kind is EntityKind.VALUE:
        return ValueFound(bytes.fromhex(ref.id))
    if ref.kind is EntityKind.CALL:
        # A call is shown through the newest job that made it.
        jobs = backend.jobs_of_call(bytes.fromhex(ref.id), limit=1)
        return JobFound(jobs[0]) if jobs else None
    return None


def _find_file(backend: Backend, text: str) -> FileFound | None:
    for spelling in _spellings(text):
        if spelling and backend.files(spelling, limit=1):
            return FileFound(spelling)
    return None


def _spellings(text: str) -> Iterable[str]:
    """The ways in which a path may have been recorded: as it was written in the workflow, wherever that was run."""
    spellings = [text, text.rstrip("/")]
    if "://" not in text:
        folder = Path.cwd()
        # Without `..`, and yet not resolved: a link in a path was recorded as it is.
        absolute = Path(os.path.normpath(folder / text))
        spellings.append(str(absolute))
        for base in (folder, *folder.parents):
            if absolute != base and absolute.is_relative_to(base) and base.name:
                relative = str(absolute.relative_to(base))
                spellings += [relative, f"./{relative}"]
    return dict.fromkeys(spellings)
