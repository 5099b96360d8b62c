"""What redun-core learns about this package at start-up."""

from __future__ import annotations

from redun.plugins import ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_executors() -> list[ExecutorType]:
    """Offer `type = docker`."""
    return [
        ExecutorType(
            "docker",
            "redun_executor_docker.executor:DockerExecutor",
            settings="redun_executor_docker.settings:DockerSettings",
            task_options="redun_executor_docker.settings:DockerTaskOptions",
            summary="containers on this machine, with the command docker or podman",
        )
    ]
