"""Checking the options that tasks give to executors, with the models that executors declare for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from redun.config.nearest import nearest
from redun.config.validation import option_names, settings_model
from redun.errors import PluginError, SchedulerError
from redun.scheduler.option_names import ENGINE, KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.executors.base import Executor

logger = logging.getLogger("redun")


class ExecutorOptions:
    """The options that one executor has for tasks.

    An executor without a model (`Executor.task_options`) takes what it is given. No model is imported before a task has
    an option that is none of the scheduler's own.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._warned: set[tuple[str, str]] = set()

    def check(self, task_name: str, options: Mapping[str, Any]) -> None:
        """Raise `SchedulerError` if an option has a value that the executor cannot use.

        An option that the executor does not know is no error, since it may be for another one. But a name that is
        nearly one of this executor's is warned about, once a task.
        """
        if not options or self._executor.task_options is None:
            return
        given = {name: value for name, value in options.items() if name not in ENGINE and value is not None}
        if not given:
            return
        try:
            model = settings_model(self._executor.task_options)
        except PluginError as error:
            raise SchedulerError(
                f"The task options of executor {self._executor.name!r} are not known: {error}"
            ) from None
        assert model is not None
        known = option_names(model)
        self._warn_of_slips(task_name, [name for name in given if name not in known], list(known))

        from pydantic import ValidationError

        try:
            model.model_validate({name: value for name, value in given.items() if name in known})
        except ValidationError as error:
            raise SchedulerError(
                "\n".join(
                    f"task {task_name!r}: the option {'.'.join(map(str, problem['loc'])) or 'given'} = "
                    f"{problem['input']!r} cannot be used by the executor {self._executor.name!r}: {problem['msg']}"
                    for problem in error.errors(include_url=False)
                )
            ) from None

    def _warn_of_slips(self, task_name: str, unknown: list[str], known: list[str]) -> None:
        for name in unknown:
            meant = None if name in KNOWN or (task_name, name) in self._warned else nearest(name, known)
            if meant is not None:
                self._warned.add((task_name, name))
                logger.warning(
                    "task %r: the executor %r has no option %r. Did you mean %r?",
                    task_name,
                    self._executor.name,
                    name,
                    meant,
                )
