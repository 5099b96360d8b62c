"""The configuration section and the task options of the docker executor."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from redun.config.settings import ShellWords
from redun.errors import ConfigError
from redun.remote.settings import RemoteJobSettings, RemoteTaskOptions

from redun_executor_docker.options import (
    DEFAULT_MAX_WORKERS,
    DEFAULT_MEMORY,
    DEFAULT_MONITOR_INTERVAL,
    DEFAULT_VCPUS,
    parse_volumes,
)


def _volumes(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"it is not valid JSON: {error}") from None
    if not isinstance(value, list | tuple):
        raise ValueError('it should be a list of pairs, such as [["data", "/data"]]')
    try:
        return parse_volumes(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


Volumes = Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_volumes)]
"""A JSON list of pairs of paths: of this machine, and in containers."""


Command = ShellWords | None


def _none(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() == "none" else value


Limit = Annotated[float | None, BeforeValidator(_none)]
"""A number, or the word `none`."""


class DockerSettings(RemoteJobSettings):
    """`type = docker`: runs each job in a container on this machine, with the command `docker` or `podman`."""

    image: str = Field(min_length=1, description="The image of containers, which must have the command `redun`.")
    scratch: str = Field(
        min_length=1,
        description="Folder in which arguments and results are exchanged, relative to the configuration directory. "
        "Containers see it at the same path.",
    )
    command: Command = Field(
        None,
        description="The command to call: `docker`, `podman`, a path, or several words, such as `sudo docker`. By "
        "default `docker` or else `podman`, whichever is on the PATH.",
    )
    vcpus: Limit = Field(DEFAULT_VCPUS, gt=0, description="How many CPUs a container may use. `none`: any number.")
    gpus: int = Field(0, ge=0, description="If it is not 0, containers get all GPUs of this machine.")
    memory: Limit = Field(
        DEFAULT_MEMORY, gt=0, description="GiB of memory that a container may use. `none`: as much as there is."
    )
    shared_memory: float | None = Field(None, gt=0, description="Size of `/dev/shm` in a container, in GiB.")
    interactive: bool = Field(
        False,
        description="Run containers in the foreground, one at a time, with this terminal: for a debugger in a task.",
    )
    volumes: Volumes = Field(
        (),
        description="Further files and folders of this machine that containers see: a JSON list of pairs, "
        '`[["data", "/data"]]`, relative to the configuration directory. A third word `ro` makes one read-only.',
    )
    include_aws_env: bool = Field(
        True, description="Pass the environment variables with AWS credentials and region to containers."
    )
    max_workers: int = Field(DEFAULT_MAX_WORKERS, ge=1, description="How many containers run at once, at most.")
    keep_failed: bool = Field(
        False, description="Keep the containers of failed jobs, to look into them. Others are removed when they end."
    )
    job_monitor_interval: float = Field(
        DEFAULT_MONITOR_INTERVAL, gt=0, description="Seconds between looks at the containers, at most."
    )


class DockerTaskOptions(RemoteTaskOptions):
    """What a task may ask of the docker executor."""

    image: str | None = Field(None, min_length=1, description="The image of this task's containers.")
    vcpus: float | None = Field(None, gt=0, description="How many CPUs a container may use.")
    gpus: int | None = Field(None, ge=0, description="If it is not 0, containers get all GPUs of this machine.")
    memory: float | None = Field(None, gt=0, description="GiB of memory that a container may use.")
    shared_memory: float | None = Field(None, gt=0, description="Size of `/dev/shm` in a container, in GiB.")
    interactive: bool | None = Field(None, description="Run the container in the foreground, with this terminal.")
    volumes: Volumes | None = Field(None, description="Volumes beside those of the executor.")
    include_aws_env: bool | None = Field(None, description="Pass AWS credentials and region to the container.")
