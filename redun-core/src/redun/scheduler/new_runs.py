"""What a run begins with: the row of its execution, and what the configuration and the plugins add to it."""

from __future__ import annotations

import os
import platform
import time
import uuid
from typing import TYPE_CHECKING, Any

from redun.backends.records import ExecutionRecord, Status
from redun.errors import UsageError
from redun.expression import TaskExpression
from redun.scheduler.context import NO_CONTEXT, Context
from redun.scheduler.root import root_task
from redun.task import split_task_fullname

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.backends.base import Backend
    from redun.config import Config
    from redun.scheduler.events import JobObserver


def check_execution_id(backend: Backend, execution_id: str) -> None:
    """Raise `UsageError` for an id that a new execution cannot have: it is no UUID, or belongs to another one."""
    try:
        is_uuid = str(uuid.UUID(execution_id)) == execution_id
    except ValueError:
        is_uuid = False
    if not is_uuid:
        raise UsageError(f"the execution id {execution_id!r} must be a UUID, such as {uuid.uuid4()}")
    if backend.execution(execution_id) is not None:
        raise UsageError(f"there is an execution {execution_id} already: choose another id, or none")


def execution_record(execution_id: str | None, argv: tuple[str, ...]) -> ExecutionRecord:
    """The row of an execution that begins now, in this process.

    execution_id: None for a new one.
    """
    moment = time.time()
    scheduler_id = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    return ExecutionRecord(execution_id or str(uuid.uuid4()), argv, Status.RUNNING, moment, moment, None, scheduler_id)


def shown_expression(expr: Any) -> str:
    """What stands for the command line of an execution that has none."""
    return expr.task_name if isinstance(expr, TaskExpression) else type(expr).__name__


def first_context(config: Config | None, changes: Mapping[str, Any]) -> Context:
    """The context of a configuration, with changes that are merged into it."""
    configured: Mapping[str, Any] = {}
    if config is not None:
        from redun.config.build import scheduler_settings

        configured = scheduler_settings(config).context
    return (Context(configured) if configured else NO_CONTEXT).updated(changes)


def plugged_observers(config: Config | None, execution_id: str, expr: Any) -> tuple[JobObserver, ...]:
    """Those that plugins have for an execution of this expression; none where there is no configuration."""
    if config is None:
        return ()
    from redun.config.secrets import masked_view
    from redun.plugins import ExecutionInfo, get_plugins

    task_name = expr.task_name if isinstance(expr, TaskExpression) else root_task.fullname
    execution = ExecutionInfo(execution_id, split_task_fullname(task_name)[0], task_name)
    return get_plugins().job_observers(masked_view(config), execution)
