"""A cluster on this machine for tests of what runs elsewhere, with faults on demand, and an executor for it.

    with LocalCluster(folder) as cluster:
        executor = ClusterExecutor("cluster", str(folder / "scratch"), socket=cluster.socket)

Its jobs are real processes that run the real worker, and live on when the scheduler dies.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ExecutorError
from redun.remote.interface import ErrorKind, InFlightJob, JobReport, JobState, RemoteLimits, Submission
from redun.remote.polling import PollingExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class ClusterError(ExecutorError):
    """The cluster did not do what it was asked for. `kind` is what it said: throttled, transient, refused or broken."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the cluster says: {kind}")
        self.kind = kind


class LocalCluster:
    """A process that runs jobs, at most `slots` at a time. Use it as a context manager.

    wait_seconds: how long any request may take.
    """

    def __init__(self, slots: int = 4, wait_seconds: float = 60.0) -> None:
        self._slots = slots
        self._wait_seconds = wait_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.socket = ""
        """Where it listens."""

    def __enter__(self) -> LocalCluster:
        # Paths of sockets must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="redun-cluster-")
        self.socket = str(Path(self._folder.name) / "socket")
        command = [sys.executable, "-P", "-m", "redun.testing.remote_cluster_server", self.socket, str(self._slots)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the cluster does not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._folder is not None
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(self._wait_seconds)
        self._folder.cleanup()

    def fault(self, **faults: Any) -> None:
        """From now on be faulty.

        `throttle={"submit": 3}`, `fail={"describe": 2}`, `refuse=1`, `broken=True`, `not_started=1`, `lose_output=1`,
        `hold=True` (until `hold=False`), `forget=True`, `pretend=True` (jobs succeed without being run).
        """
        ask(self.socket, self._wait_seconds, "fault", **faults)

    def kill(self, count: int = 1) -> None:
        """Kill so many running jobs, as the system does when memory runs out."""
        ask(self.socket, self._wait_seconds, "kill", count=count)

    def wait_for(self, what: str, count: int) -> None:
        """Wait until so many jobs are `waiting`, `running`, `succeeded`, `failed`, `ended` or `submitted`."""
        ask(self.socket, self._wait_seconds, "wait", what=what, count=count)

    @property
    def requests(self) -> dict[str, int]:
        """How many requests executors have made, by kind: `submit`, `describe`, `cancel`, `list`, `log`."""
        requests: dict[str, int] = self._statistics()["requests"]
        return requests

    @property
    def started(self) -> int:
        """How many jobs have begun."""
        return int(self._statistics()["started"])

    @property
    def names(self) -> list[str]:
        """The names of all jobs and arrays, in the order in which they were submitted."""
        return [name.partition(" ")[0] for name in self._statistics()["names"]]

    def _statistics(self) -> dict[str, Any]:
        statistics: dict[str, Any] = ask(self.socket, self._wait_seconds, "statistics")
        return statistics


def ask(path: str, seconds: float, request: str, **fields: Any) -> Any:
    """Make a request. Raises `ClusterError` if it is refused, and `OSError` if there is no cluster."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(path)
        connection.sendall(json.dumps({"request": request, **fields}).encode() + b"\n")
        with connection.makefile("rb") as stream:
            reply = json.loads(stream.readline() or b'{"error": "broken"}')
    if "error" in reply:
        raise ClusterError(reply["error"])
    return reply["answer"]


class ClusterExecutor(PollingExecutor):
    """Runs calls on a `LocalCluster`, in the working directory and the environment of the scheduler.

    socket: where the cluster listens.
    working_folder: the working directory of jobs, instead.
    """

    limits = RemoteLimits(ids_per_describe=100, ids_per_cancel=100, max_array_size=1000)

    def __init__(self, name: str, scratch: str, socket: str, working_folder: str | None = None, **options: Any) -> None:
        super().__init__(name, scratch, **options)
        self._socket = socket
        self._working_folder = working_folder

    def submit_job(self, submission: Submission) -> str:
        """Submit a job or an array."""
        remote_id: str = self._ask(
            "submit",
            name=submission.name,
            command=list(submission.command),
            size=submission.size,
            environment=dict(os.environ),
            folder=self._working_folder or str(Path.cwd()),
        )
        return remote_id

    def describe_jobs(self, remote_ids: Sequence[str]) -> Mapping[str, JobReport]:
        """What became of jobs."""
        assert len(remote_ids) <= self.limits.ids_per_describe
        found = self._ask("describe", ids=list(remote_ids))
        return {
            one: JobReport(JobState(state), reason, exit_code, tags=(("cluster_job", one),))
            for one, (state, reason, exit_code) in found.items()
        }

    def cancel_jobs(self, remote_ids: Sequence[str]) -> None:
        """Kill jobs."""
        assert len(remote_ids) <= self.limits.ids_per_cancel
        self._ask("cancel", ids=list(remote_ids))

    def log_tail(self, remote_id: str) -> Sequence[str]:
        """The last lines of a job."""
        lines: list[str] = self._ask("log", remote_id=remote_id)
        return lines

    def list_in_flight(self, prefix: str) -> Iterable[InFlightJob]:
        """The jobs that wait or run."""
        return [InFlightJob(name, one) for name, one in self._ask("list", prefix=prefix)]

    def error_kind(self, error: Exception) -> ErrorKind:
        """What an error means."""
        if isinstance(error, ClusterError):
            return ErrorKind(error.kind)
        return ErrorKind.BROKEN if isinstance(error, OSError) else ErrorKind.REFUSED

    def _ask(self, request: str, **fields: Any) -> Any:
        return ask(self._socket, 60, request, **fields)
