"""The base class of executors whose jobs run elsewhere and are asked about from time to time."""

from __future__ import annotations

import threading
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError, ExecutorError
from redun.executors.base import Capabilities, Executor
from redun.file.filesystem import get_proto
from redun.remote.interface import ErrorKind, RemoteLimits
from redun.remote.options import RemoteOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from redun.executors.base import ExecutorContext, JobSink, TaskCall
    from redun.remote.conductor import Conductor
    from redun.remote.interface import InFlightJob, JobReport, Submission
    from redun.remote.scratch import Scratch


class PollingExecutor(Executor):
    """Base class of executors whose jobs run elsewhere: in containers, on a cluster, in a batch service.

    name: what tasks call the executor: `@task(executor=name)`.
    scratch: the folder, on any filesystem that `File` knows, where arguments and results are exchanged. Relative to the
        configuration directory.
    options: those of `redun.remote.RemoteOptions`.

    A subclass implements `submit_job`, `describe_jobs` and `cancel_jobs`, and whatever else of the methods that follow
    them it can. They are called on threads of this class, several at once, between `open` and `close`. An error that
    they raise is looked at by `error_kind`.

    Raises `ConfigError` for wrong options.
    """

    capabilities = Capabilities(scripts=True, cancel=True, abandons_running=True, reports_started=True)
    limits: RemoteLimits = RemoteLimits()
    worker_command: tuple[str, ...] = ("redun",)
    """How the command `redun` is called where the jobs run."""
    unknown_seconds: float = 60.0
    """How long a job may be `JobState.UNKNOWN` before its calls fail."""

    def __init__(self, name: str, scratch: str, **options: Any) -> None:
        super().__init__(name)
        self.scratch = scratch
        try:
            self.remote = RemoteOptions(**options)
        except ConfigError as error:
            raise ConfigError(f"executor {name!r}: {error}") from None
        if self.remote.on_cancel == "leave":
            self.capabilities = replace(self.capabilities, cancel=False)
        self._lock = threading.Lock()
        self._place: tuple[ExecutorContext, JobSink] | None = None
        self._conductor: Conductor | None = None

    # -- what a subclass implements -----------------------------------------------------------------------------------

    @abstractmethod
    def submit_job(self, submission: Submission) -> str:
        """Submit a job, or an array of jobs, and return the id by which the service knows it."""

    @abstractmethod
    def describe_jobs(self, remote_ids: Sequence[str]) -> Mapping[str, JobReport]:
        """What is known of these jobs, by id. One that is missing in the answer counts as `JobState.UNKNOWN`.

        remote_ids: what `submit_job` has returned, and for the jobs of an array what `child_id` makes of that; not more
            than `limits.ids_per_describe`.
        """

    @abstractmethod
    def cancel_jobs(self, remote_ids: Sequence[str]) -> None:
        """End these jobs, whether they wait or run. Those that have ended are no error.

        remote_ids: of single jobs, of jobs of an array, or of a whole array.
        """

    # -- what a subclass may implement --------------------------------------------------------------------------------

    def log_tail(self, remote_id: str) -> Sequence[str]:  # noqa: ARG002 - for who overrides it
        """The last lines that a job has written; they are shown where it has failed. By default none."""
        return ()

    def list_in_flight(self, prefix: str) -> Iterable[InFlightJob]:  # noqa: ARG002 - for who overrides it
        """The jobs and arrays whose names begin so and that wait or run. By default none, so that none are found again.

        Those that ended a moment ago may be among them.
        """
        return ()

    def child_id(self, remote_id: str, index: int) -> str:
        """The id of one job of an array. By default `<id>:<index>`."""
        return f"{remote_id}:{index}"

    def error_kind(self, error: Exception) -> ErrorKind:  # noqa: ARG002 - for who overrides it
        """What an error means that one of these methods has raised. By default `ErrorKind.REFUSED`."""
        return ErrorKind.REFUSED

    def can_group(self, call: TaskCall) -> bool:
        """Whether a call may be part of an array or a bundle. By default all may, but scripts."""
        return not call.target.is_script

    def open(self) -> None:
        """Get ready, before the first of the other methods is called."""

    def close(self) -> None:
        """Release what `open` and the other methods hold. Called once for each `open`."""

    # -- what an executor is to the scheduler -------------------------------------------------------------------------

    def start(self, context: ExecutorContext, sink: JobSink) -> None:
        """Remember where to report; threads start with the first calls."""
        self._place = (context, sink)

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Take these calls. Raises `ExecutorError` before `start` and after `stop`."""
        with self._lock:
            if self._place is None:
                raise ExecutorError(
                    f"Executor {self.name!r} was given calls before it was started or after it was stopped."
                )
            if self._conductor is None:
                self._conductor = self._make_conductor(*self._place)
            self._conductor.accept(calls)

    def _make_conductor(self, context: ExecutorContext, sink: JobSink) -> Conductor:
        from redun.remote.conductor import Conductor

        conductor = Conductor(self, context, sink, self._scratch(context))
        conductor.begin()
        return conductor

    def launch(self, context: ExecutorContext, call: TaskCall) -> str | None:
        """Submit a job for whose result nobody waits, and return its remote id."""
        from redun.remote.detached import submit_detached

        return submit_detached(self, context, self._scratch(context), call)

    def code_file(self, context: ExecutorContext) -> str | None:
        """Bring the code of the workflow to the scratch folder, as the options say. Returns the path of the package.

        None if no code is sent along.
        """
        from pathlib import Path

        from redun.remote.code_package import send_code

        options = self.remote
        return send_code(
            self._scratch(context), options.code_package, options.code_includes, options.code_excludes, Path.cwd()
        )

    def _scratch(self, context: ExecutorContext) -> Scratch:
        from redun.remote.scratch import Scratch

        return Scratch(absolute(self.scratch, context.config_dir))

    def cancel(self, job_ids: Sequence[int]) -> None:
        """End these calls, as the option `on_cancel` says."""
        with self._lock:
            if self._conductor is not None:
                self._conductor.cancel(job_ids)

    def stop(self) -> None:
        """End what is in flight, or leave it running, as the option `on_cancel` says."""
        with self._lock:
            conductor, self._conductor, self._place = self._conductor, None, None
        if conductor is not None:
            conductor.end()


def absolute(path: str, config_dir: Path) -> str:
    """A path or URL, where a relative path is relative to the configuration directory."""
    return path if get_proto(path) != "local" else str((config_dir / path.removeprefix("file://")).absolute())
