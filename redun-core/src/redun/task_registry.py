"""The tasks of this process, by name."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.task import Task


class TaskRegistry:
    """Every task that has been defined, by full name. A later definition of a name replaces the earlier one."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task[..., Any]] = {}
        self.hashes_helpers = False
        """Whether tasks that do not say so themselves count the plain functions they call in their hash."""
        self._watched: list[weakref.ref[Task[..., Any]]] = []
        self._lock = threading.Lock()

    def watch(self, task: Task[..., Any]) -> None:
        """Note that a task's hash holds only as long as the plain functions that it calls are the same."""
        with self._lock:
            self._watched.append(weakref.ref(task))

    def forget_outdated(self) -> None:
        """Forget the hashes for which functions counted that have been defined anew, as in a notebook."""
        if not self._watched:
            return
        with self._lock:
            same = []
            for reference in self._watched:
                task = reference()
                if task is None:
                    continue
                if task.helpers_are_same():
                    same.append(reference)
                else:
                    task.forget_hash()
            self._watched = same

    def hash_helpers(self, by_default: bool) -> None:
        """Set whether tasks count the plain functions they call in their hash, unless they say so themselves."""
        if by_default != self.hashes_helpers:
            self.hashes_helpers = by_default
            for task in self:
                task.forget_hash()

    def add(self, task: Task[..., Any]) -> None:
        """Register a task under its full name."""
        self._tasks[task.fullname] = task

    def get(self, task_name: str | None = None, hash: str | None = None) -> Task[..., Any] | None:  # noqa: A002
        """A task by its full name, or by its hash; None if there is none."""
        if task_name is not None:
            return self._tasks.get(task_name)
        return next((task for task in self._tasks.values() if task.hash == hash), None)

    def rename(self, old_name: str, new_namespace: str, new_name: str) -> Task[..., Any]:
        """Give a registered task another name. Raises `KeyError` if it is not registered."""
        task = self._tasks.pop(old_name)
        task.name, task.namespace = new_name, new_namespace
        task.forget_hash()
        self.add(task)
        return task

    @property
    def task_hashes(self) -> set[str]:
        """The hashes of all registered tasks."""
        return {task.hash for task in self._tasks.values()}

    def __iter__(self) -> Iterator[Task[..., Any]]:
        return iter(list(self._tasks.values()))


_registry = TaskRegistry()


def get_task_registry() -> TaskRegistry:
    """The registry of this process."""
    return _registry
