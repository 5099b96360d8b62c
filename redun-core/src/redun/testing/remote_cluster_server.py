"""A small cluster on this machine: `python -m redun.testing.remote_cluster_server SOCKET SLOTS`.

It runs each job as a process of its own, at most SLOTS at a time, and answers requests on a socket: one JSON object a
connection, one back. It ends, with all of its jobs, when its standard input does. `redun.testing.remote_cluster` is its
other side.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(eq=False)
class _Job:
    name: str
    remote_id: str
    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    state: str = "waiting"
    reason: str = ""
    exit_code: int | None = None
    pid: int = 0


@dataclass
class _Faults:
    throttle: dict[str, int] = field(default_factory=dict)
    """By kind of request: how many of the next ones are answered with "throttled"."""
    fail: dict[str, int] = field(default_factory=dict)
    """The same with "transient"."""
    refuse: int = 0
    """How many of the next submissions are refused."""
    broken: bool = False
    """Whether every request is answered with "broken"."""
    not_started: int = 0
    """How many of the next jobs fail before they begin."""
    lose_output: int = 0
    """Of how many jobs that succeed the output is removed."""
    pretend: bool = False
    """Whether jobs succeed without being run."""
    hold: bool = False
    """Whether jobs are kept from beginning."""
    forget: bool = False
    """Whether no job is known any more."""


class Server:
    """The cluster. One thread, which forks the jobs."""

    def __init__(self, path: str, slots: int) -> None:
        self._slots = slots
        self._logs = Path(path).parent
        self._jobs: dict[str, _Job] = {}
        self._names: dict[str, str] = {}
        self._by_pid: dict[int, _Job] = {}
        self._counts: Counter[str] = Counter()
        self._started = 0
        self._faults = _Faults()
        self._waiters: list[tuple[socket.socket, str, int]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(100)
        self._selector = selectors.DefaultSelector()
        self._wake, wake_up = socket.socketpair()
        self._wake.setblocking(False)
        wake_up.setblocking(False)
        self._wake_up = wake_up

    def run(self) -> None:
        """Serve until standard input ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_up.fileno(), warn_on_full_buffer=False)
        for source in (self._listener, self._wake, sys.stdin):
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    self._kill(list(self._jobs.values()))
                    return
                if key.fileobj is self._listener:
                    self._answer(self._listener.accept()[0])
                else:
                    with contextlib.suppress(BlockingIOError):
                        self._wake.recv(4096)
            self._reap()
            self._start_jobs()
            self._wake_waiters()

    # -- requests -----------------------------------------------------------------------------------------------------

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection.makefile("rb") as stream:
            request = json.loads(stream.readline())
        kind = request.pop("request")
        if kind == "wait":
            self._waiters.append((connection, request["what"], request["count"]))
            return
        _reply(connection, self._refusal(kind) or {"answer": getattr(self, f"_on_{kind}")(**request)})

    def _refusal(self, kind: str) -> dict[str, str] | None:
        if kind in ("fault", "statistics", "kill"):
            return None
        self._counts[kind] += 1
        faults = self._faults
        if faults.broken:
            return {"error": "broken"}
        for name, left in (("throttled", faults.throttle), ("transient", faults.fail)):
            if left.get(kind):
                left[kind] -= 1
                return {"error": name}
        if kind == "submit" and faults.refuse:
            faults.refuse -= 1
            return {"error": "refused"}
        return None

    def _on_submit(self, name: str, command: list[str], size: int, environment: dict[str, str], folder: str) -> str:
        remote_id = f"job-{len(self._names) + 1}"
        while remote_id in self._names.values():
            remote_id += "x"
        self._names[f"{name} {remote_id}"] = remote_id
        for index in range(size or 1):
            child = f"{remote_id}:{index}" if size else remote_id
            extra = {"AWS_BATCH_JOB_ARRAY_INDEX": str(index)} if size else {}
            log = str(self._logs / f"{child.replace(':', '-')}.log")
            self._jobs[child] = _Job(name, child, command, {**environment, **extra}, folder, log)
        return remote_id

    def _on_describe(self, ids: list[str]) -> dict[str, Any]:
        jobs = [] if self._faults.forget else [self._jobs[one] for one in ids if one in self._jobs]
        return {job.remote_id: [job.state, job.reason, job.exit_code] for job in jobs}

    def _on_cancel(self, ids: list[str]) -> None:
        self._kill([job for job in self._jobs.values() if {job.remote_id, job.remote_id.partition(":")[0]} & set(ids)])

    def _on_list(self, prefix: str) -> list[list[str]]:
        in_flight = {job.remote_id.partition(":")[0] for job in self._jobs.values() if job.state in _IN_FLIGHT}
        names = {key.partition(" ")[0]: one for key, one in self._names.items() if one in in_flight}
        return [[name, one] for name, one in names.items() if name.startswith(prefix)]

    def _on_log(self, remote_id: str) -> list[str]:
        log = Path(self._jobs[remote_id].log)
        return log.read_text(errors="replace").splitlines()[-1000:] if log.exists() else []

    def _on_kill(self, count: int) -> None:
        self._kill([job for job in self._jobs.values() if job.state == "running"][:count])

    def _on_fault(self, **faults: Any) -> None:
        for name, value in faults.items():
            setattr(self._faults, name, value)

    def _on_statistics(self) -> dict[str, Any]:
        return {"requests": dict(self._counts), "started": self._started, "names": list(self._names)}

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        if self._faults.hold:
            return
        for job in self._jobs.values():
            if len(self._by_pid) >= self._slots:
                return
            if job.state != "waiting":
                continue
            if self._faults.pretend:
                job.state = "succeeded"
                continue
            if self._faults.not_started:
                self._faults.not_started -= 1
                job.state, job.reason = "failed", "the image cannot be found"
                continue
            job.pid = self._fork(job)
            job.state = "running"
            self._by_pid[job.pid] = job
            self._started += 1

    def _fork(self, job: _Job) -> int:
        pid = os.fork()
        if pid:
            # On both sides, whoever is first: the group has to be there when it is killed.
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
            return pid
        code = 70
        try:
            self._become(job)
            code = _run(job.command)
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _become(self, job: _Job) -> None:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for one in (self._listener, self._wake, self._wake_up, *(waiter[0] for waiter in self._waiters)):
            one.close()
        log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(job.folder)
        os.environ.clear()
        os.environ.update(job.environment)

    def _reap(self) -> None:
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, exit_code: int) -> None:
        job = self._by_pid.pop(pid, None)
        if job is None:
            return  # what a job has left behind
        job.exit_code = exit_code if exit_code >= 0 else 128 - exit_code
        job.state = "failed" if exit_code else "succeeded"
        job.reason = "" if exit_code >= 0 else f"ended by signal {-exit_code}"
        if job.state == "succeeded" and self._faults.lose_output and "--output" in job.command:
            self._faults.lose_output -= 1
            Path(job.command[job.command.index("--output") + 1]).unlink(missing_ok=True)

    def _kill(self, jobs: list[_Job]) -> None:
        """End jobs, and wait until nothing of them is left."""
        for job in jobs:
            if job.state == "waiting":
                job.state, job.reason = "failed", "cancelled before it began"
            elif job.state == "running":
                _signal_group(job.pid, signal.SIGKILL)
                self._ended(job.pid, os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1]))
                while _signal_group(job.pid, signal.SIGKILL):
                    with contextlib.suppress(ChildProcessError):
                        os.waitpid(-job.pid, os.WNOHANG)
                    time.sleep(0.001)  # nobody tells when a process ends that is not a child of this one

    def _wake_waiters(self) -> None:
        counts = Counter(job.state for job in self._jobs.values())
        counts["ended"] = counts["succeeded"] + counts["failed"]
        counts["submitted"] = len(self._jobs)
        for waiter in list(self._waiters):
            connection, what, count = waiter
            if counts[what] >= count:
                self._waiters.remove(waiter)
                _reply(connection, {"answer": counts[what]})


_IN_FLIGHT = ("waiting", "running")
_PR_SET_CHILD_SUBREAPER = 36
_COMMAND_LINE = "redun.cli.entry"
"""What the command `redun` imports. Jobs run that command, which this module otherwise knows nothing of."""


def _run(command: list[str]) -> int:
    if command[0] != "redun":
        os.execvp(command[0], command)  # noqa: S606 - what the test says
    return int(import_module(_COMMAND_LINE).run_command_line(command[1:]))


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _reply(connection: socket.socket, answer: dict[str, Any]) -> None:
    with connection, contextlib.suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _adopt_orphans() -> None:
    """Be told, where the system can do that, when processes end whose parents, the jobs, have ended."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Serve on the socket that the command line names."""
    # What every job needs is imported once, not once a job.
    for name in (_COMMAND_LINE, "redun.cli.oneshot", "redun.remote.worker", "redun.testing.tasks"):
        import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _adopt_orphans()
    server = Server(sys.argv[1], int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
