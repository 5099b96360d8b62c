"""Tasks with some of their arguments given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redun.base_task import Task
from redun.hashing import hash_parts
from redun.value import hash_value, is_valid

if TYPE_CHECKING:
    from collections.abc import Mapping

R = TypeVar("R", covariant=True)


class PartialTask(Task[..., R]):
    """A task with some of its arguments given. Calling it makes an ordinary call of the original task."""

    # ruff: noqa: D102 - the methods do what those of the class above say

    type_name = "redun.PartialTask"

    def __init__(self, task: Task[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.__dict__.update({key: item for key, item in task.__dict__.items() if key not in self.__dict__})

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        return self.task(*self.args, *args, **{**self.kwargs, **kwargs})

    def partial(self, *args: Any, **kwargs: Any) -> PartialTask[R]:
        return PartialTask(self.task, self.args + args, {**self.kwargs, **kwargs})

    def options(self, **task_options: Any) -> PartialTask[R]:
        return PartialTask(self.task.options(**task_options), self.args, self.kwargs)

    def update_context(self, context: Mapping[str, Any] | None = None, **values: Any) -> PartialTask[R]:
        return PartialTask(self.task.update_context(context, **values), self.args, self.kwargs)

    def export_options(self, **task_options: Any) -> PartialTask[R]:
        return PartialTask(self.task.export_options(**task_options), self.args, self.kwargs)

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        own = bytes.fromhex(self.task.get_hash())
        return hash_parts("task", [b"partial", own, hash_value((self.args, self.kwargs))]).hex()

    def _redun_as_today(self) -> PartialTask[R]:
        from redun.expression_graph import as_today

        return PartialTask(self.task._redun_as_today(), as_today(self.args), as_today(self.kwargs))

    def is_valid(self) -> bool:
        return self.task.is_valid() and is_valid((self.args, self.kwargs))

    def __getstate__(self) -> dict[str, Any]:
        return {"task": self.task, "args": self.args, "kwargs": self.kwargs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        PartialTask.__init__(self, state["task"], state["args"], state["kwargs"])

    def __repr__(self) -> str:
        from redun.expression_repr import call_repr

        return call_repr(f"{self.task.fullname}.partial", self.args, self.kwargs)
