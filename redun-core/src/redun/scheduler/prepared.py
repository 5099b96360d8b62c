"""Tasks, prepared for a run: everything about a task that is the same for all of its calls, worked out once."""

from __future__ import annotations

import marshal
from typing import Any

from redun import nested
from redun.executors.base import TaskTarget
from redun.expression import Expression, has_expressions
from redun.hashing import hash_data
from redun.job_info import JobInfo
from redun.task import SchedulerTask, Task

UNFINISHED = hash_data("task", b"redun.unfinished")
"""Stands for a task that nobody ever registers, so that a task set with it never is that of today."""
ROOT = "redun.root_task"
"""The task whose argument is what a run was given, where that is no plain call."""
SUB_RUN = "redun.subrun_root_task"
"""The task below whose jobs sub-schedulers add others."""


class TaskSet:
    """The tasks used by a call and below it: one object for each distinct set within a run."""

    __slots__ = ("hash", "is_recorded", "members")

    def __init__(self, members: frozenset[bytes]) -> None:
        self.members = members
        self.hash = hash_data("taskset", b"".join(sorted(members)))
        self.is_recorded = False


class TaskSets:
    """Makes task sets, each distinct one once."""

    def __init__(self) -> None:
        self._by_members: dict[frozenset[bytes], TaskSet] = {}
        self._unions: dict[tuple[TaskSet, ...], TaskSet] = {}
        self.unfinished = self.of(frozenset([UNFINISHED]))
        """Part of the task set of a call that came to its end while something below it had not."""

    def of(self, members: frozenset[bytes]) -> TaskSet:
        """The set with these members."""
        found = self._by_members.get(members)
        if found is None:
            found = self._by_members[members] = TaskSet(members)
        return found

    def union(self, own: TaskSet, below: dict[TaskSet, None]) -> TaskSet:
        """The union of a task's own set and those of the calls below it."""
        if not below or (len(below) == 1 and own in below):
            return own
        key = (own, *below)
        found = self._unions.get(key)
        if found is None:
            found = self.of(own.members.union(*(item.members for item in below)))
            self._unions[key] = found
        return found


class PreparedTask:
    """A task as the engine sees it during one run."""

    __slots__ = (
        "bind",
        "binder",
        "counts",
        "declared_options",
        "fullname",
        "hash",
        "hashed",
        "is_extended",
        "is_scheduler_task",
        "job_info_positions",
        "lazy_defaults",
        "lazy_options",
        "names",
        "names_prefix",
        "own_tasks",
        "plain_options",
        "record_written",
        "target",
        "task",
    )

    def __init__(self, task: Task[..., Any], task_sets: TaskSets, import_paths: tuple[str, ...]) -> None:
        self.task = task
        self.fullname = task.fullname
        self.hash = task.hash_bytes
        self.is_scheduler_task = isinstance(task, SchedulerTask)
        self.is_extended = self.fullname == SUB_RUN
        self.counts = [0, 0, 0, 0, 0]
        declared = task.declared_options
        self.lazy_options = {name: value for name, value in declared.items() if has_expressions(value)}
        """Options of the decorator that are evaluated for each call, in the context of its parent."""
        self.declared_options = {name: value for name, value in declared.items() if name not in self.lazy_options}
        self.plain_options: dict[int, Any] = {}
        """Resolved options of calls without options of their own, by the identity of what their parent exports."""
        self.record_written = False
        self.own_tasks = task_sets.of(frozenset([self.hash]))
        self.target = TaskTarget(self.fullname, self.hash, task.load_module, import_paths, task.is_async(), task.script)
        if not self.is_scheduler_task:
            self._prepare_signature()

    def _prepare_signature(self) -> None:
        task = self.task
        self.binder = task.binder
        self.bind = self.binder.bind
        self.names = self.binder.names
        defaults = [parameter.default for parameter in task.signature.parameters.values()]
        self.job_info_positions = tuple(index for index, default in enumerate(defaults) if isinstance(default, JobInfo))
        self.lazy_defaults = {
            id(default): default for default in defaults if any(_is_lazy(leaf) for leaf in nested.iter_leaves(default))
        }
        config_args = set(task.get_task_option("config_args") or ())
        self.hashed = tuple(
            index
            for index, name in enumerate(self.names)
            if name not in config_args and index not in self.job_info_positions
        )
        self.names_prefix = marshal.dumps(tuple(self.names[index] for index in self.hashed), 2)


def _is_lazy(leaf: Any) -> bool:
    return isinstance(leaf, Expression)
