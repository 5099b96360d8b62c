"""The docker executor: jobs in containers on this machine."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError, ExecutorError
from redun.file.filesystem import get_proto
from redun.remote import ErrorKind, PollingExecutor, RemoteLimits

from redun_executor_docker.aws_environment import aws_environment
from redun_executor_docker.containers import Containers
from redun_executor_docker.engine import Engine
from redun_executor_docker.errors import ContainerStartError, EngineUnavailableError
from redun_executor_docker.options import (
    DEFAULT_MAX_WORKERS,
    DEFAULT_MEMORY,
    DEFAULT_MONITOR_INTERVAL,
    DEFAULT_VCPUS,
    ContainerOptions,
    Volume,
    parse_volumes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redun.executors.base import ExecutorContext, JobSink
    from redun.remote import InFlightJob, JobReport, Submission


class DockerExecutor(PollingExecutor):
    """Runs each job in a container on this machine, with the command `docker` or `podman`.

    name: what tasks call it: `@task(executor=name)`.
    image: the image of containers, with the command `redun`; a task may have its own.
    scratch: the folder in which arguments and results are exchanged, relative to the configuration directory.
        Containers see it at the same path. One that is no local folder is theirs to reach.
    command: the command to call, as one text or as words; by default `docker` or else `podman`.
    vcpus, memory, shared_memory: what a container may use; memory in GiB. None: what the engine gives it.
    gpus: if it is not 0, containers get all GPUs.
    interactive: run containers in the foreground, one at a time, with the terminal of this process.
    volumes: pairs of paths, of this machine and in containers; a third word `ro` makes one read-only.
    include_aws_env: pass the environment variables of AWS to containers.
    max_workers: how many containers run at once, at most.
    keep_failed: leave the containers of failed jobs for people to look into.
    options: those of `redun.remote.RemoteOptions`.

    A task may give most of these as its options; others that it gives are none of this executor's business, so that
    the executor of another package may keep one of these and hand calls on to it, to debug them on this machine.

    Raises `ConfigError` for values that are not allowed.
    """

    limits = RemoteLimits(max_array_size=0)
    unknown_seconds = 0.0  # containers are known from the first moment to the last

    def __init__(
        self,
        name: str,
        image: str,
        scratch: str,
        *,
        command: str | Sequence[str] | None = None,
        vcpus: float | None = DEFAULT_VCPUS,
        gpus: int = 0,
        memory: float | None = DEFAULT_MEMORY,
        shared_memory: float | None = None,
        interactive: bool = False,
        volumes: Iterable[Sequence[str]] = (),
        include_aws_env: bool = True,
        max_workers: int = DEFAULT_MAX_WORKERS,
        keep_failed: bool = False,
        job_monitor_interval: float = DEFAULT_MONITOR_INTERVAL,
        **options: Any,
    ) -> None:
        options["min_array_size"] = 0
        super().__init__(name, scratch, job_monitor_interval=job_monitor_interval, **options)
        if max_workers < 1:
            raise ConfigError(f"executor {name!r}: max_workers = {max_workers} must be 1 or more")
        self.command = tuple(shlex.split(command) if isinstance(command, str) else command or ())
        self.container_options = ContainerOptions(
            image, vcpus, gpus, memory, shared_memory, interactive, parse_volumes(volumes), include_aws_env
        )
        self.slots = self.max_workers = max_workers
        self.keep_failed = keep_failed
        self._config_dir = Path()
        self._containers: Containers | None = None

    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Remember where to report; threads and containers start with the first calls."""
        self._config_dir = context.config_dir.absolute()
        folder = self._local_scratch()
        if folder is not None:
            # What stands between `..` and the root need not be there in a container.
            self.scratch = str(folder)
        super().start(context, sink)

    def open(self) -> None:
        """Find the command, and see whether its service answers. Raises `EngineUnavailableError`."""
        engine = Engine(self.command)
        engine.check()
        scratch = self._local_scratch()
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)  # there is no mount of what is not there
        root = self.scratch if scratch is None else str(scratch)
        self._containers = Containers(engine, root, self.max_workers, aws_environment, keep_failed=self.keep_failed)

    def _local_scratch(self) -> Path | None:
        """The scratch folder as it is mounted; None where containers reach it by themselves."""
        if get_proto(self.scratch) != "local":
            return None
        folder = Path(self.scratch.removeprefix("file://")).expanduser()
        return Path(os.path.normpath(self._config_dir / folder))

    def submit_job(self, submission: Submission) -> str:
        """Have a container started as soon as there is room for it."""
        return self._opened().submit(
            submission.name, submission.command, self._options(submission.options), submission.tags
        )

    def _options(self, of_task: Mapping[str, Any]) -> ContainerOptions:
        try:
            options = self.container_options.of_task(of_task).relative_to(self._config_dir)
        except ConfigError as error:
            raise ExecutorError(f"executor {self.name!r}: {error}") from None
        scratch = self._local_scratch()
        return options if scratch is None else options.with_volume(Volume(str(scratch), str(scratch)))

    def describe_jobs(self, remote_ids: Sequence[str]) -> Mapping[str, JobReport]:
        """What became of these containers. Those that have ended are removed."""
        return self._opened().describe(remote_ids)

    def cancel_jobs(self, remote_ids: Sequence[str]) -> None:
        """End and remove these containers."""
        self._opened().cancel(remote_ids)

    def log_tail(self, remote_id: str) -> Sequence[str]:
        """The last lines of a container, also when it has been removed because it has failed."""
        return self._opened().log(remote_id)

    def list_in_flight(self, prefix: str) -> Iterable[InFlightJob]:
        """The containers of this scratch folder, whichever scheduler has started them."""
        return self._opened().in_flight(prefix)

    def error_kind(self, error: Exception) -> ErrorKind:
        """Without its service nothing can be done; what docker refuses once, it refuses again."""
        return ErrorKind.BROKEN if isinstance(error, EngineUnavailableError) else ErrorKind.REFUSED

    def close(self) -> None:
        """Start nothing any more. What runs, and was not cancelled, goes on."""
        containers, self._containers = self._containers, None
        if containers is not None:
            containers.close()

    def _opened(self) -> Containers:
        if self._containers is None:
            raise ContainerStartError(f"executor {self.name!r} is not open")
        return self._containers
