"""What can go wrong between this package and the command `docker`."""

from __future__ import annotations

from redun.errors import ExecutorError


class EngineError(ExecutorError):
    """The command `docker` has failed, or has said something that cannot be understood."""


class EngineUnavailableError(EngineError):
    """There is no command `docker` or `podman`, or its service does not answer."""


class ContainerStartError(EngineError):
    """A container could not be started."""
