"""What stands in for the command `docker` in tests: it takes the same words, and answers as docker does.

A container is a real process, on the cluster of `redun.testing.remote_cluster`, that sees this machine's files. Volumes
must be there, and nothing else is made of them. It has the variables that it was given, and its own working folder.

The command is a program that brings its words to this process, where they are answered.

Images are called after what happens with them: `missing`, `bare` (without programs), `too-small` (out of memory).
Any other is fine.
"""

from __future__ import annotations

import json
import marshal
import socketserver
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redun.testing.remote_cluster import LocalCluster, ask

# Nothing is imported that takes its time: tests call it some thousand times.
CLIENT = """import sys, marshal, posix, _socket
connection = _socket.socket(_socket.AF_UNIX)
connection.connect({path!r})
connection.sendall(marshal.dumps((sys.argv[1:], dict(posix.environ))))
connection.shutdown(_socket.SHUT_WR)
received = b""
while part := connection.recv(65536):
    received += part
code, out, errors = marshal.loads(received)
sys.stdout.write(out)
sys.stderr.write(errors)
sys.stdout.flush()
sys.stderr.flush()
posix._exit(code)
"""
WITH_VALUE = ("--name", "--label", "-e", "--mount", "--gpus", "--device")
NEVER = "0001-01-01T00:00:00Z"


class Refused(Exception):
    def __init__(self, text: str, code: int = 125) -> None:
        super().__init__(text)
        self.code = code


class StandIn:
    """A command that does as docker does, what it was called with, and its containers.

    Use it as a context manager.
    """

    def __init__(self, folder: Path, cluster: LocalCluster) -> None:
        self._cluster = cluster
        self._is_down = False
        self._found: dict[str, dict[str, Any]] = {}
        self.work = folder / "stand_in"
        self.calls: list[list[str]] = []
        (folder / "bin").mkdir()
        self.command = str(folder / "bin" / "docker")

    def __enter__(self) -> StandIn:
        # Paths of sockets must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="stand-in-")
        path = f"{self._folder.name}/socket"
        stand_in = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                words, environment = marshal.loads(self.rfile.read())
                self.wfile.write(marshal.dumps(stand_in.answer(words, environment)))

        client = Path(f"{self._folder.name}/client.py")
        client.write_text(CLIENT.format(path=path))
        Path(self.command).write_text(f'#!/bin/sh\nexec {sys.executable} -IS {client} "$@"\n')
        Path(self.command).chmod(0o755)
        self._server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()

    def calls_of(self, verb: str) -> list[list[str]]:
        return [call for call in self.calls if call[0] == verb]

    @property
    def containers(self) -> list[str]:
        return sorted(self._found)

    def leave_behind(self, name: str, labels: dict[str, str], finished: str) -> None:
        """A container that has failed, and that nobody has removed."""
        self._found[name] = {"labels": labels, "created": NEVER, "finished": finished, "code": 1, "oom": False}

    def take_down(self) -> None:
        """From now on the service cannot be reached."""
        self._is_down = True

    def bring_up(self) -> None:
        """It can be reached again."""
        self._is_down = False

    def answer(self, words: list[str], environment: dict[bytes, bytes]) -> tuple[int, str, str]:
        """The exit code, and what goes to stdout and stderr."""
        self.calls.append(words)
        if words[0] == "--version":
            return 0, "Docker version 99.0.0, build standin\n", ""
        if self._is_down:
            return 1, "", "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?\n"
        try:
            if words[0] == "run":
                return self._run(words[1:], {key.decode(): value.decode() for key, value in environment.items()})
            return {"inspect": self._inspect, "ps": self._ps, "rm": self._rm, "logs": self._logs}[words[0]](words[1:])
        except Refused as problem:
            return problem.code, "", f"{problem}\n"

    def _ask(self, request: str, **fields: Any) -> Any:
        return ask(self._cluster.socket, 60, request, **fields)

    def _run(self, words: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        given, image, command = _parse_run(words)
        _refuse(image, given["mount"])
        name = given["name"]
        folder = self.work / name
        folder.mkdir(parents=True)
        facts: dict[str, Any] = {"labels": given["label"], "created": _now(), "finished": NEVER, "code": None}
        facts["oom"] = image == "too-small"
        self._found[name] = facts  # docker leaves it behind, too, when it cannot be started
        if image == "bare":
            text = f'docker: OCI runtime create failed: exec: "{command[0]}": executable file not found in $PATH'
            raise Refused(text, 127)
        if image == "too-small":
            command = ["sh", "-c", "echo more and more; kill -9 $$"]
        variables = {key: environment[key] for key in ("PATH", "HOME", *given["e"]) if key in environment}
        if "-d" not in given["flags"]:
            facts["job"] = "foreground"
            facts["process"] = subprocess.Popen(command, cwd=folder, env=variables)
            facts["code"] = facts["process"].wait(60)
            facts["finished"] = _now()
            return facts["code"], "", ""
        facts["job"] = self._ask(
            "submit", name=name, command=command, size=0, environment=variables, folder=str(folder)
        )
        return 0, f"{name}\n", ""

    def _inspect(self, words: list[str]) -> tuple[int, str, str]:
        names = words[4:]
        found = {name: self._found[name] for name in names if name in self._found}
        jobs = self._ask("describe", ids=[facts["job"] for facts in found.values() if "job" in facts])
        lines = []
        for name, facts in found.items():
            code = facts["code"]
            state, _, of_job = jobs.get(facts.get("job"), ("running" if "job" in facts else "created", "", None))
            has_ended = code is not None or of_job is not None
            told = {
                "Status": "exited" if has_ended else "running" if state == "waiting" else state,
                "ExitCode": of_job or code or 0,
                "OOMKilled": has_ended and facts["oom"],
                "FinishedAt": facts["finished"],
            }
            told_of = {"name": f"/{name}", "state": told, "created": facts["created"], "labels": facts["labels"]}
            lines.append(json.dumps(told_of))
        return self._with_missing(names, found, "".join(f"{line}\n" for line in lines))

    def _with_missing(self, names: list[str], found: dict[str, Any], out: str) -> tuple[int, str, str]:
        missing = [name for name in names if name not in found]
        return int(bool(missing)), out, "".join(f"Error: No such container: {name}\n" for name in missing)

    def _ps(self, words: list[str]) -> tuple[int, str, str]:
        if "--filter" not in words:
            return 0, "", ""
        key, _, value = words[words.index("--filter") + 1].removeprefix("label=").partition("=")
        names = [name for name, facts in list(self._found.items()) if facts["labels"].get(key) == value]
        return 0, "".join(f"{name}\n" for name in names), ""

    def _rm(self, words: list[str]) -> tuple[int, str, str]:
        names = [word for word in words if not word.startswith("-")]
        found = {name: self._found.pop(name) for name in names if name in self._found}
        for facts in found.values():
            if "process" in facts:
                facts["process"].kill()
        self._ask("cancel", ids=[facts["job"] for facts in found.values() if "job" in facts])
        return self._with_missing(names, found, "")

    def _logs(self, words: list[str]) -> tuple[int, str, str]:
        job = self._found.get(words[-1], {}).get("job", "foreground")
        lines = [] if job == "foreground" else self._ask("log", remote_id=job)[-int(words[1]) :]
        return 0, "".join(f"{line}\n" for line in lines), ""


def _refuse(image: str, mounts: list[str]) -> None:
    if image == "missing":
        raise Refused(
            "Unable to find image 'missing:latest' locally\ndocker: Error response from daemon: pull access denied for "
            "missing, repository does not exist or may require 'docker login'.\n\nRun 'docker run --help' for more"
        )
    for mount in mounts:
        source = mount.split("source=")[1].split(",")[0]
        if not Path(source).exists():
            raise Refused(
                'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not '
                f"exist: {source}"
            )


def _parse_run(words: list[str]) -> tuple[dict[str, Any], str, list[str]]:
    given: dict[str, Any] = {"flags": [], "label": {}, "e": [], "mount": [], "name": ""}
    words = list(words)
    while words[0].startswith("-"):
        word = words.pop(0)
        if word not in WITH_VALUE:
            given["flags"].append(word)
            continue
        value, key = words.pop(0), word.lstrip("-")
        if key == "label":
            given["label"].update([value.split("=", 1)])
        elif key in ("e", "mount"):
            given[key].append(value)
        else:
            given[key] = value
    return given, words[0], words[1:]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
