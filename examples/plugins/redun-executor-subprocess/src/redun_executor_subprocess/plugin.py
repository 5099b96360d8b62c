"""What redun learns about this package when it looks for plugins."""

from __future__ import annotations

from redun.plugins import ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_executors() -> list[ExecutorType]:
    """Offer `type = subprocess`."""
    return [
        ExecutorType(
            name="subprocess",
            factory="redun_executor_subprocess.executor:SubprocessExecutor",
            settings="redun_executor_subprocess.settings:SubprocessSettings",
            task_options="redun_executor_subprocess.settings:SubprocessTaskOptions",
            summary="A fresh Python interpreter for every call",
        )
    ]
