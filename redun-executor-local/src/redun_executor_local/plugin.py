"""What redun-core learns about this package at start-up."""

from __future__ import annotations

from redun.plugins import ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_executors() -> list[ExecutorType]:
    """Offer `type = local`."""
    return [
        ExecutorType(
            "local",
            "redun_executor_local.executor:LocalExecutor",
            settings="redun_executor_local.settings:LocalSettings",
            task_options="redun_executor_local.settings:LocalTaskOptions",
            summary="threads or processes on this machine",
        )
    ]
