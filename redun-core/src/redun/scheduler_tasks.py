"""Tasks that run inside the scheduler: the building blocks of control flow."""

from __future__ import annotations

import logging
from inspect import Signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from redun.base_task import Task
from redun.expression import SchedulerExpression
from redun.option_checks import NAME, NAMESPACE, check_name
from redun.signature import make_binder
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

logger = logging.getLogger("redun")

_WITH_OPTIONS = frozenset(["federated_task", "subrun"])
"""Redun's own scheduler tasks that hand their options on to a job."""
_warned: set[tuple[str, ...]] = set()
_HIDDEN_PARAMETERS = 3
"""The scheduler, the parent job and the expression, which the scheduler gives."""


class SchedulerTask(Task[P, R]):
    """A task that runs in the scheduler, on unevaluated arguments, and returns a promise. Made by `scheduler_task`."""

    type_name = "redun.SchedulerTask"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """A lazy expression. Its arguments are passed on as they are."""
        expr: SchedulerExpression[R] = SchedulerExpression(self.fullname, args, kwargs, self._overrides, self.nout)
        return cast("R", expr)

    def _derive(self, task_options: dict[str, Any], export_names: Iterable[str]) -> Task[P, R]:
        if self.namespace == "redun" and self.name not in _WITH_OPTIONS:
            _warn_of_no_effect(self.name, [name for name in task_options if name != "nout"])
        return super()._derive(task_options, export_names)

    def misfit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError | None:
        """Why the arguments of a call do not fit, in terms of what callers give; None if they do."""
        own = list(self.signature.parameters.values())[_HIDDEN_PARAMETERS:]
        try:
            make_binder(self.name, Signature(own)).bind(*args, **kwargs)
        except TypeError as error:
            return error
        return None

    def _validate(self) -> None:
        # Its parameters are the scheduler's own, so options cannot name them.
        where = f"scheduler task {self.fullname!r}"
        check_name(where, "the name", self.name)
        check_name(where, "the namespace", self.namespace)
        if not NAME.match(self.name) or (self.namespace and not NAMESPACE.match(self.namespace)):
            raise ValueError(f"{where}: names are ASCII letters, digits and underscores")


def _warn_of_no_effect(name: str, options: Sequence[str]) -> None:
    if options and (name, *options) not in _warned:
        _warned.add((name, *options))
        shown = ", ".join("the context" if option == "_context_override" else repr(option) for option in options)
        logger.warning(
            "%s() makes no job of its own, so these options of it do nothing: %s. Give them to the tasks that are "
            "called in its arguments",
            name,
            shown,
        )


def scheduler_task(
    name: str | None = None, namespace: str | None = None, version: str = "1", **task_options: Any
) -> Callable[[Callable[..., Any]], SchedulerTask[..., Any]]:
    """Make a function `f(scheduler, parent_job, sexpr, *args, **kwargs)` a scheduler task.

    It is called in the scheduler's thread with its arguments unevaluated, and returns a `Promise` for the result. It
    has no job of its own and is not cached.
    """

    def decorate(func: Callable[..., Any]) -> SchedulerTask[..., Any]:
        made: SchedulerTask[..., Any] = SchedulerTask(
            func, name=name, namespace=namespace, version=version, task_options_base=task_options
        )
        get_task_registry().add(made)
        return made

    return decorate
